"""Tables that lie in several files: how their names belong together, and whether one is missing.

`shuffle_train-00-of-10.parquet` …, `emb_000.npy` …, Spark's `part-00000-….parquet`, folders with
further folders inside such as `day=1/part-0.parquet`. A table is given as a folder, or as a pattern
such as `emb_*.npy`; a path that exists is that path, whatever is in its name. Of names,
`base_07.npy` is number 7 of `base_#.npy`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vbench.errors import DataError, warn

_DONE = "_SUCCESS"
"""Spark's mark of a whole folder, in which parts without rows may be left out."""
_SHOWN = 5
_FARTHEST = 10_000
_CROPPED = re.compile(r"\.crop_nb_(\d+)$")
_END = re.compile(
    r"(\.(snappy|gz|gzip|zst|zstd|lz4|br|brotli|uncompressed))?\.[a-z]\w*(\.crop_nb_\d+)?$",
    re.IGNORECASE,
)
_OF = re.compile(r"(\d+)[-_. ]?of[-_. ]?(\d+)(?!\d)", re.IGNORECASE)
# What a job puts into the names of its files, so that those of two jobs do not meet: also a date.
_UNIQUE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?<![0-9a-z])(?=[0-9a-f]*[a-f])[0-9a-f]{12,}(?![0-9a-z])"
    r"|(?<!\d)(?:19|20)\d\d[-_.]?(?:0\d|1[0-2])[-_.]?[0-3]\d(?:[T_-]?[0-2]\d[0-5]\d[0-5]\d)?(?!\d)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")


class Name(NamedTuple):
    """A file's name, taken apart.

    Attributes
    ----------
    words
        The name with `#` for each number: equal for the parts of one table.
    numbers
        What stands there.
    part, total
        Of a name such as `train-03-of-10`, else None.
    job
        What tells the files of one job from those of another.
    """

    words: str
    numbers: tuple[int, ...]
    part: int | None
    total: int | None
    job: str

    @classmethod
    def of(cls, path: Path) -> Name:
        """Take a name apart."""
        stem, end = _split(path.name)
        plain = _UNIQUE.sub("*", stem)
        of = _OF.search(plain)
        return cls(
            _NUMBER.sub("#", plain) + end,
            tuple(map(int, _NUMBER.findall(plain))),
            int(of[1]) if of else None,
            int(of[2]) if of else None,
            "".join(each[0] for each in _UNIQUE.finditer(stem)),
        )


def suffix_of(path: Path) -> str:
    """The suffix that tells the format: of `base.1B.fbin.crop_nb_1000` it is `.fbin`."""
    return Path(_CROPPED.sub("", path.name)).suffix.lower()


def cropped_rows(path: Path) -> int | None:
    """How many rows `base.1B.fbin.crop_nb_1000` keeps of the whole."""
    found = _CROPPED.search(path.name)
    return int(found[1]) if found else None


def label(path: Path) -> str:
    """What a name says but for its numbers and its suffix: `shuffle_train`."""
    stem = _UNIQUE.sub("", _split(path.name)[0])
    stem = re.sub(rf"[-_. ]?{_OF.pattern}", "", stem, flags=re.IGNORECASE)
    return re.sub(r"([-_. ]+c?\d*)+$", "", stem)


def in_order(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Sort paths as a person would: part 10 after part 9."""

    def key(path: Path) -> list[list[tuple[int, str]]]:
        return [
            [(int(word), "") if word.isdecimal() else (-1, word) for word in _NUMBERS.split(name)]
            for name in path.parts
        ]

    return tuple(sorted(paths, key=key))


def pattern(paths: Sequence[Path]) -> Path:
    """A pattern that names files of the same words; the path itself where there is one."""
    name = paths[0].name
    for other in paths[1:]:
        pairs = zip(_PIECES.split(name), _PIECES.split(other.name), strict=False)
        name = "".join(one if one == two else "*" for one, two in pairs)
    return paths[0].with_name(name)


_NUMBERS = re.compile(r"(\d+)")
_PIECES = re.compile(rf"({_UNIQUE.pattern.replace('(-', '(?:-')}|\d+|\*)", re.IGNORECASE)


def _split(name: str) -> tuple[str, str]:
    end = _END.search(name)
    return (name[: end.start()], end[0]) if end else (name, "")


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
