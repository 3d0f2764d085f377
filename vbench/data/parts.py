"""Tables that lie in several files: which files, in which order, and whether one is missing.

`shuffle_train-00-of-10.parquet` …, `emb_000.npy` …, Spark's `part-00000-….parquet`, folders with
further folders inside such as `day=1/part-0.parquet`. A table is given as a folder, or as a pattern
such as `emb_*.npy`; a path that exists is that path, whatever is in its name.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vbench import _paths
from vbench.data.names import Name, in_order, label, pattern, suffix_of
from vbench.errors import DataError, warn

_DONE = "_SUCCESS"
"""Spark's mark of a whole folder, in which parts without rows may be left out."""
_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi", "metadata": "Iceberg"}
"""What lies in the folder of a table whose files are not all of it: replaced ones stay there."""
_RUN = "run.json"
"""What a run folder holds."""
_SHOWN = 5
_FARTHEST = 10_000


@dataclass(frozen=True)
class Files:
    """The files of one table, in order.

    Attributes
    ----------
    given
        The folder or the pattern that names them, for messages.
    chosen
        By the caller's pattern, which may leave out the first files and take several kinds of
        names.
    """

    given: Path
    paths: tuple[Path, ...]
    chosen: bool = False

    def __str__(self) -> str:
        return str(self.given)


def is_pattern(given: Path) -> bool:
    """Whether a path that names no file may be a pattern of names."""
    return glob.has_magic(str(given)) and not given.exists()


def locate(given: Path, suffixes: Sequence[str]) -> Path | Files:
    """The file or the files that a path, a folder or a pattern stands for.

    Parameters
    ----------
    suffixes
        Of the files that are looked for in folders.

    Raises
    ------
    DataError
        No file matches, one is missing, or the path is one part of several.
    """
    if given.is_dir():
        paths = in_order(_files_under(given, suffixes))
        if not paths:
            raise DataError(
                f"{given}: is a folder without files of vectors ({', '.join(suffixes)})"
            )
    elif is_pattern(given):
        paths = _matches(given, suffixes)
        if not paths:
            raise DataError(f"{given}: no such file, nor does a file match it as a pattern")
    else:
        if given.is_file():
            _check_alone(given)
        return given
    files = Files(given, paths, chosen=not given.is_dir())
    check_whole(files)
    return files if len(paths) > 1 else paths[0]


def tables(folder: Path, suffixes: Sequence[str]) -> list[tuple[str, Path | Files]]:
    """The tables in a folder with their labels: numbered files of one name, and whole folders.

    Whether one lacks a part is not looked at: :func:`check_whole` does it.
    """
    found: dict[tuple[str, str], list[Path]] = {}
    for path in _visible(folder):
        if not path.is_dir():
            key = ("file", Name.of(path).words)
        else:
            # Folders such as `day=1` are parts of one table.
            key = ("folder", "=" if "=" in path.name else path.name)
        for each in _files_under(path, suffixes):
            found.setdefault(key, []).append(each)
    named: list[tuple[str, Path | Files]] = []
    for (kind, word), paths in found.items():
        if kind == "file":
            given, name = pattern(paths), label(paths[0])
        else:
            given, name = (folder, "") if word == "=" else (folder / word, word)
        named.append((name, paths[0] if len(paths) == 1 else Files(given, in_order(paths))))
    return named


def check_whole(table: Path | Files) -> None:
    """Refuse numbered files of which some are missing, or there twice."""
    if not isinstance(table, Files):
        _check_alone(table)
        return
    kinds: dict[tuple[Path, str], list[Path]] = {}
    for path in table.paths:
        kinds.setdefault((path.parent, Name.of(path).words), []).append(path)
    for (folder, _), paths in kinds.items():
        beside = [pattern(each) for (other, _), each in kinds.items() if other == folder]
        if len(beside) > 1 and not table.chosen:
            shown = ", ".join(f"'{each}'" for each in beside[:3])
            raise DataError(
                f"{table}: holds files of several kinds; give those of one table by a pattern in "
                f"quotes: {shown}"
            )
        _check_numbers(paths, table)


def _check_numbers(paths: Sequence[Path], table: Files) -> None:
    """Look at the numbers in names of the same words."""
    names = [Name.of(path) for path in paths]
    seen: dict[tuple[tuple[int, ...], str], Path] = {}
    for name, path in zip(names, paths, strict=True):
        twin = seen.setdefault((name.numbers, "" if name.total else name.job), path)
        if twin != path:
            raise DataError(
                f"{table}: {twin.name} and {path.name} are the same part; take one away"
            )
    total = names[0].total
    if total is not None:
        if any(name.total != total for name in names):
            raise DataError(f"{table}: parts of different numbers of parts; take one table away")
        there = {name.part for name in names}
        _refuse_missing(_missing(names), table, f"{total - len(there)} of {total} parts")
        return
    numbers = _varying(names)
    if numbers and not (paths[0].parent / _DONE).exists():
        first = numbers[0] if table.chosen or numbers[0] < 2 else 0
        missing = _gaps(numbers, first)
        _refuse_missing(missing, table, f"{len(missing)} of the parts {first} to {numbers[-1]}")


def _refuse_missing(missing: Sequence[int], table: Files, what: str) -> None:
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise DataError(
            f"{table}: {what} {verb} missing ({_listed(missing)}); bring what is missing, or put "
            "what is meant into a folder of its own under other names"
        )


def _check_alone(path: Path) -> None:
    """Refuse one part of N, and warn of one file out of a row of numbered ones."""
    name = Name.of(path)
    if name.total == 1 or not name.numbers:
        return
    here = [
        each
        for each in sorted(path.parent.iterdir())
        if Name.of(each).words == name.words and Name.of(each).total == name.total
    ]
    all_of_them = pattern(in_order(here) or [path])
    if name.total is not None:
        missing = _missing([Name.of(each) for each in here] or [name])
        others = f"{_listed(missing)} not beside it" if missing else "the others lie beside it"
        raise DataError(
            f"{path}: is one of {name.total} parts, {others}; give all of them by their folder, or "
            f"by a pattern in quotes: '{all_of_them}'"
        )
    numbers = _varying([Name.of(each) for each in here])
    if numbers and not _gaps(numbers, min(1, numbers[0])):
        warn(
            f"{path} is taken alone, one of {len(here)} numbered files of its name; all of them "
            f"would be '{all_of_them}'"
        )


def _missing(names: Sequence[Name]) -> list[int]:
    """Which of the parts of a table, such as `train-03-of-10`, are not among them."""
    total, there = names[0].total or 0, {name.part or 0 for name in names}
    first = 1 if total in there else 0
    return sorted({*range(first, first + min(total, _FARTHEST))} - there)


def _varying(names: Sequence[Name]) -> list[int]:
    """The numbers of files that differ in one number, in order; none where they differ in more."""
    columns = [set(column) for column in zip(*(name.numbers for name in names), strict=True)]
    columns = [column for column in columns if len(column) > 1]
    return sorted(columns[0]) if len(columns) == 1 else []


def _gaps(numbers: Sequence[int], first: int) -> list[int]:
    """What is missing of the numbers from `first` on."""
    there = set(numbers)
    last = min(numbers[-1], numbers[0] + len(numbers) + _FARTHEST)
    return [number for number in range(first, last) if number not in there]


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    more = " …" if len(numbers) > _SHOWN else ""
    return f"part{'s' if len(numbers) > 1 else ''} {shown}{more}"


def _matches(given: Path, suffixes: Sequence[str]) -> tuple[Path, ...]:
    """Files that a pattern names; folders before its first wildcard may be called anything."""
    root = Path(given.anchor)
    for parent in given.parents[::-1]:
        if parent.is_dir():
            root = parent
    found: set[Path] = set()
    for path in root.glob(str(given.relative_to(root))):
        if not path.name.startswith((".", "_")):
            found.update(_files_under(path, suffixes) if path.is_dir() else [path])
    return in_order(found)


def _files_under(path: Path, suffixes: Sequence[str]) -> Iterable[Path]:
    """A file, or all files in a folder and the folders in it."""
    if not path.is_dir():
        return [path] if suffix_of(path) in suffixes else []
    return [each for inside in _visible(path) for each in _files_under(inside, suffixes)]


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, but for hidden files, what tools keep there, and what vbench wrote."""
    found = list(folder.iterdir())
    for path in found:
        kind = _LOGS.get(path.name) if path.is_dir() else None
        if kind is not None and (kind != "Iceberg" or any(path.glob("*.metadata.json"))):
            raise DataError(
                f"{folder}: is a table of {kind}, whose log says which of its files count; "
                "write it as plain Parquet first"
            )
    return sorted(
        path
        for path in found
        if not path.name.startswith((".", "_")) and not (path.is_dir() and _is_no_data(path))
    )


def _is_no_data(folder: Path) -> bool:
    """Whether a folder holds runs or converted files, or is a link that leads back."""
    real = folder.resolve()
    leads_back = folder.is_symlink() and folder.parent.resolve().is_relative_to(real)
    return leads_back or (folder / _RUN).is_file() or real == _paths.home().resolve()
