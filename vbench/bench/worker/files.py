"""Vectors as a file that another process can read, block by block."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from vbench.bench.wire import ArrayFile, KeptFile
from vbench.data.prune import FACTS_OF_INDEX
from vbench.neighbors.blocks import BLOCK_BYTES, blocks

_ROOM = 4
"""Of the memory that is available, a file that is read here and there may take so small a part."""


def array_file(array: NDArray[Any], folder: Path) -> ArrayFile:
    """Where `array` (n, d) lies on disk; an array in memory is first written into `folder`."""
    mapped = _mapped_file(array)
    if mapped is not None:
        return mapped
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".raw", delete=False) as file:
        for _, rows in blocks(array):
            file.write(np.ascontiguousarray(rows).data)
    n, d = array.shape
    return ArrayFile(file.name, 0, d * array.itemsize, array.dtype.str, (n, d))


def _mapped_file(array: NDArray[Any]) -> ArrayFile | None:
    root: Any = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap) or root.filename is None:
        return None
    if array.ndim != 2 or array.strides[1] != array.itemsize or array.strides[0] < 0:
        return None
    start = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    n, d = array.shape
    return ArrayFile(
        str(root.filename), root.offset + start, array.strides[0], array.dtype.str, (n, d)
    )


def _read_blocks(file: ArrayFile) -> Iterator[tuple[int, NDArray[Any]]]:
    """First row and rows of each block, read and not mapped: pages leave the process again."""
    n, d = file.shape
    dtype = np.dtype(file.dtype)
    per_block = max(1, BLOCK_BYTES // max(1, file.row_stride))
    with Path(file.path).open("rb") as handle:
        for start in range(0, n, per_block):
            count = min(per_block, n - start)
            handle.seek(file.offset + start * file.row_stride)
            # The last row may end before a whole stride does.
            raw = handle.read((count - 1) * file.row_stride + d * dtype.itemsize)
            yield (
                start,
                np.ndarray((count, d), dtype, raw, strides=(file.row_stride, dtype.itemsize)),
            )


def load_rows(
    file: ArrayFile,
    out: NDArray[np.float32],
    rows: NDArray[np.integer[Any]],
    room: int | None = None,
) -> None:
    """Read these rows, each at most once, widened to float32, into ``out[:, :d]``.

    A file that memory has room for is read in the order of `rows`, as `out` is then written from
    its beginning to its end: what is mapped and written here and there costs several times as
    much. A larger one is read from its beginning to its end, and so is one of more than `room`
    bytes.
    """
    n, d = file.shape
    free = psutil.virtual_memory().available // _ROOM
    if n * file.row_stride <= (free if room is None else min(free, room)):
        source = _mapped(file)
        step = max(1, BLOCK_BYTES // max(1, file.row_stride))
        for first in range(0, len(rows), step):
            out[first : first + step, :d] = source[rows[first : first + step]]
        return
    places = np.full(n, -1)
    places[rows] = np.arange(len(rows))
    for start, block in _read_blocks(file):
        here = places[start : start + len(block)]
        taken = here >= 0
        out[here[taken], :d] = block[taken]


def _mapped(file: ArrayFile) -> NDArray[Any]:
    dtype = np.dtype(file.dtype)
    content = np.memmap(file.path, np.uint8, "r")
    strides = (file.row_stride, dtype.itemsize)
    return np.ndarray(file.shape, dtype, content.data, file.offset, strides)


def read_rows(file: ArrayFile, out: NDArray[np.float32], rows: NDArray[np.integer[Any]]) -> None:
    """Read these rows, widened to float32, into `out` (rows, d)."""
    dtype = np.dtype(file.dtype)
    with Path(file.path).open("rb") as handle:
        for place, row in enumerate(rows.tolist()):
            handle.seek(file.offset + row * file.row_stride)
            out[place] = np.frombuffer(handle.read(file.shape[1] * dtype.itemsize), dtype)


def files_of(folder: Path) -> list[KeptFile]:
    """All files that an index has written in a folder, by name, with their checksums."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        KeptFile(path.relative_to(folder).as_posix(), path.stat().st_size, _checksum(path))
        for path in paths
        if path != folder / FACTS_OF_INDEX
    ]


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb", buffering=0) as file:
        buffer = memoryview(bytearray(BLOCK_BYTES))
        while count := file.readinto(buffer):
            checksum = zlib.crc32(buffer[:count], checksum)
    return checksum
