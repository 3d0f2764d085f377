"""Tables of numbers: mapped where they lie, or converted once and mapped from there."""

from __future__ import annotations

import contextlib
import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from vbench.data.kept import kept_file
from vbench.errors import DataError

Vectors = NDArray[Any]
Block = Callable[[int, int], Vectors]

BLOCK_BYTES = 16 << 20
KEPT_DTYPES = ("float32", "float16", "int8", "uint8")
ID_DTYPES = ("int32", "int64", "uint32", "uint64")

# What numpy, zipfile and h5py raise, somewhere or other, for a file whose bytes are wrong.
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    OverflowError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def accept(
    array: Vectors, where: str, *, source: Path | None = None, member: str = "", ids: bool = False
) -> Vectors:
    """Check shape and dtype; narrow float64, turn byte order and layout, where that is needed.

    What has to be changed is written once, block by block, into the converted files of
    ``places.home()``, if it comes from a file; else it is changed in memory.
    """
    if array.ndim != 2 or not all(array.shape):
        raise DataError(
            f"{where}: a table of vectors has two dimensions, none of them empty; "
            f"this has the shape {array.shape}"
        )
    name, allowed = array.dtype.name, ID_DTYPES if ids else KEPT_DTYPES
    if name not in allowed and not (name == "float64" and not ids):
        wanted = "integer ids" if ids else f"{', '.join(allowed)} or float64"
        raise DataError(f"{where}: holds {name}; {wanted} can be read: convert it first")
    target = np.dtype("float32" if name == "float64" else name)
    rows_are_whole = array.strides[1] == array.itemsize and array.strides[0] > 0
    if array.dtype == target and array.dtype.isnative and rows_are_whole:
        return array
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf, which is refused
        if source is None:
            return np.ascontiguousarray(array, target)
        return converted(source, member, array.shape, target, lambda start, stop: array[start:stop])


def converted(
    source: Path,
    member: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    block: Block,
    *,
    stored: int | None = None,
) -> Vectors:
    """Map the `.npy` made of `source` before, or make it now, block by block.

    Parameters
    ----------
    stored
        Bytes that the file holds of this array; default: all of its bytes.

    Raises
    ------
    DataError
        The array is declared to be far larger than what the file holds of it.
    """
    rows = max(1, BLOCK_BYTES // max(1, math.prod(shape[1:]) * 8))

    def write(stream: BinaryIO) -> None:
        header = {"descr": dtype.str, "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, shape[0], rows):
            part = np.ascontiguousarray(block(start, min(start + rows, shape[0])), dtype)
            stream.write(part.data)

    kept = kept_file(
        source,
        member,
        dtype.str,
        declared=math.prod(shape) * dtype.itemsize,
        stored=stored,
        is_whole=is_kept,
        write=write,
    )
    return map_npy(kept)


def is_kept(path: Path) -> bool:
    """Whether a converted file is there, and whole; a damaged one is made anew."""
    with contextlib.suppress(DataError):
        map_npy(path)
        return True
    return False


def map_npy(path: Path, where: str = "") -> Vectors:
    """Map a `.npy` file, named `where` in messages; one of objects is not unpickled but refused."""
    try:
        return cast(Vectors, np.lib.format.open_memmap(path, mode="r"))
    except DAMAGE as error:
        raise DataError(
            f"{where or path}: not a whole .npy file of numbers: {first_line(error)}"
        ) from None


def blocks(array: Vectors) -> Iterator[tuple[int, Vectors]]:
    """First row and rows of each block of some megabytes."""
    step = max(1, BLOCK_BYTES // max(1, array.shape[1] * array.itemsize))
    for start in range(0, len(array), step):
        yield start, array[start : start + step]


def first_line(error: BaseException) -> str:
    """Shorten what a library says of a damaged file to its first line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def one_of(wanted: tuple[str, ...], names: Sequence[str]) -> str | None:
    """Give the first of the wanted names that is there."""
    return next((name for name in wanted if name in names), None)
