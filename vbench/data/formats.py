"""Vectors in third-party files: one array of each, mapped where the format allows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vbench.data.arrays import BLOCK_BYTES, Vectors, accept, map_npy
from vbench.data.containers import (
    GROUND_TRUTH_KEYS,
    Contents,
    npz_member,
    npz_name,
    read_hdf5,
    read_npz,
)
from vbench.data.layout import locate
from vbench.data.parquet import read_parquet, scalars
from vbench.data.parts import Files, cropped_rows, suffix_of
from vbench.data.rows import join_rows, keep_rows, rows_of
from vbench.errors import DataError

BIN_DTYPES = {".fbin": "<f4", ".f16bin": "<f2", ".u8bin": "u1", ".i8bin": "i1", ".ibin": "<i4"}
VECS_DTYPES = {".fvecs": "<f4", ".bvecs": "u1", ".ivecs": "<i4"}
HDF5_SUFFIXES = (".hdf5", ".h5", ".hdf")
SUFFIXES = (*HDF5_SUFFIXES, *VECS_DTYPES, *BIN_DTYPES, ".npy", ".npz", ".parquet")
_MAPPED = (*VECS_DTYPES, *BIN_DTYPES, ".npy")
_MAGIC = {
    b"\x93NUMPY": ".npy",
    b"\x89HDF\r\n\x1a\n": ".hdf5",
    b"PK\x03\x04": ".npz",
    b"PAR1": ".parquet",
}


def read_contents(path: Path | Files, *, column: str | None = None) -> Contents:
    """Open a file of any known format, or all files of one table: of a folder, or of a pattern.

    `column` is that of the vectors of a Parquet file, or what those of its dimensions begin with.

    Raises
    ------
    DataError
        The file is missing, truncated, of an unknown format, or holds no vectors; of several
        files, one is missing or they do not belong together.
    """
    files = _files(path)
    suffix = _kind(files.paths[0])
    if column is not None and suffix != ".parquet":
        raise DataError(f"{path}: has no column {column!r} to take: it is no Parquet file")
    if len(files.paths) == 1 and suffix in HDF5_SUFFIXES:
        return read_hdf5(files.paths[0])
    if len(files.paths) == 1 and suffix == ".npz":
        return read_npz(files.paths[0])
    parts = len(files.paths) if len(files.paths) > 1 else None
    array = read_array(files, column=column)
    table = scalars(files.paths, column) if suffix == ".parquet" else None
    return Contents(array, table=table, parts=parts)


def read_array(path: Path | Files, *, ids: bool = False, column: str | None = None) -> Vectors:
    """Open the one array of a file or of several: vectors, or with `ids` the ground truth.

    Returns
    -------
    (rows, columns), mapped read-only where the format allows, else converted once and mapped
    from there: float32, float16, int8 or uint8 (other numbers become float32); integers with
    `ids`.
    """
    files = _files(path)
    kinds = {_kind(each, ids=ids) for each in files.paths}
    if len(kinds) > 1:
        raise DataError(f"{path}: holds files of several formats: {', '.join(sorted(kinds))}")
    kind = kinds.pop()
    if kind == ".parquet":
        return read_parquet(files.paths, str(path), ids=ids, column=column)
    if len(files.paths) == 1:
        return _read_one(files.paths[0], kind, ids)
    parts = [
        rows_of(
            _map(each, kind) if kind in _MAPPED else _read_one(each, kind, ids), str(each), ids=ids
        )
        for each in files.paths
    ]
    return keep_rows(join_rows(parts, str(path)), files.paths)


def parquet_files(path: Path | Files, *, ids: bool = False) -> tuple[Path, ...]:
    """The files of a table of Parquet; none where it is of another format."""
    files = _files(path)
    return files.paths if _kind(files.paths[0], ids=ids) == ".parquet" else ()


def _files(path: Path | Files) -> Files:
    found = path if isinstance(path, Files) else locate(path, SUFFIXES)
    return found if isinstance(found, Files) else Files(found, (found,))


def _read_one(path: Path, kind: str, ids: bool) -> Vectors:
    if kind in _MAPPED:
        return accept(_map(path, kind), str(path), source=path, ids=ids)
    if kind == ".npz" and ids:
        return npz_member(path, npz_name(path, GROUND_TRUTH_KEYS, "ground truth"), ids=True)
    contents = read_npz(path) if kind == ".npz" else read_hdf5(path)
    found = contents.ground_truth if ids else contents.base
    if found is None:
        raise DataError(f"{path}: holds no ground truth (one of {', '.join(GROUND_TRUTH_KEYS)})")
    return found


def _map(path: Path, kind: str) -> Vectors:
    """Map the one array of a file as it is stored."""
    if kind in BIN_DTYPES:
        return _map_bin(path, BIN_DTYPES[kind])
    if kind in VECS_DTYPES:
        return _map_vecs(path, VECS_DTYPES[kind])
    return map_npy(path)


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
    cropped = cropped_rows(path)
    for width in (4, 8):
        if size < 2 * width:
            continue
        n, d = np.fromfile(path, f"<u{width}", 2).tolist()
        for rows in (n, cropped or n):
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
