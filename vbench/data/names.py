"""Names of files that belong together: `base_07.npy` is number 7 of `base_#.npy`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

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
