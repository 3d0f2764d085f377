"""Files that hold several arrays: base, queries and ground truth (HDF5, .npz)."""

from __future__ import annotations

import contextlib
import math
import posixpath
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vbench._invocation import spell_option
from vbench.data.arrays import (
    BLOCK_BYTES,
    DAMAGE,
    Vectors,
    accept,
    convert_exactly,
    first_line,
    kept_dtype,
    map_converted,
    map_npy,
    one_of,
)
from vbench.data.conversions import Writable, kept_file
from vbench.data.files import check_declared
from vbench.errors import DataError
from vbench.metric import Metric, known_metric

if TYPE_CHECKING:
    import polars as pl

_BASE_KEYS = ("train", "base", "vectors", "emb", "embeddings", "arr_0")
_QUERY_KEYS = ("test", "queries", "query", "arr_1")
_LEARN_KEYS = ("learn",)
GROUND_TRUTH_KEYS = ("neighbors", "ids", "truth", "ground_truth", "groundtruth", "gt")
_METRIC_KEYS = ("metric", "distance", "distance_metric", "metric_type")
_KIND_KEYS = {
    "type": ("dense",),
    "point_type": ("float", "float16", "float32", "float64", "int8", "uint8"),
}
"""What ann-benchmarks and VIBE say of their vectors, and what of it can be read."""

_LONGEST_WORD = 10_000
"""Bytes of an array that names a metric."""
_LONGEST_CHAIN = 16


@dataclass(frozen=True)
class Contents:
    """What a file holds: base vectors, and whatever else is in it.

    Attributes
    ----------
    learn
        Further queries, to learn from.
    table : frame of as many rows, or None
        Columns beside the base vectors.
    parts
        Number of files, where the base vectors lie in several.
    """

    base: Vectors
    queries: Vectors | None = None
    ground_truth: Vectors | None = None
    metric: Metric | None = None
    table: pl.DataFrame | None = None
    parts: int | None = None
    learn: Vectors | None = None


def read_npz(path: Path) -> Contents:
    """Unpack each array beside the other converted files, and map it there."""
    base = npz_name(path, _BASE_KEYS, "base vectors")
    names = _npz_names(path)
    queries, truth = one_of(_QUERY_KEYS, names), one_of(GROUND_TRUTH_KEYS, names)
    word, learn = _npz_word(path, one_of(_METRIC_KEYS, names)), one_of(_LEARN_KEYS, names)
    return Contents(
        npz_member(path, base),
        npz_member(path, queries) if queries else None,
        npz_member(path, truth, ids=True) if truth else None,
        None if word is None else known_metric(word, str(path)),
        learn=npz_member(path, learn) if learn else None,
    )


def _npz_word(path: Path, name: str | None) -> str | None:
    """Read an array of one string; an object is not unpickled but refused, numbers are no word."""
    if name is None:
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            if stored.zip.getinfo(f"{name}.npy").file_size > _LONGEST_WORD:
                raise ValueError("this is a large array")
            value = stored[name]
            return None if value.dtype.kind in "fiu" else _word(value, f"{path}: {name}")
    except DAMAGE as error:
        raise DataError(
            f"{path}: {name}: one string is needed: {first_line(error)}; "
            f"save it as a string, or leave it out and give {spell_option('metric')}"
        ) from None


def _word(value: Any, where: str) -> str:
    """The string that an attribute holds, be it bytes, a numpy scalar, or an array of one."""
    while isinstance(value, np.ndarray | list | tuple) and np.size(value) == 1:
        value = value.item() if isinstance(value, np.ndarray) else value[0]
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if not isinstance(value, str):
        raise DataError(
            f"{where}: one string is needed, this is {' '.join(repr(value).split()):.80}"
        )
    return value.strip("\0 ")


def _npz_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
    except DAMAGE as error:
        raise DataError(f"{path}: not a whole .npz file: {first_line(error)}") from None


def npz_name(path: Path, wanted: tuple[str, ...], what: str) -> str:
    """Name the array of an archive that is wanted: by its usual names, or the only one."""
    names = _npz_names(path)
    name = one_of(wanted, names) or (names[0] if len(names) == 1 else None)
    if name is None:
        raise DataError(
            f"{path}: holds {', '.join(names) or 'no arrays'}; the {what} must be named "
            f"{' or '.join(wanted[:3])}"
        )
    return name


def npz_member(path: Path, name: str, *, ids: bool = False) -> Vectors:
    """Unpack an array of an archive once, and map it.

    An archive states the size of its members, and unpacks no more than that.
    """
    where = f"{path}: {name}"
    try:
        with zipfile.ZipFile(path) as archive:
            facts = archive.getinfo(f"{name}.npy")

            def write(stream: Writable) -> None:
                with archive.open(facts) as member:
                    while block := member.read(BLOCK_BYTES):
                        stream.write(block)

            unpacked = kept_file(
                [path],
                name,
                "",
                declared=facts.file_size,
                stored=facts.compress_size,
                write=write,
            )
    except DAMAGE as error:
        raise DataError(f"{where}: damaged: {first_line(error)}") from None
    return accept(map_npy(unpacked, where), where, source=unpacked, ids=ids)


def read_hdf5(path: Path) -> Contents:
    """Open `train`, `test` and `neighbors` of ann-benchmarks and VIBE, each mapped."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            names = own_arrays(file, path)
            base = one_of(_BASE_KEYS, names)
            if base is None:
                raise DataError(
                    f"{path}: holds {', '.join(file) or 'nothing'}; the base vectors must be "
                    "named train"
                )
            places = (file, file[base])
            for key, known in _KIND_KEYS.items():
                kind = _hdf5_word(path, places, (key,))
                if kind is not None and kind.lower() not in known:
                    raise DataError(
                        f"{path}: holds {kind} vectors ({key}); {', '.join(known)} can be read"
                    )
            word = _hdf5_word(path, places, _METRIC_KEYS)
            queries, truth = one_of(_QUERY_KEYS, names), one_of(GROUND_TRUTH_KEYS, names)
            learn = one_of(_LEARN_KEYS, names)
            return Contents(
                _hdf5_member(path, file[base]),
                _hdf5_member(path, file[queries]) if queries else None,
                _hdf5_member(path, file[truth], ids=True) if truth else None,
                None if word is None else known_metric(word, str(path)),
                learn=_hdf5_member(path, file[learn]) if learn else None,
            )
    except DAMAGE as error:
        raise DataError(f"{path}: not a whole HDF5 file: {first_line(error)}") from None


def _hdf5_word(path: Path, places: tuple[Any, ...], keys: tuple[str, ...]) -> str | None:
    """What an attribute of the file, or else of its base vectors, says under one of `keys`."""
    for place in places:
        key = one_of(keys, list(place.attrs))
        if key is not None:
            return _word(place.attrs[key], f"{path}: attribute {key}")
    return None


def _hdf5_member(path: Path, stored: Any, *, ids: bool = False) -> Vectors:
    """Map a contiguous array where it lies in the file; convert a chunked or compressed one."""
    where, member = f"{path}: {stored.name.lstrip('/')}", stored.name
    if stored.ndim != 2 or not all(stored.shape):
        raise DataError(f"{where}: a table of vectors is needed, this has shape {stored.shape}")
    refuse_outside(stored, where)
    offset = stored.id.get_offset()
    if stored.chunks is None and stored.compression is None and offset is not None:
        array = np.memmap(path, stored.dtype, "r", offset=offset, shape=stored.shape)
        # Files with a user block count the offset from elsewhere.
        if all(array[row].tobytes() == stored[row].tobytes() for row in (0, -1)):
            return accept(array, where, source=path, member=member, ids=ids)
    target = kept_dtype(stored.dtype, where, ids=ids)
    size = stored.id.get_storage_size()

    def block(start: int, stop: int) -> Vectors:
        if start == 0 and stored.chunks:
            # However few rows there are, each chunk is unpacked as a whole, in memory.
            check_declared(where, math.prod(stored.chunks) * stored.dtype.itemsize, size)
        return convert_exactly(stored[start:stop], target, where, start)

    return map_converted(path, member, stored.shape, target, block, stored=size)


def own_arrays(file: Any, path: Path) -> list[str]:
    """Names of the arrays at the top of an HDF5 file, without opening what a link leads to.

    Raises
    ------
    DataError
        A link that leaves the file, naming it.
    """
    import h5py

    names = []
    for name in file:
        outside = _outside(file, f"/{name}", _LONGEST_CHAIN)
        if outside:
            raise DataError(
                f"{path}: {name}: lies in another file, {outside}: give that file, or copy its "
                "numbers into this one"
            )
        with contextlib.suppress(KeyError, RuntimeError):  # of a link that leads nowhere
            if file.get(name, getclass=True) is h5py.Dataset:
                names.append(name)
    return names


def refuse_outside(stored: Any, where: str) -> None:
    """Refuse an array whose numbers lie elsewhere: external storage, a virtual dataset."""
    others = [name for name, _, _ in stored.external or ()]
    kind = "are in external storage"
    if stored.is_virtual:
        others = [source.file_name for source in stored.virtual_sources()]
        kind = "are those of a virtual dataset"
    if others or stored.is_virtual:
        raise DataError(
            f"{where}: its numbers {kind} ({', '.join(map(str, others[:3])) or 'nowhere'}): give "
            "the file that holds them, or copy them into this one (h5repack, h5py)"
        )


def _outside(file: Any, name: str, chain: int) -> str | None:
    """The file that a path leads to, where that is another one; soft links are followed here."""
    import h5py

    steps = [step for step in posixpath.normpath(name).split("/") if step]
    at = "/"
    for number, step in enumerate(steps):
        at = posixpath.join(at, step)
        link = file.get(at, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            return str(link.filename)
        if isinstance(link, h5py.SoftLink):
            if not chain:
                return f"a circle of links at {at}"
            target = posixpath.join(posixpath.dirname(at), link.path, *steps[number + 1 :])
            return _outside(file, target, chain - 1)
    return None
