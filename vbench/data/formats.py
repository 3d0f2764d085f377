"""Vectors in files of other people's making: one array of each, mapped where the format allows."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from vbench import places
from vbench.data.files import whole_file
from vbench.errors import DataError
from vbench.metric import Metric

Vectors = NDArray[Any]
Block = Callable[[int, int], Vectors]

BLOCK_BYTES = 16 << 20
KEPT_DTYPES = ("float32", "float16", "int8", "uint8")
ID_DTYPES = ("int32", "int64", "uint32", "uint64")
BIN_DTYPES = {".fbin": "<f4", ".u8bin": "u1", ".i8bin": "i1", ".ibin": "<i4"}
VECS_DTYPES = {".fvecs": "<f4", ".bvecs": "u1", ".ivecs": "<i4"}
HDF5_SUFFIXES = (".hdf5", ".h5", ".hdf")
SUFFIXES = (*HDF5_SUFFIXES, *VECS_DTYPES, *BIN_DTYPES, ".npy", ".npz", ".parquet")

_METRIC_WORDS: dict[str, Metric] = {
    "l2": "l2",
    "euclidean": "l2",
    "ip": "ip",
    "dot": "ip",
    "inner_product": "ip",
    "innerproduct": "ip",
    "cosine": "cosine",
    "angular": "cosine",
    "normalized": "cosine",  # VIBE: unit vectors, for which the two are one order
}
_BASE_KEYS = ("train", "base", "vectors", "emb", "embeddings", "arr_0")
_QUERY_KEYS = ("test", "queries", "query", "arr_1")
_TRUTH_KEYS = ("neighbors", "ids", "truth", "groundtruth")
_VECTOR_COLUMNS = ("emb", "embedding", "vector", "vectors", "embeddings")


@dataclass(frozen=True)
class Contents:
    """What a file holds: base vectors, and whatever else is in it."""

    base: Vectors
    queries: Vectors | None = None
    truth: Vectors | None = None
    metric: Metric | None = None


def read_contents(path: Path) -> Contents:
    """Open a file of any known format.

    Raises
    ------
    DataError
        The file is missing, truncated, of an unknown format, or holds no vectors.
    """
    suffix = _known_suffix(path)
    if suffix in HDF5_SUFFIXES:
        return _read_hdf5(path)
    if suffix == ".npz":
        return _read_npz(path)
    return Contents(read_array(path))


def read_array(path: Path, *, ids: bool = False) -> Vectors:
    """Open the one array of a file: vectors, or with `ids` the truth.

    Returns
    -------
    (rows, columns), mapped read-only where the format allows, else converted once and mapped
    from there: float32, float16, int8 or uint8 (float64 is narrowed to float32); integers with
    `ids`.
    """
    suffix = _known_suffix(path)
    if suffix in BIN_DTYPES or suffix == ".bin":
        array = _map_bin(path, "<i4" if suffix == ".bin" else BIN_DTYPES[suffix])
    elif suffix in VECS_DTYPES:
        array = _map_vecs(path, VECS_DTYPES[suffix])
    elif suffix == ".npy":
        array = _map_npy(path)
    elif suffix == ".parquet":
        return _read_parquet(path, ids)
    elif suffix == ".npz" and ids:
        return _npz_member(path, _npz_name(path, _TRUTH_KEYS, "truth"), ids=True)
    else:
        contents = read_contents(path)
        found = contents.truth if ids else contents.base
        if found is None:
            raise DataError(f"{path}: holds no truth (one of {', '.join(_TRUTH_KEYS)})")
        return found
    return accept(array, str(path), source=path, ids=ids)


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
    source: Path, member: str, shape: tuple[int, ...], dtype: np.dtype[Any], block: Block
) -> Vectors:
    """Map the `.npy` made of `source` before, or make it now, block by block.

    The name is a digest of path, size and time of change, so that a changed file is read anew.
    """
    facts = source.resolve().stat()
    key = f"{source.resolve()}|{member}|{facts.st_size}|{facts.st_mtime_ns}|{dtype.str}"
    path = places.home() / "converted" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
    if not path.exists():
        rows = max(1, BLOCK_BYTES // max(1, int(np.prod(shape[1:])) * 8))
        with whole_file(path) as stream:
            header = {"descr": dtype.str, "fortran_order": False, "shape": tuple(shape)}
            np.lib.format.write_array_header_1_0(stream, header)
            for start in range(0, shape[0], rows):
                part = np.ascontiguousarray(block(start, min(start + rows, shape[0])), dtype)
                stream.write(part.data)
    return _map_npy(path)


def known_metric(word: Any, where: str) -> Metric:
    """Translate `euclidean`, `angular` and the like."""
    word = word.decode(errors="replace") if isinstance(word, bytes) else str(word)
    if word.lower() not in _METRIC_WORDS:
        raise DataError(
            f"{where}: distance {word!r} is not supported; l2, ip and cosine are "
            f"(also written {', '.join(sorted(set(_METRIC_WORDS) - set(get_args(Metric))))})"
        )
    return _METRIC_WORDS[word.lower()]


def _known_suffix(path: Path) -> str:
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.is_dir():
        raise DataError(f"{path}: is a folder where a file is needed")
    if not path.stat().st_size:
        raise DataError(f"{path}: is empty")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES and suffix != ".bin":
        raise DataError(
            f"{path}: format {suffix or '(no suffix)'!r} is not known; "
            f"known are {', '.join(SUFFIXES)}"
        )
    return suffix


def _map_bin(path: Path, dtype: str) -> Vectors:
    """Map big-ann's format: rows and columns as uint32, then the numbers.

    Its truth has the float32 distances after the ids.
    """
    kind, size = np.dtype(dtype), path.stat().st_size
    n, d = np.fromfile(path, "<u4", 2).tolist() if size >= 8 else (0, 0)
    wanted = 8 + n * d * kind.itemsize
    with_distances = 8 + 2 * n * d * kind.itemsize if kind.kind == "i" else wanted
    if size < 8 or size not in {wanted, with_distances}:
        state = "truncated" if size < wanted else "longer than that"
        raise DataError(
            f"{path}: its header says {n} rows of {d} ({wanted} bytes), the file has {size}: "
            f"{state}; fetch it again, or it is another format"
        )
    if not n or not d:
        raise DataError(f"{path}: its header says {n} rows of {d}: no vectors")
    return np.memmap(path, kind, "r", offset=8, shape=(n, d))


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


def _map_npy(path: Path) -> Vectors:
    try:
        return cast(Vectors, np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path}: not a whole .npy file of numbers: {error}") from None


def _read_npz(path: Path) -> Contents:
    """Unpack each array beside the other converted files, and map it there."""
    base = _npz_name(path, _BASE_KEYS, "base vectors")
    names = _npz_names(path)
    queries, truth = _one_of(_QUERY_KEYS, names), _one_of(_TRUTH_KEYS, names)
    metric = None
    if "metric" in names:
        with np.load(path, allow_pickle=False) as stored:
            metric = known_metric(stored["metric"][()], str(path))
    return Contents(
        _npz_member(path, base),
        _npz_member(path, queries) if queries else None,
        _npz_member(path, truth, ids=True) if truth else None,
        metric,
    )


def _npz_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: not a whole .npz file: {error}") from None


def _npz_name(path: Path, wanted: tuple[str, ...], what: str) -> str:
    names = _npz_names(path)
    name = _one_of(wanted, names) or (names[0] if len(names) == 1 else None)
    if name is None:
        raise DataError(
            f"{path}: holds {', '.join(names) or 'no arrays'}; the {what} must be named "
            f"{' or '.join(wanted[:3])}"
        )
    return name


def _npz_member(path: Path, name: str, *, ids: bool = False) -> Vectors:
    facts = path.resolve().stat()
    key = f"{path.resolve()}|{name}|{facts.st_size}|{facts.st_mtime_ns}"
    folder = places.home() / "converted"
    unpacked = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
    if not unpacked.exists():
        try:
            with (
                zipfile.ZipFile(path) as archive,
                archive.open(f"{name}.npy") as member,
                whole_file(unpacked) as stream,
            ):
                while block := member.read(BLOCK_BYTES):
                    stream.write(block)
        except (zipfile.BadZipFile, EOFError) as error:
            raise DataError(f"{path}: {name}: damaged: {error}") from None
    return accept(_map_npy(unpacked), f"{path}: {name}", source=unpacked, ids=ids)


def _read_hdf5(path: Path) -> Contents:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            names = [name for name in file if isinstance(file[name], h5py.Dataset)]
            base = _one_of(_BASE_KEYS, names)
            if base is None:
                raise DataError(
                    f"{path}: holds {', '.join(file) or 'nothing'}; the base vectors must be "
                    "named train"
                )
            if "type" in file.attrs and str(file.attrs["type"]) not in {"dense", "b'dense'"}:
                raise DataError(f"{path}: holds {file.attrs['type']} vectors; dense can be read")
            word = file.attrs.get("distance")
            queries, truth = _one_of(_QUERY_KEYS, names), _one_of(_TRUTH_KEYS, names)
            return Contents(
                _hdf5_member(path, file[base]),
                _hdf5_member(path, file[queries]) if queries else None,
                _hdf5_member(path, file[truth], ids=True) if truth else None,
                None if word is None else known_metric(word, str(path)),
            )
    except OSError as error:
        raise DataError(f"{path}: not a whole HDF5 file: {error}") from None


def _hdf5_member(path: Path, stored: Any, *, ids: bool = False) -> Vectors:
    """Map a contiguous array where it lies in the file; convert a chunked or compressed one."""
    where, member = f"{path}: {stored.name.lstrip('/')}", stored.name
    if stored.ndim != 2 or not all(stored.shape):
        raise DataError(f"{where}: a table of vectors is needed, this has shape {stored.shape}")
    offset = stored.id.get_offset()
    if stored.chunks is None and stored.compression is None and offset is not None:
        array = np.memmap(path, stored.dtype, "r", offset=offset, shape=stored.shape)
        # Files with a user block count the offset from elsewhere.
        if all(array[row].tobytes() == stored[row].tobytes() for row in (0, -1)):
            return accept(array, where, source=path, member=member, ids=ids)
    accept(np.empty((1, 1), stored.dtype), where, ids=ids)  # refuses a dtype before any work
    target = np.dtype("float32") if stored.dtype == np.float64 else stored.dtype.newbyteorder("=")
    return converted(path, member, stored.shape, target, lambda start, stop: stored[start:stop])


def _read_parquet(path: Path, ids: bool) -> Vectors:
    """Convert the list column of a Parquet file, the rows in order of `id` where it has one.

    VectorDBBench's files have the columns `id` and `emb`, its truth `id` and `neighbors_id`.
    """
    import polars as pl

    try:
        schema = pl.read_parquet_schema(path)
        lists = [name for name, kind in schema.items() if isinstance(kind, pl.List | pl.Array)]
        named = ("neighbors_id", *_TRUTH_KEYS) if ids else _VECTOR_COLUMNS
        column = _one_of(named, lists) or (lists[0] if len(lists) == 1 else None)
        if column is None:
            raise DataError(
                f"{path}: one column of lists is needed, named {named[0]} where there are "
                f"several; the columns are {', '.join(schema)}"
            )
        frame = pl.scan_parquet(path)
        inner = cast(Any, schema[column]).inner
        first = frame.select(pl.col(column).first()).collect().item()
        n = frame.select(pl.len()).collect().item()
        shape = (n, 0 if first is None else len(first))
        if not (inner.is_float() or inner.is_integer()):
            raise DataError(f"{path}: {column} holds lists of {inner}; numbers are needed")
        dtype = np.dtype(str(inner).lower())
        accept(np.empty((min(n, 1), shape[1]), dtype), f"{path}: {column}", ids=ids)
        order = _parquet_order(frame, n) if "id" in schema else None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: not a whole Parquet file: {error}") from None

    def block(start: int, stop: int) -> Vectors:
        # Only this column's row groups are read, a block at a time.
        lists = frame.select(column).slice(start, stop - start).collect()[column]
        lengths = lists.cast(pl.List(inner)).list.len().fill_null(0).to_numpy()
        if (lengths != shape[1]).any():
            at = int(np.argmax(lengths != shape[1]))
            raise DataError(
                f"{path}: {column}, row {start + at}: {lengths[at]} numbers, row 0 has {shape[1]}"
            )
        flat = lists.cast(pl.List(inner)).explode()
        if flat.null_count():
            at = int(np.argmax(flat.is_null().to_numpy()))
            raise DataError(
                f"{path}: {column}, row {start + at // shape[1]}, column {at % shape[1]}: empty"
            )
        return np.asarray(flat.to_numpy().reshape(-1, shape[1]))

    target = np.dtype("float32") if dtype == np.float64 else dtype
    array = converted(path, column, shape, target, block)
    if order is None:
        return array
    return converted(
        path, f"{column} by id", shape, target, lambda start, stop: array[order[start:stop]]
    )


def _parquet_order(frame: Any, n: int) -> NDArray[np.int64] | None:
    """Rows in order of `id` where that holds 0 … n − 1, else None: as they lie."""
    ids = frame.select("id").collect()["id"]
    if not ids.dtype.is_integer() or ids.null_count():
        return None
    order = np.argsort(ids.to_numpy(), kind="stable")
    in_order = np.arange(n)
    if (order == in_order).all() or (ids.to_numpy()[order] != in_order).any():
        return None
    return order


def _one_of(wanted: tuple[str, ...], names: list[str]) -> str | None:
    return next((name for name in wanted if name in names), None)


def blocks(array: Vectors) -> Iterator[tuple[int, Vectors]]:
    """First row and rows of each block of some megabytes."""
    step = max(1, BLOCK_BYTES // max(1, array.shape[1] * array.itemsize))
    for start in range(0, len(array), step):
        yield start, array[start : start + step]
