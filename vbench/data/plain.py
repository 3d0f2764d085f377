"""Columns of numbers that stand in a Parquet file as they do in memory, read without decoding.

Before each page of a list column's numbers stand levels, which say where a row begins and what is
null; polars takes them apart number by number. Where all numbers are there, pages of a column that
is neither packed nor coded are their bytes behind levels of a known length, and are taken as such.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.data.pages import Fields, check_memory, chunks_of, read_footer, walk_pages

_KINDS: Mapping[int, np.dtype[Any]] = {1: np.dtype("<i4"), 2: np.dtype("<i8"), 5: np.dtype("<f8")}
"""Signed numbers and floats, by their number in the format."""
_LENGTH_BYTES = 4
_DEPTHS = {1, 3}
"""Names in the path of a column of numbers, and of one of lists of numbers."""


class _Part(NamedTuple):
    """Numbers that stand together: where in the file, and how many bytes."""

    at: int
    size: int


def read_plain(path: Path, columns: Collection[str]) -> dict[str, NDArray[Any]]:
    """Those of some columns that can be read so: (rows,), or (rows, w) of lists.

    That rows of a list column are equally long is taken for granted.

    Raises
    ------
    ValueError
        The file is damaged, or does not fit into memory.
    """
    check_memory(path, columns)
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        footer = read_footer(content)
        found = {}
        for name in columns:
            kind = _kind(footer[2], name)
            chunks = [each for each in chunks_of(footer) if each[3][0] == name.encode()]
            if kind is None or footer[3] < 1 or {len(each[3]) for each in chunks} - _DEPTHS:
                continue
            parts = [part for chunk in chunks for part in _parts(chunk, content, kind)]
            width, left = divmod(sum(each[5] for each in chunks), footer[3])
            if not parts or None in parts or left or not width:
                continue
            numbers = _read(stream, [part for part in parts if part], kind)
            is_flat = len(chunks[0][3]) == 1
            found[name] = numbers if is_flat else numbers.reshape(-1, width)
        return found


def _kind(schema: Sequence[Fields], name: str) -> np.dtype[Any] | None:
    """The type of a column of numbers or of lists of them; None of anything else."""
    at = [number for number, each in enumerate(schema) if each.get(4) == name.encode()]
    if len(at) != 1:
        return None
    leaf = next((each for each in schema[at[0] :] if each.get(5, 0) != 1), None)
    if leaf is None or leaf.get(5, 0) or 6 in leaf or 10 in leaf:
        return None
    return _KINDS.get(leaf[1])


def _parts(chunk: Fields, content: mmap.mmap, kind: np.dtype[Any]) -> Iterator[_Part | None]:
    """The numbers of each page of a chunk; None for a page that has to be decoded."""
    nested = len(chunk[3]) > 1
    for at, header in walk_pages(chunk, content):
        page = header.get(5)
        if chunk[4] or page is None or page[2]:
            yield None
            return
        start = at
        for _ in range(1 + nested):
            length = content[start : start + _LENGTH_BYTES]
            start += _LENGTH_BYTES + int.from_bytes(length, "little")
        # A null has no number: as many bytes as numbers mean that there is none.
        size = page[1] * kind.itemsize
        yield _Part(start, size) if start + size == at + header[3] else None


def _read(stream: BinaryIO, parts: Sequence[_Part], kind: np.dtype[Any]) -> NDArray[Any]:
    numbers = np.empty(sum(part.size for part in parts) // kind.itemsize, kind)
    left = numbers.view(np.uint8).data
    for part in parts:
        stream.seek(part.at)
        if stream.readinto(left[: part.size]) != part.size:  # type: ignore[attr-defined]
            raise ValueError("cut short")
        left = left[part.size :]
    return numbers
