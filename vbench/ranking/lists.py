"""Lists of candidates in a file without a name: of many trials, memory holds one at a time."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.integer[Any]]
_BLOCK = 1 << 19
"""Candidates at a time, which a cache holds."""


class _Place(NamedTuple):
    """Where a list begins in the file, and how many candidates each of its rows has."""

    begin: int
    width: int


class _File:
    """A file without a name, open for as long as somebody has a use for it."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self.number = os.dup(file.fileno())
        weakref.finalize(self, os.close, self.number)


class Lists:
    """Lists of candidates, each (m, k) with a k of its own, read when they are asked for.

    First they hold ids; then whoever has pooled them puts the places of the pairs over them, rows
    of all lists at a time.
    """

    def __init__(self, m: int, dtype: Any = np.int64) -> None:
        self.m, self.dtype = m, np.dtype(dtype)
        self._file = _File()
        self._places: list[_Place] = []
        self._end = 0

    @classmethod
    def of(cls, lists: Sequence[Ids]) -> Lists:
        """Put lists that are at hand into a file."""
        made = cls(len(lists[0]))
        for each in lists:
            made.append(each)
        return made

    @property
    def widths(self) -> list[int]:
        """Candidates in a row of each list."""
        return [place.width for place in self._places]

    def append(self, ids: Ids, rows: Ids | None = None) -> None:
        """Add a list, or these `m` rows of one that has more."""
        place = _Place(self._end, ids.shape[1])
        self._end += self.m * place.width * self.dtype.itemsize
        step = max(1, _BLOCK // max(1, place.width))
        for first in range(0, self.m, step):
            part = slice(first, first + step)
            self._write(ids[part if rows is None else rows[part]], place, first)
        self._places.append(place)

    def select(self, numbers: Sequence[int]) -> Lists:
        """Some of them, in this order; the file is that of all."""
        some = object.__new__(Lists)
        some.m, some.dtype, some._file, some._end = self.m, self.dtype, self._file, self._end
        some._places = [self._places[number] for number in numbers]
        return some

    def rows(self, first: int, last: int) -> list[Ids]:
        """Some rows of each list."""
        return [self._read(place, first, min(last, self.m)) for place in self._places]

    def put_rows(self, first: int, parts: Sequence[Ids]) -> None:
        """Write some rows of each list, from this one on."""
        for place, part in zip(self._places, parts, strict=True):
            self._write(part, place, first)

    def __getitem__(self, number: int) -> Ids:
        return self._read(self._places[number], 0, self.m)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Ids]:
        return (self[number] for number in range(len(self)))

    def _read(self, place: _Place, first: int, last: int) -> Ids:
        found = np.empty((last - first, place.width), self.dtype)
        left, at = found.reshape(-1).view(np.uint8).data, 0
        begin = place.begin + first * place.width * self.dtype.itemsize
        while at < left.nbytes:
            count = os.preadv(self._file.number, [left[at:]], begin + at)
            if not count:
                raise EOFError("a list of candidates is shorter than it was written")
            at += count
        return found

    def _write(self, rows: Ids, place: _Place, first: int) -> None:
        content = np.ascontiguousarray(rows, self.dtype).reshape(-1).view(np.uint8).data
        begin, at = place.begin + first * place.width * self.dtype.itemsize, 0
        while at < len(content):
            at += os.pwrite(self._file.number, content[at:], begin + at)
