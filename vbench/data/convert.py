"""Write a dataset in the formats that other tools read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench._locks import hold_lock
from vbench.data.arrays import write_npy
from vbench.data.card import write_card
from vbench.data.columns import id_column
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.files import check_free, whole_file, whole_folder
from vbench.data.formats import BIN_DTYPES, HDF5_SUFFIXES, VECS_DTYPES
from vbench.data.id_tables import name_by_ids, neighbor_ids, sides
from vbench.data.lists import VECTOR_COLUMNS
from vbench.errors import VbenchError
from vbench.neighbors.blocks import blocks

if TYPE_CHECKING:
    import polars as pl

Vectors = NDArray[Any]

TARGETS = ("a folder", ".hdf5", ".fbin", ".u8bin", ".i8bin", ".fvecs", ".bvecs", ".parquet")

_LARGEST_INT32 = 2**31 - 1
_HDF5_WORDS = {"l2": "euclidean", "ip": "ip", "cosine": "angular"}


def convert(
    dataset: Dataset, target: Path, *, ground_truth: GroundTruth | None = None, force: bool = False
) -> list[Path]:
    """Write base, queries and ground truth; `vbench.load` reads each of these formats back.

    Parameters
    ----------
    target
        A folder (vbench's own layout, the only one that keeps everything), or a name with the
        suffix of a format. Formats of one array a file make several: `sift.fvecs` becomes
        `sift_base.fvecs`, `sift_query.fvecs` and `sift_groundtruth.ivecs`. Of these Parquet keeps
        the columns of queries and items, with their ids.
    ground_truth
        Default: that which came with the dataset, if any.
    force
        Write over files that exist.

    Returns
    -------
    The files that were written, the one to load first.

    Raises
    ------
    VbenchError
        The format is not known or cannot hold these numbers, a file exists, or the disk is full.
    """
    truth = ground_truth or dataset.given_ground_truth
    paths = targets(dataset, target, ground_truth=truth is not None, force=force)
    suffix = target.suffix.lower()
    check_free(
        target.parent, sum(each.nbytes for each in (dataset.base, dataset.queries)), str(target)
    )
    with hold_lock(target, f"writing {target}"):
        # Of two processes with one target, the second finds here what the first has made.
        there = next((path for path in paths if path.exists() and not force), None)
        if there is not None:
            raise VbenchError(
                f"{there}: exists now, another process has just written it; "
                f"{spell_option('force', True)} writes over it"
            )
        if suffix in HDF5_SUFFIXES:
            _write_hdf5(dataset, target, truth)
        elif suffix in BIN_DTYPES or suffix in VECS_DTYPES:
            _write_arrays(dataset, paths, truth)
        elif suffix == ".parquet":
            _write_parquet(dataset, paths, truth)
        else:
            _write_folder(dataset, target, truth)
    return paths


def describe_losses(dataset: Dataset, target: Path) -> str:
    """Say what a dataset has and the format of `target` does not keep; empty where nothing."""
    suffix = target.suffix.lower()
    if not suffix or target.is_dir():
        return ""
    lost = dataset.learn is not None and suffix not in HDF5_SUFFIXES
    columns = {"ids or other columns of queries": dataset.segments, "those of items": dataset.items}
    pairs = {"relevance": dataset.relevance, "interactions": dataset.interactions}
    known = pairs if suffix == ".parquet" else {**columns, **pairs}
    names = [name for name, table in known.items() if table is not None]
    return ", ".join([*names, *(["queries to learn from"] if lost else [])])


def targets(
    dataset: Dataset, target: Path, *, ground_truth: bool, force: bool = False
) -> list[Path]:
    """Name the files that :func:`convert` would write, or raise what it would raise."""
    suffix = target.suffix.lower()
    families: tuple[dict[str, str], ...] = (BIN_DTYPES, VECS_DTYPES)
    names = [target]
    for kinds, ids, floats in zip(families, (".ibin", ".ivecs"), (".fbin", ".fvecs"), strict=True):
        if suffix in kinds:
            if suffix == ids:
                raise VbenchError(f"{target}: {suffix} holds ids; choose {floats}")
            for vectors in (dataset.base, dataset.queries):
                if not np.can_cast(vectors.dtype, kinds[suffix]):
                    raise VbenchError(
                        f"{target}: {suffix} cannot hold {vectors.dtype}; choose {floats}"
                    )
            names = _named(
                target, {"base": suffix, "query": suffix, "groundtruth": ids}, ground_truth
            )
    if suffix == ".parquet":
        names = _named(target, dict.fromkeys(("train", "test", "neighbors"), suffix), ground_truth)
    elif names == [target] and suffix not in HDF5_SUFFIXES and suffix and not target.is_dir():
        raise VbenchError(f"{target}: cannot write {suffix!r}; can write {', '.join(TARGETS)}")
    for path in names:
        if path.exists() and not force:
            raise VbenchError(
                f"{path}: exists; choose another name, or "
                f"{spell_option('force', True)} to write over it"
            )
        if path.is_dir() and not (path / "dataset.toml").is_file():
            raise VbenchError(f"{path}: is there and holds no dataset.toml: not a dataset of ours")
    return names


def _named(target: Path, words: Mapping[str, str], ground_truth: bool) -> list[Path]:
    """Put a word behind the name of each file; the last one is that of the ground truth."""
    names = [target.with_name(f"{target.stem}_{word}{end}") for word, end in words.items()]
    return names if ground_truth else names[:-1]


def check_ground_truth_target(path: Path) -> None:
    """Refuse a file name that :func:`write_ground_truth` cannot write."""
    if path.suffix.lower() not in {".npz", ".ibin", ".ivecs"}:
        raise VbenchError(f"{path}: ground truth is written as .npz, .ibin or .ivecs")


def write_ground_truth(truth: GroundTruth, path: Path, items: pl.Series | None = None) -> None:
    """Write ground truth as `.npz` (ids and distances), `.ibin` or `.ivecs` (ids).

    Parameters
    ----------
    items
        Ids of the dataset's items: where these are whole numbers, they are what is written.

    Raises
    ------
    VbenchError
        The format is not one of these, or cannot hold the ids.
    """
    check_ground_truth_target(path)
    suffix, ids = path.suffix.lower(), neighbor_ids(truth.ids, items)
    if suffix != ".npz" and ids.max(initial=0) > _LARGEST_INT32:
        raise VbenchError(f"{path}: {suffix} cannot hold the id {ids.max()}; choose .npz")
    with whole_file(path) as stream:
        if suffix == ".npz":
            np.savez(stream, ids=ids, distances=truth.distances)
        elif suffix == ".ibin":
            write_bin(stream, ids, np.dtype("<i4"))
        else:
            write_vecs(stream, ids, np.dtype("<i4"))


def _vectors(dataset: Dataset, base: str, queries: str) -> Iterator[tuple[str, Vectors]]:
    """The vectors of a dataset, under the names that a format has for them."""
    yield base, dataset.base
    yield queries, dataset.queries
    if dataset.learn is not None:
        yield "learn", dataset.learn.vectors


def _write_folder(dataset: Dataset, folder: Path, truth: GroundTruth | None) -> None:
    """Fill a folder beside the target and rename it: the target is whole or not there."""
    with whole_folder(folder) as fresh:
        for name, vectors in _vectors(dataset, "base", "queries"):
            with whole_file(fresh / f"{name}.npy") as stream:
                write_npy(stream, vectors.dtype, vectors.shape, (b for _, b in blocks(vectors)))
        both = sides(dataset)
        frames = {
            "queries": dataset.segments,
            "items": dataset.items,
            "relevance": name_by_ids(dataset.relevance, both),
            "interactions": name_by_ids(dataset.interactions, both),
        }
        for name, frame in frames.items():
            if frame is not None:
                with whole_file(fresh / f"{name}.parquet") as stream:
                    frame.write_parquet(stream)
        if truth is not None:
            write_ground_truth(truth, fresh / "truth.npz", dataset.item_ids)
        places = {"folder", "files", "prepare", "additions", "queries", "where", "variants"}
        card = {key: value for key, value in dataset.card.items() if key not in places}
        for key, frame in (("query_id", dataset.segments), ("item_id", dataset.items)):
            card.pop(key, None)
            if (name := getattr(dataset, key)) != id_column(frame):
                card[key] = name
        stated = {name: getattr(dataset, name) for name in ("metric", "n", "m", "d")}
        with whole_file(fresh / "dataset.toml") as stream:
            stream.write(write_card({**card, **stated}).encode())


def _write_hdf5(dataset: Dataset, path: Path, truth: GroundTruth | None) -> None:
    """Write ann-benchmarks' layout, contiguous, so that it can be mapped."""
    import h5py

    with whole_file(path) as stream, h5py.File(stream, "w") as file:
        file.attrs["distance"] = _HDF5_WORDS[dataset.metric]
        file.attrs["dimension"] = dataset.d
        file.attrs["type"] = "dense"
        for name, vectors in _vectors(dataset, "train", "test"):
            stored = file.create_dataset(name, vectors.shape, vectors.dtype)
            for first, block in blocks(vectors):
                stored[first : first + len(block)] = block
        if truth is not None:
            file["neighbors"] = truth.ids
            file["distances"] = truth.distances


def _write_arrays(dataset: Dataset, paths: list[Path], truth: GroundTruth | None) -> None:
    """Write a file each of the `.fbin` or `.fvecs` family."""
    arrays = [dataset.base, dataset.queries, *([truth.ids] if truth else [])]
    with contextlib.ExitStack() as whole:
        # All take their names when the last one is complete.
        for path, values in zip(paths, arrays, strict=True):
            is_bin = path.suffix.lower() in BIN_DTYPES
            kind = np.dtype((BIN_DTYPES if is_bin else VECS_DTYPES)[path.suffix.lower()])
            stream = whole.enter_context(whole_file(path))
            (write_bin if is_bin else write_vecs)(stream, values, kind)


def write_bin(stream: BinaryIO, vectors: Vectors, kind: np.dtype[Any]) -> None:
    """Write rows and columns as uint32, then the values: `.fbin` and its like."""
    stream.write(np.array(vectors.shape, "<u4").tobytes())
    for _, block in blocks(vectors):
        stream.write(np.ascontiguousarray(block, kind).data)


def write_vecs(stream: BinaryIO, vectors: Vectors, kind: np.dtype[Any]) -> None:
    """Write the columns as int32 before each row: `.fvecs` and its like."""
    d = vectors.shape[1]
    row = np.dtype([("length", "<i4"), ("values", kind, (d,))])
    for _, block in blocks(vectors):
        rows = np.empty(len(block), row)
        rows["length"], rows["values"] = d, block
        stream.write(rows.tobytes())


def _write_parquet(dataset: Dataset, paths: list[Path], truth: GroundTruth | None) -> None:
    """Write VectorDBBench's columns, and those of queries and items, a block at a time."""
    made = [
        _parquet_side(dataset.items, dataset.item_ids, dataset.base),
        _parquet_side(dataset.segments, dataset.query_ids, dataset.queries),
    ]
    if truth is not None:
        ids = None if dataset.query_ids is None else dataset.query_ids.to_frame()
        known = neighbor_ids(truth.ids, dataset.item_ids)
        made.append((_numbered(ids, dataset.query_ids, dataset.m), "neighbors_id", known))
    with contextlib.ExitStack() as whole:
        for path, (table, column, values) in zip(paths, made, strict=True):
            _stream_parquet(whole.enter_context(whole_file(path)), table, column, values)


def _parquet_side(
    table: pl.DataFrame | None, ids: pl.Series | None, vectors: Vectors
) -> tuple[pl.DataFrame, str, Vectors]:
    taken = [] if table is None else table.columns
    column = next(name for name in VECTOR_COLUMNS if name not in taken)
    return _numbered(table, ids, len(vectors)), column, vectors


def _numbered(table: pl.DataFrame | None, ids: pl.Series | None, rows: int) -> pl.DataFrame:
    """Give a table without ids the row numbers as such."""
    import polars as pl

    numbers = pl.Series("id", np.arange(rows, dtype=np.int64))
    if table is None:
        return numbers.to_frame()
    return table if ids is not None or "id" in table.columns else table.select(numbers, "*")


def _stream_parquet(stream: BinaryIO, table: pl.DataFrame, column: str, values: Vectors) -> None:
    import polars as pl
    from polars.io.plugins import register_io_source

    inner: Any = pl.Series(np.empty(0, values.dtype)).dtype
    schema = pl.Schema({**table.schema, column: pl.List(inner)})

    def frames(*_: Any) -> Iterator[pl.DataFrame]:
        for first, block in blocks(values):
            lists = pl.Series(column, np.ascontiguousarray(block)).cast(pl.List(inner))
            yield table[first : first + len(block)].with_columns(lists)

    source: Callable[..., Iterator[pl.DataFrame]] = frames
    register_io_source(source, schema=schema).sink_parquet(stream)
