"""Which files are base vectors, queries and ground truth, by their names."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vbench import _paths
from vbench.data.parts import Files, Name, check_whole, in_order, label, pattern, suffix_of
from vbench.errors import DataError

_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi", "metadata": "Iceberg"}
"""What lies in the folder of a table whose files are not all of it: replaced ones stay there."""
_RUN = "run.json"
"""What a run folder holds."""
BASE_WORDS = ("shuffle_train", "base", "train", "items")
QUERY_WORDS = ("queries", "query", "test", "users")
GROUND_TRUTH_WORDS = ("groundtruth", "ground_truth", "neighbors", "truth", "gt")
_FAMILIES = (
    ((".bvecs", ".fvecs"), (".ivecs",)),
    ((".f16bin", ".fbin", ".i8bin", ".u8bin"), (".ibin", ".bin")),
    ((".npy",), (".npy", ".npz")),
    ((".parquet",), (".parquet",)),
)
"""Formats of vectors that go together, and those of the ground truth beside them."""
Table = Path | Files
_FIRST = ("train", *BASE_WORDS)
"""VectorDBBench's folders may hold the rows twice, the second time shuffled."""


def queries_of(base: Path) -> Path | None:
    """Find `sift_query.fvecs` for `sift_base.fvecs`, `query.10K.fbin` for `base.10M.fbin`."""
    return _beside(base, QUERY_WORDS, _family(base)[0])


def ground_truth_of(base: Path) -> Path | None:
    """Find `sift_groundtruth.ivecs` for `sift_base.fvecs`, `neighbors.*` for `train.*`."""
    return _beside(base, GROUND_TRUTH_WORDS, _family(base)[1])


def _family(base: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return next((each for each in _FAMILIES if suffix_of(base) in each[0]), ((), ()))


def advice(base: Any) -> str:
    """Name the file that would have been found beside a base file."""
    if not isinstance(base, Path) or not _family(base)[0]:
        return ""
    word = next((word for word in BASE_WORDS if word in base.name), None)
    name = base.name.replace(word, "queries", 1) if word else f"queries{base.suffix}"
    return f", or put {name} beside it" if word else f", or name them base{base.suffix} and {name}"


def _beside(base: Path, words: Iterable[str], suffixes: Iterable[str]) -> Path | None:
    """Replace the word for the base in its name; other endings of the name may follow."""
    stem = base.stem
    word = next((word for word in BASE_WORDS if word in stem), None)
    if word is None:
        return None
    before, _, after = stem.partition(word)
    exact = [f"{before}{other}{after}{suffix}" for other in words for suffix in suffixes]
    for name in exact:
        if (base.parent / name).is_file():
            return base.parent / name
    near = [
        path
        for path in sorted(base.parent.iterdir())
        if path.is_file()
        and suffix_of(path) in suffixes
        and any(path.name.startswith(f"{before}{other}") for other in words)
    ]
    return near[0] if len(near) == 1 else None


class Layout(NamedTuple):
    """The tables of a folder; None where there is none of that name."""

    base: Table
    queries: Table | None
    ground_truth: Table | None


def layout(folder: Path, suffixes: Sequence[str]) -> Layout | None:
    """Find the tables of a folder; None where it holds no files of vectors.

    `train`, `test` and `neighbors` of VectorDBBench, as files, numbered parts or folders, and the
    like. One table alone is the base, whatever its name.

    Raises
    ------
    DataError
        More than one may be the base, or a part of it is missing.
    """
    found = tables(folder, suffixes)
    if not found:
        return None
    only = found[0][1]
    if (
        len(found) == 1
        and isinstance(only, Files)
        and only.given.parent == folder
        and only.given.is_dir()
    ):
        # A folder of nothing but `data`.
        return layout(only.given, suffixes)
    base = _named(found, _FIRST) or _only_other(found)
    if base is None:
        shown = ", ".join(f"'{table}'" for _, table in found[:5])
        raise DataError(
            f"{folder}: holds {shown}; name the table of base vectors base or train, that of the "
            "queries queries or test, or give each by its path or a pattern in quotes"
        )
    # `queries.parquet` beside `queries.npy` describes them.
    alike = [(name, table) for name, table in found if _alike(base, table)]
    queries = _named(alike, QUERY_WORDS) or _named(found, QUERY_WORDS)
    truth = _named(alike, GROUND_TRUTH_WORDS) or _named(found, GROUND_TRUTH_WORDS)
    for table in (base, queries, truth):
        if table is not None:
            check_whole(table)
    return Layout(base, queries, truth)


def _named(found: Sequence[tuple[str, Table]], words: Sequence[str]) -> Table | None:
    """The table that is called by one of the words, the first the best, or has it in its name."""
    for word in words:
        exact = [table for name, table in found if name == word]
        if exact:
            return exact[0] if len(exact) == 1 else None
    near = [table for name, table in found if _has_word(name, words)]
    return near[0] if len(near) == 1 else None


def _only_other(found: Sequence[tuple[str, Table]]) -> Table | None:
    """The one table that is called neither base, queries nor ground truth; or the only one."""
    words = (*_FIRST, *QUERY_WORDS, *GROUND_TRUTH_WORDS)
    others = [table for name, table in found if not _has_word(name, words)]
    if any(_has_word(name, _FIRST) for name, _ in found):
        return None
    if len(found) == 1:
        return found[0][1]
    return others[0] if len(others) == 1 else None


def _has_word(name: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands in a name as a word of its own."""
    return any(re.search(rf"(?<![a-z]){word}(?![a-z])", name.lower()) for word in words)


def _alike(one: Table, other: Table) -> bool:
    """Whether two tables are both Parquet, or both not."""
    kinds = [
        suffix_of(table.paths[0] if isinstance(table, Files) else table) == ".parquet"
        for table in (one, other)
    ]
    return kinds[0] == kinds[1]


def is_pattern(given: Path) -> bool:
    """Whether a path that names no file may be a pattern of names."""
    return glob.has_magic(str(given)) and not given.exists()


def locate(given: Path, suffixes: Sequence[str]) -> Path | Files:
    """The file or the files that a path, a folder or a pattern stands for.

    In folders, files with one of the suffixes are looked for.

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
            check_whole(given)
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
