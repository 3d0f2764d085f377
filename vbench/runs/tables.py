"""The tables of a run folder: queries, items, exact neighbors, hardness."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench import _paths
from vbench.data.dataset import GroundTruth
from vbench.data.files import write_whole
from vbench.data.tables import parquet_metadata, parquet_schema, read_numbers, read_parquet
from vbench.errors import DamagedFileError
from vbench.metric import FloatArray
from vbench.runs import digests
from vbench.runs.files import GRAPHS, ITEMS, QUERIES, ground_truth_path
from vbench.runs.schema import (
    GRAPH_HARDNESS_SCHEMA,
    GROUND_TRUTH_SCHEMA,
    HARDNESS_SCHEMA,
    ITEMS_SCHEMA,
    QUERIES_SCHEMA,
    STATIC,
)

# A page that is damaged inside makes polars panic, which is not one of its errors.
UNREADABLE = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
T = TypeVar("T")
_COLUMN = "column."
_PAGE_BYTES = 1 << 24
"""What is read as it lies is read in few parts."""
_REMEDY = "give the same `vbench run` again, which keeps what was measured"


class Table(NamedTuple):
    """Queries or items by number: what names each, and what else is known of it.

    Attributes
    ----------
    numbers : uint32 or int64 (rows,)
    ids : the names, or None where there are none
    columns : frame of as many rows
    """

    numbers: NDArray[np.integer[Any]]
    ids: pl.Series | None
    columns: pl.DataFrame


def write_queries(
    folder: Path, m: int, columns: pl.DataFrame | None, ids: pl.Series | None
) -> None:
    """Write one row per query: its number, its id, its columns."""
    numbers = np.arange(m, dtype=np.uint32)
    _write(folder / QUERIES, QUERIES_SCHEMA, "query", numbers, columns, ids)


def write_items(
    folder: Path,
    items: NDArray[np.integer[Any]],
    columns: pl.DataFrame | None,
    ids: pl.Series | None,
) -> None:
    """Write one row for each of some items, whose rows `columns` and `ids` hold."""
    _write(folder / ITEMS, ITEMS_SCHEMA, "item", items.astype(np.int64), columns, ids)


def _write(
    path: Path,
    schema: str,
    name: str,
    numbers: NDArray[np.integer[Any]],
    columns: pl.DataFrame | None,
    ids: pl.Series | None,
) -> None:
    made = [pl.Series(name, numbers)]
    if ids is not None:
        made.append(ids.alias("id"))
    if columns is not None:
        made += [each.alias(f"{_COLUMN}{each.name}") for each in columns.get_columns()]
    _write_checked(path, pl.DataFrame(made), schema)


def read_queries(folder: Path) -> Table:
    """One row per query.

    Raises
    ------
    DamagedFileError
        When the file is missing, or not what vbench wrote.
    """
    frame = _read_checked(folder / QUERIES, QUERIES_SCHEMA)
    if "truth_ids" in frame.columns:  # schema 1 kept the exact neighbors here, columns unmarked
        frame = frame.drop("truth_ids", "truth_distances")
        return Table(frame["query"].to_numpy(), None, frame.drop("query"))
    return _table(frame, "query")


def read_items(folder: Path) -> Table | None:
    """The items that stand in some exact list or answer, or None where nothing is known of them."""
    path = folder / ITEMS
    return _table(_read_checked(path, ITEMS_SCHEMA), "item") if path.is_file() else None


def _table(frame: pl.DataFrame, name: str) -> Table:
    marked = [each for each in frame.get_columns() if each.name.startswith(_COLUMN)]
    columns = pl.DataFrame([each.alias(each.name.removeprefix(_COLUMN)) for each in marked])
    return Table(frame[name].to_numpy(), frame["id"] if "id" in frame.columns else None, columns)


def write_ground_truth(
    folder: Path, truth: GroundTruth, view: str = STATIC, **more: NDArray[np.float64]
) -> None:
    """Write the exact neighbors of every query in a view, and how many there are to find.

    `more` are columns (m,) of the view, such as its selectivity.
    """
    allowed = truth.allowed
    if allowed is None:
        allowed = (np.isfinite(truth.distances) & (truth.ids >= 0)).sum(axis=1).astype(np.int64)
    frame = pl.DataFrame(
        {
            "query": np.arange(len(truth.ids), dtype=np.uint32),
            "ids": lists(truth.ids),
            "distances": lists(truth.distances),
            "allowed": allowed,
            **more,
        }
    )
    _write_checked(ground_truth_path(folder, view), frame, GROUND_TRUTH_SCHEMA, packed=False)


def read_ground_truth(folder: Path, view: str = STATIC) -> GroundTruth:
    """The exact neighbors of every query in a view.

    Raises
    ------
    DamagedFileError
        When the file is missing, or not what vbench wrote.
    """
    path, names = ground_truth_path(folder, view), ("ids", "distances")
    if not path.is_file() and (folder / QUERIES).is_file():
        frame = _read_checked(folder / QUERIES, QUERIES_SCHEMA)
        if "truth_ids" in frame.columns:
            return GroundTruth(frame["truth_ids"].to_numpy(), frame["truth_distances"].to_numpy())
    found = _checked(path, GROUND_TRUTH_SCHEMA, _read_arrays)
    ids, distances = (found[name] for name in names)
    return GroundTruth(ids, distances, None if view == STATIC else found["allowed"])


def read_view(folder: Path, view: str) -> pl.DataFrame:
    """What is known of each query in a view beside its neighbors: `allowed` and other columns."""
    frame = _read_checked(ground_truth_path(folder, view), GROUND_TRUTH_SCHEMA)
    return frame.drop("ids", "distances")


def hardness_path(fingerprint: str, k: int) -> Path:
    """Where the hardness of a dataset's queries at K lies, once it was computed."""
    return _paths.home() / "hardness" / f"{fingerprint}-{k}.parquet"


def write_hardness(fingerprint: str, k: int, frame: pl.DataFrame) -> None:
    """Keep one row per query of a dataset: its hardness at K by every measure."""
    _write_checked(hardness_path(fingerprint, k), frame, HARDNESS_SCHEMA)


def read_hardness(folder: Path, fingerprint: str, k: int) -> pl.DataFrame | None:
    """The hardness of every query at K, or None where it was not computed yet.

    It belongs to the dataset. A run of schema 1 kept it in its folder.
    """
    path = hardness_path(fingerprint, k)
    if path.is_file():
        # One that is damaged is computed again.
        with contextlib.suppress(DamagedFileError):
            return _read_checked(path, HARDNESS_SCHEMA)
    own = folder / f"hardness-{k}.parquet"
    if own.is_file():
        with contextlib.suppress(*UNREADABLE):
            return read_parquet(own)
    return None


def graph_hardness_path(folder: Path, trial: str) -> Path:
    """Where the hardness of the queries in the graph of a trial's build lies, once it was read."""
    return folder / GRAPHS / f"{trial}.parquet"


def write_graph_hardness(folder: Path, trial: str, columns: Mapping[str, FloatArray]) -> None:
    """Keep one row per query: its hardness in the graph that a trial searched."""
    path = graph_hardness_path(folder, trial)
    path.parent.mkdir(exist_ok=True)
    _write_checked(path, pl.DataFrame(columns), GRAPH_HARDNESS_SCHEMA)


def read_graph_hardness(folder: Path, trial: str) -> pl.DataFrame | None:
    """The hardness of the queries in the graph of a trial, or None where it was not read yet."""
    path = graph_hardness_path(folder, trial)
    if path.is_file():
        # One that is damaged is read from the graph again.
        with contextlib.suppress(DamagedFileError):
            return _read_checked(path, GRAPH_HARDNESS_SCHEMA)
    return None


def write_frame(
    path: Path,
    frame: pl.DataFrame,
    metadata: dict[str, str] | None = None,
    *,
    packed: bool = True,
) -> None:
    """Write a frame as Parquet, atomically; not `packed` it is larger, and read in less time."""
    # Through memory: what polars raises on a full disk does not say which error it was.
    content = io.BytesIO()
    # The first level of zstd is as small as the third here, in a third of the time; nothing is
    # looked up by statistics.
    frame.write_parquet(
        content,
        compression="zstd" if packed else "uncompressed",
        compression_level=1 if packed else None,
        data_page_size=None if packed else _PAGE_BYTES,
        statistics=False,
        metadata=metadata,
    )
    write_whole(path, content.getbuffer())


def _write_checked(path: Path, frame: pl.DataFrame, schema: str, *, packed: bool = True) -> None:
    facts = {"schema": schema, "digest": digests.of_frame(frame)}
    write_frame(path, frame, facts, packed=packed)


def _read_checked(path: Path, schema: str) -> pl.DataFrame:
    """A table of ours; one without a schema is of schema 1, which had no digest."""
    return _checked(path, schema, _read_frame)


def _checked(path: Path, schema: str, read: Callable[[Path], tuple[T, str]]) -> T:
    try:
        facts = parquet_metadata(path)
        table, found = read(path)
    except (ValueError, TypeError, *UNREADABLE) as error:
        raise DamagedFileError(path, str(error).partition("\n")[0], _REMEDY) from None
    is_first = "schema" not in facts and isinstance(table, pl.DataFrame) and "truth_ids" in table
    if not is_first and (facts.get("schema") != schema or facts.get("digest") != found):
        raise DamagedFileError(path, "its digest is not that of what it says", _REMEDY)
    return table


def _read_frame(path: Path) -> tuple[pl.DataFrame, str]:
    frame = read_parquet(path)
    return frame, digests.of_frame(frame)


def _read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], str]:
    """A table of numbers alone, and the digest that its frame has."""
    arrays = read_numbers(path, list(parquet_schema(path)))
    return arrays, digests.of_document({name: digests.of_array(x) for name, x in arrays.items()})


def lists(array: NDArray[Any]) -> pl.Series:
    """A column of numbers, or of rows of numbers."""
    kinds: dict[str, type[pl.DataType]] = {
        "int32": pl.Int32,
        "int64": pl.Int64,
        "uint16": pl.UInt16,
        "uint32": pl.UInt32,
        "float64": pl.Float64,
    }
    inner = kinds[array.dtype.name]
    dtype = inner if array.ndim == 1 else pl.Array(inner, array.shape[1])
    return pl.Series(np.ascontiguousarray(array), dtype=dtype)
