"""Vectors in files of other people's making: one array of each, mapped where the format allows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vbench.data.arrays import BLOCK_BYTES, Vectors, accept, map_npy
from vbench.data.containers import (
    TRUTH_KEYS,
    Contents,
    npz_member,
    npz_name,
    read_hdf5,
    read_npz,
)
from vbench.data.parquet import read_parquet, scalars, text_lists
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

BIN_DTYPES = {".fbin": "<f4", ".f16bin": "<f2", ".u8bin": "u1", ".i8bin": "i1", ".ibin": "<i4"}
VECS_DTYPES = {".fvecs": "<f4", ".bvecs": "u1", ".ivecs": "<i4"}
HDF5_SUFFIXES = (".hdf5", ".h5", ".hdf")
VECTOR_COLUMNS = ("emb", "embedding", "vector", "vectors", "embeddings")
TRUTH_COLUMNS = ("neighbors_id", *TRUTH_KEYS)
SUFFIXES = (*HDF5_SUFFIXES, *VECS_DTYPES, *BIN_DTYPES, ".npy", ".npz", ".parquet")
_CROPPED = re.compile(r"\.crop_nb_(\d+)$")
_MAGIC = {
    b"\x93NUMPY": ".npy",
    b"\x89HDF\r\n\x1a\n": ".hdf5",
    b"PK\x03\x04": ".npz",
    b"PAR1": ".parquet",
}


def read_contents(path: Path) -> Contents:
    """Open a file of any known format.

    Raises
    ------
    DataError
        The file is missing, truncated, of an unknown format, or holds no vectors.
    """
    suffix = _kind(path)
    if suffix in HDF5_SUFFIXES:
        return read_hdf5(path)
    if suffix == ".npz":
        return read_npz(path)
    table = scalars(path) if suffix == ".parquet" else None
    return Contents(read_array(path), table=table)


def read_array(path: Path, *, ids: bool = False) -> Vectors:
    """Open the one array of a file: vectors, or with `ids` the truth.

    Returns
    -------
    (rows, columns), mapped read-only where the format allows, else converted once and mapped
    from there: float32, float16, int8 or uint8 (float64 is narrowed to float32); integers with
    `ids`.
    """
    suffix = _kind(path, ids=ids)
    if suffix in BIN_DTYPES:
        array = _map_bin(path, BIN_DTYPES[suffix])
    elif suffix in VECS_DTYPES:
        array = _map_vecs(path, VECS_DTYPES[suffix])
    elif suffix == ".npy":
        array = map_npy(path)
    elif suffix == ".parquet":
        columns = TRUTH_COLUMNS if ids else VECTOR_COLUMNS
        return read_parquet(path, columns, ids=ids)
    elif suffix == ".npz" and ids:
        return npz_member(path, npz_name(path, TRUTH_KEYS, "truth"), ids=True)
    else:
        contents = read_contents(path)
        found = contents.truth if ids else contents.base
        if found is None:
            raise DataError(f"{path}: holds no truth (one of {', '.join(TRUTH_KEYS)})")
        return found
    return accept(array, str(path), source=path, ids=ids)


def read_texts(path: Path) -> pl.Series | None:
    """Ids of true neighbors that are text, a list for each query; None where they are not."""
    return text_lists(path, TRUTH_COLUMNS) if _kind(path, ids=True) == ".parquet" else None


def read_scalars(path: Path) -> pl.DataFrame | None:
    """Columns beside the lists of a file; None where its format has none."""
    return scalars(path) if _kind(path, ids=True) == ".parquet" else None


def suffix_of(path: Path) -> str:
    """The suffix that tells the format: of `base.1B.fbin.crop_nb_1000` it is `.fbin`."""
    return Path(_CROPPED.sub("", path.name)).suffix.lower()


def _kind(path: Path, *, ids: bool = False) -> str:
    """The format of a file by its suffix; of ids without a usual one, by what stands in it.

    Ground truth is often called `bigann-10M`, `gt100` or `truth.bin`.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.is_dir():
        raise DataError(f"{path}: is a folder where a file is needed")
    if not path.stat().st_size:
        raise DataError(f"{path}: is empty")
    suffix = suffix_of(path)
    if suffix in SUFFIXES:
        return suffix
    with path.open("rb") as stream:
        start = stream.read(8)
    known = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if ids and known:
        return known
    if ids and _bin_header(path, np.dtype("<i4")):
        return ".ibin"
    if ids and _is_vecs(path, np.dtype("<i4")):
        return ".ivecs"
    known = known or next(
        (name for name, kind in BIN_DTYPES.items() if _bin_header(path, np.dtype(kind))), None
    )
    looks = f"; it looks like {known}: give it that suffix" if known else ""
    raise DataError(
        f"{path}: format {suffix or '(no suffix)'!r} is not known{looks}; "
        f"known are {', '.join(SUFFIXES)}"
    )


def _bin_header(path: Path, kind: np.dtype[np.generic]) -> tuple[int, int, int] | None:
    """Offset, rows and columns that fit the size of the file, None where none do.

    The header is two uint32, in files of cuVS and raft two uint64. The ground truth of big-ann
    has the float32 distances after the ids. A slice may have kept the header of the whole.
    """
    size = path.stat().st_size
    cropped = _CROPPED.search(path.name)
    for width in (4, 8):
        if size < 2 * width:
            continue
        n, d = np.fromfile(path, f"<u{width}", 2).tolist()
        counts = [n, int(cropped[1])] if cropped else [n]
        for rows in counts:
            wanted = rows * d * kind.itemsize
            room = size - 2 * width
            if wanted and (room == wanted or (kind.kind == "i" and room == 2 * wanted)):
                return 2 * width, rows, d
    return None


def _map_bin(path: Path, dtype: str) -> Vectors:
    """Map big-ann's format: rows and columns, then the numbers."""
    kind, size = np.dtype(dtype), path.stat().st_size
    found = _bin_header(path, kind)
    if found is not None:
        offset, n, d = found
        return np.memmap(path, kind, "r", offset=offset, shape=(n, d))
    n, d = np.fromfile(path, "<u4", 2).tolist() if size >= 8 else (0, 0)
    wanted = 8 + n * d * kind.itemsize
    if size >= 8 and not n * d:
        raise DataError(f"{path}: its header says {n} rows of {d}: no vectors")
    state = "truncated" if size < wanted else "longer than that"
    raise DataError(
        f"{path}: its header says {n} rows of {d} ({wanted} bytes), the file has {size}: "
        f"{state}; fetch it again, or it is another format"
    )


def _is_vecs(path: Path, kind: np.dtype[np.generic]) -> bool:
    """Whether the file may be rows that each begin with their length."""
    size = path.stat().st_size
    d = int(np.fromfile(path, "<i4", 1)[0]) if size >= 4 else 0
    return d > 0 and size % (4 + d * kind.itemsize) == 0


def _map_vecs(path: Path, dtype: str) -> Vectors:
    """Map the format of TEXMEX: before each row its length as int32."""
    kind, size = np.dtype(dtype), path.stat().st_size
    d = int(np.fromfile(path, "<i4", 1)[0]) if size >= 4 else 0
    row = 4 + d * kind.itemsize
    if d < 1 or size < row:
        raise DataError(f"{path}: its first row claims {d} dimensions: not a {path.suffix} file")
    raw = np.memmap(path, np.uint8, "r")
    n = size // row
    lengths = np.ndarray((n,), "<i4", raw, 0, (row,))
    step = max(1, BLOCK_BYTES // row)
    for start in range(0, n, step):
        wrong = lengths[start : start + step] != d
        if wrong.any():
            at = start + int(np.argmax(wrong))
            raise DataError(
                f"{path}: row {at} claims {lengths[at]} dimensions, row 0 has {d}: damaged"
            )
    if size % row:
        raise DataError(
            f"{path}: ends inside row {n} ({size % row} of {row} bytes): truncated; fetch it again"
        )
    return np.ndarray((n, d), kind, raw, 4, (row, kind.itemsize))
