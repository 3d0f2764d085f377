"""Tables of numbers: mapped where they lie, or converted once and mapped from there."""

from __future__ import annotations

import math
import mmap
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from vbench.data.conversions import Writable, kept_file
from vbench.errors import DataError

Vectors = NDArray[Any]
Block = Callable[[int, int], Vectors]

BLOCK_BYTES = 16 << 20
_LONGEST_REASON = 200
KEPT_DTYPES = ("float32", "float16", "int8", "uint8")
LARGEST_INTEGER = 2**24
"""Up to here float32 holds every integer."""

# What numpy, zipfile and h5py raise, somewhere or other, for a file whose bytes are wrong.
DAMAGE = (
    OSError,
    EOFError,
    MemoryError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    struct.error,
    TypeError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def accept(
    array: Vectors, where: str, *, source: Path | None = None, member: str = "", ids: bool = False
) -> Vectors:
    """Check shape and dtype; change type, byte order and layout where that is needed.

    What has to be changed is written once, block by block, into the converted files of
    ``_paths.home()``, if it comes from a file; else it is changed in memory.
    """
    if array.ndim != 2 or not all(array.shape):
        raise DataError(
            f"{where}: a table of vectors has two dimensions, none of them empty; "
            f"this has the shape {array.shape}"
        )
    target = kept_dtype(array.dtype, where, ids=ids)
    rows_are_whole = array.strides[1] == array.itemsize and array.strides[0] > 0
    if array.dtype == target and array.dtype.isnative and rows_are_whole:
        return array
    if source is None:
        return np.ascontiguousarray(convert_exactly(array, target, where, 0))
    return map_converted(
        source,
        member,
        array.shape,
        target,
        lambda start, stop: convert_exactly(array[start:stop], target, where, start),
    )


def kept_dtype(dtype: np.dtype[Any], where: str, *, ids: bool = False) -> np.dtype[Any]:
    """The type in which numbers are kept: their own, or float32 where no index takes that.

    Raises
    ------
    DataError
        Numbers of this type cannot be read.
    """
    if ids:
        if dtype.kind in "iu":
            return dtype.newbyteorder("=")
        raise DataError(f"{where}: holds {dtype.name}; integer ids can be read: convert it first")
    if dtype.name in KEPT_DTYPES:
        return dtype.newbyteorder("=")
    if dtype.kind in "fiu" or _is_bfloat16(dtype):
        return np.dtype("float32")
    raise DataError(
        f"{where}: holds {dtype.name}; {', '.join(KEPT_DTYPES)}, bfloat16, float64 and integers "
        "can be read: convert it first"
    )


def convert_exactly(block: Vectors, target: np.dtype[Any], where: str, first: int) -> Vectors:
    """Rows as `target`; `first` is the number of the first one, for messages.

    Raises
    ------
    DataError
        float32 cannot hold them: integers beyond 2²⁴, floats beyond its range, rows that would
        vanish. Fractions of float64 are rounded.
    """
    kind = block.dtype.kind
    if target != np.float32 or block.dtype.newbyteorder("=") in (np.float32, np.float16):
        return block.astype(target, copy=False)
    if _is_bfloat16(block.dtype):
        # The upper half of a float32.
        return (block.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    if kind in "iu":
        large = np.abs(block.astype(np.float64)) > LARGEST_INTEGER
        _refuse_first(large, block, where, first, "float32 holds integers up to 2²⁴ exactly")
        return block.astype(target)
    with np.errstate(all="ignore"):
        narrow = block.astype(target)
    if not np.isfinite(narrow.sum(dtype=np.float64)):
        lost = np.isfinite(block) & ~np.isfinite(narrow)
        _refuse_first(lost, block, where, first, "float32 ends at 3.4e38; scale the vectors")
    empty = ~np.any(narrow, axis=1)
    if empty.any():
        lost = empty[:, np.newaxis] & (block != 0)
        _refuse_first(lost, block, where, first, "in float32 the row is zero; scale the vectors")
    return narrow


def signed_ids(ids: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Ids that may be padded: −1 where there is none. Unsigned types hold their largest there."""
    if ids.dtype.kind != "u":
        return ids
    signed = ids.astype(np.int64)
    signed[ids == np.iinfo(ids.dtype).max] = -1
    return signed


def _refuse_first(
    wrong: NDArray[np.bool_], block: Vectors, where: str, first: int, reason: str
) -> None:
    if wrong.any():
        row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise DataError(
            f"{where}: row {first + row}, column {column} is {block[row, column]}: {reason}"
        )


def _is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """By its name where ml_dtypes is imported, else two bytes without one."""
    plain = dtype.kind == "V" and dtype.names is None and dtype.subdtype is None
    return dtype.name == "bfloat16" or (plain and dtype.itemsize == 2)


def map_converted(
    source: Path | Sequence[Path],
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
    source
        The file that holds the array, or the files that hold its parts.
    stored
        Bytes that the file holds of this array; default: all of its bytes.

    Raises
    ------
    DataError
        The array is declared to be far larger than what the file holds of it.
    """
    rows = max(1, BLOCK_BYTES // max(1, math.prod(shape[1:]) * 8))

    def write(stream: Writable) -> None:
        starts = range(0, shape[0], rows)
        blocks = (block(start, min(start + rows, shape[0])) for start in starts)
        write_npy(stream, dtype, shape, blocks)

    kept = kept_file(
        [source] if isinstance(source, Path) else source,
        member,
        dtype.str,
        declared=math.prod(shape) * dtype.itemsize,
        stored=stored,
        write=write,
    )
    return map_npy(kept)


def write_npy(
    stream: Writable, dtype: np.dtype[Any], shape: tuple[int, ...], blocks: Iterable[Vectors]
) -> None:
    """Write a `.npy` file whose rows come in blocks."""
    header = {"descr": dtype.str, "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(cast(BinaryIO, stream), header)
    for block in blocks:
        stream.write(np.ascontiguousarray(block, dtype).data)


def map_npy(path: Path, where: str = "") -> Vectors:
    """Map a `.npy` file, named `where` in messages; one of objects is not unpickled but refused."""
    try:
        with np.errstate(over="ignore"):  # of a size that no file can have
            return cast(Vectors, np.lib.format.open_memmap(path, mode="r"))
    except DAMAGE as error:
        raise DataError(
            f"{where or path}: not a whole .npy file of numbers: {first_line(error)}"
        ) from None


def make_unchangeable(array: Vectors) -> Vectors:
    """Give an array that nobody can write to: itself where that is so already, else a copy.

    Itself are maps of files that were opened for reading, and what this function gave before.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, bytes):
        return array
    if isinstance(owner, mmap.mmap) and memoryview(owner).readonly:
        return array
    # Of bytes, because the owner of an array could make it writeable again.
    return np.ndarray(array.shape, array.dtype, array.tobytes())


def first_line(error: BaseException) -> str:
    """Shorten what a library says of a damaged file to its first line."""
    return str(error).strip().partition("\n")[0][:_LONGEST_REASON] or type(error).__name__


def one_of(wanted: Sequence[str], names: Sequence[str]) -> str | None:
    """Give the first of the wanted names that is there."""
    return next((name for name in wanted if name in names), None)
