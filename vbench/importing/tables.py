"""Answers in a table: of any system, by its own ids; and VIBE's published recalls of every query.

A row is an answer (a column of lists of ids), or one neighbor (columns `query`, `item`, `rank`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vbench.data.dataset import Dataset
from vbench.data.id_tables import plain_name, sides
from vbench.data.joins import read_table
from vbench.data.keys import rows_of_ids
from vbench.data.lists import is_list
from vbench.errors import DataError
from vbench.importing.naming import read_parameters
from vbench.importing.results import Arrays, Result, ResultError

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".parquet", ".csv")
_VIBE = {"query_index", "k", "algorithm", "params", "time", "recall"}
_QUERY = ("query", "queryid", "qid", "user", "userid")
_ITEMS = ("ids", "neighbors", "items", "answers", "item", "itemid", "docid", "corpusid", "id")
_RANK, _INDEX, _BUILD, _DISTANCES = "rank", "index", "build", "distances"
_UNITS = {"s": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SETTING = "setting."


def read_answers(path: Path, dataset: Dataset, name: str | None, k: int | None) -> Iterator[Result]:
    """The results in a table.

    Parameters
    ----------
    name
        What the index is called, where no column `index` says it; default: the file's name.
    k
        Neighbors to take of each answer; default: the longest answer.

    Raises
    ------
    ResultError
        Nothing in it says what was answered, or its ids are not those of the dataset.
    """
    import polars as pl

    try:
        # An id of 0042 is not 42 where the dataset's are text.
        names = {side.role: side.ids for side in sides(dataset)}
        texts = {role for role, ids in names.items() if ids is not None and ids.dtype == pl.String}
        frame = read_table(path, lambda column: _side_of(column) in texts)
        assert frame is not None
        if set(frame.columns) >= _VIBE:
            yield from _of_vibe(path, frame)
            return
        yield from _of_system(path, frame, dataset, name or path.stem, k)
    except ResultError:
        raise
    except DataError as error:
        raise ResultError(str(error)) from None


def _side_of(column: str) -> str:
    plain = plain_name(column)
    return "query" if plain in _QUERY else "item" if plain in _ITEMS else ""


def _of_vibe(path: Path, frame: pl.DataFrame) -> Iterator[Result]:
    """What VIBE publishes: recall and time of every query by its own rule, without ids."""
    frame = frame.with_row_index("_row")
    size = "index_size" if "index_size" in frame.columns else None
    for (k, algorithm, params), own in frame.group_by(
        "k", "algorithm", "params", maintain_order=True
    ):
        own = own.sort("query_index")
        order = own["query_index"].to_numpy()
        if not np.array_equal(order, np.arange(len(own))):
            raise ResultError(
                f"{path}: {algorithm} {params}: query_index is not 0 … {len(own) - 1}, each once"
            )
        hits = np.rint(own["recall"].to_numpy() * int(k)).astype(np.int32)
        arrays = Arrays(hits=np.clip(hits, 0, int(k)), seconds=own["time"].to_numpy())
        built = own["build_time"][0] if "build_time" in own.columns else None
        yield Result(
            tool="VIBE",
            file=path,
            part=f"{algorithm} {params}",
            algorithm=str(algorithm),
            parameters=read_parameters(str(params).partition("|")[0]),
            label=str(params).rpartition("|")[2],
            build=(algorithm, built, None if size is None else own[size][0]),
            k=int(k),
            dataset=str(own["dataset"][0]) if "dataset" in own.columns else "",
            rule="ann-benchmarks",
            read=functools.partial(_give, arrays),
            build_seconds=None if built is None else float(built),
            index_bytes=None if size is None else int(float(own[size][0]) * 1024) or None,
        )


def _give(arrays: Arrays) -> Arrays:
    return arrays


def _of_system(
    path: Path, frame: pl.DataFrame, dataset: Dataset, name: str, k: int | None
) -> Iterator[Result]:
    import polars as pl

    query = _one(frame, _QUERY, path, "query")
    item = _item_column(frame, path)
    is_long = not is_list(frame.schema[item])
    if is_long and query is None:
        raise ResultError(
            f"{path}: a row is one neighbor, and no column says of which query; it has "
            f"{', '.join(frame.columns)}: add query, or give lists of ids"
        )
    of_setting = [each for each in frame.columns if each.startswith(_SETTING)]
    keys = [each for each in (_INDEX, _BUILD, *of_setting) if each in frame.columns]
    times = _time_column(frame, path)
    groups = frame.group_by(keys, maintain_order=True) if keys else [((), frame)]
    for values, own in groups:
        said: dict[str, Any] = dict(zip(keys, values, strict=True))
        where = " ".join([str(path), *(f"{n}={v}" for n, v in said.items())])
        rows = _query_rows(own, query, dataset, where)
        if is_long:
            rank = own[_RANK].to_numpy() if _RANK in own.columns else np.arange(len(own))
            order = np.lexsort((rank, rows))
            own, rows = own[order], rows[order]
            counts = np.bincount(rows, minlength=dataset.m)
            flat = own[item].cast(pl.String) if own[item].dtype == pl.Categorical else own[item]
        else:
            twice = np.flatnonzero(np.bincount(rows, minlength=dataset.m) > 1)
            if len(twice):
                raise ResultError(
                    f"{where}: query {_name_of(dataset, int(twice[0]))} is answered twice; "
                    "columns index, build or setting.NAME tell answers apart"
                )
            order = np.argsort(rows)
            own, rows = own[order], rows[order]
            lists = own[item]
            lengths = lists.list.len() if isinstance(lists.dtype, pl.List) else lists.arr.len()
            counts = np.zeros(dataset.m, dtype=np.int64)
            counts[rows] = lengths.fill_null(0).to_numpy()
            filled = lists.filter(lengths.fill_null(0) > 0)
            flat = filled.explode() if len(filled) else pl.Series(item, [], dtype=pl.Int64)
        width = k or int(counts.max(initial=1)) or 1
        unanswered = np.ones(dataset.m, dtype=bool)
        unanswered[rows] = False
        arrays = Arrays(
            ids=_padded(flat, counts, width, dataset, where),
            seconds=_seconds(own, times, rows, dataset.m, is_long=is_long),
            unanswered=unanswered,
            distances=None,
        )
        index = str(said.get(_INDEX, name))
        yield Result(
            tool="a table of answers",
            file=path,
            part=" ".join(f"{n}={v}" for n, v in said.items()),
            algorithm=index,
            parameters={n.removeprefix(_SETTING): said[n] for n in of_setting},
            is_named=True,
            build=(index, said.get(_BUILD, 0)),
            k=width,
            read=functools.partial(_give, arrays),
            passes=1,
        )


def _one(frame: pl.DataFrame, wanted: Sequence[str], path: Path, what: str) -> str | None:
    found = [each for each in frame.columns if plain_name(each) in wanted]
    if len(found) > 1:
        raise ResultError(
            f"{path}: {' and '.join(found)} may each be the {what}; leave one of them out"
        )
    return found[0] if found else None


def _item_column(frame: pl.DataFrame, path: Path) -> str:
    lists = [name for name, kind in frame.schema.items() if is_list(kind)]
    named = [name for name in lists if plain_name(name) in _ITEMS]
    if len(named) == 1 or (len(lists) == 1 and lists[0] != _DISTANCES):
        return (named or lists)[0]
    found = None if lists else _one(frame, _ITEMS, path, "ids")
    if found is None:
        raise ResultError(
            f"{path}: no column of ids; it has {', '.join(frame.columns) or 'no columns'}: give "
            "one of lists called ids, or query, item and rank"
        )
    return found


def _time_column(frame: pl.DataFrame, path: Path) -> tuple[str, float] | None:
    """The column of times and what its unit is in seconds."""
    for name in frame.columns:
        unit = name.lower().rpartition("_")[2]
        if name.lower() in ("seconds", *(f"{x}_{u}" for x in ("latency", "time") for u in _UNITS)):
            return name, _UNITS[unit]
        if name.lower() in ("latency", "time", "duration"):
            raise ResultError(
                f"{path}: column {name} does not say its unit; call it latency_ms, latency_us, "
                "latency_ns or seconds"
            )
    return None


def _query_rows(own: pl.DataFrame, query: str | None, dataset: Dataset, where: str) -> Any:
    if query is not None:
        return rows_of_ids(own[query], dataset.query_ids, dataset.m, where)
    if len(own) != dataset.m:
        raise ResultError(
            f"{where}: {len(own):,} answers for {dataset.m:,} queries, and no column query says "
            "which is whose; add one"
        )
    return np.arange(dataset.m)


def _padded(flat: pl.Series, counts: Any, width: int, dataset: Dataset, where: str) -> Any:
    """Ids as rows of the base (m, width), -1 pads; what a list has beyond is left out."""
    ids = np.full((dataset.m, width), -1, dtype=np.int64)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    query = np.repeat(np.arange(dataset.m), counts)
    known = flat.is_not_null().to_numpy()
    if flat.dtype.is_signed_integer():
        # -1 ends what is shorter, unless the dataset calls an item so.
        own = dataset.item_ids
        if own is None or not own.dtype.is_integer() or not (own == -1).any():
            known &= (flat != -1).fill_null(False).to_numpy()
    kept = known & (place < width)
    if kept.any():
        values = flat.filter(kept).rename("id")
        ids[query[kept], place[kept]] = rows_of_ids(values, dataset.item_ids, dataset.n, where)
    return ids


def _seconds(
    own: pl.DataFrame, times: tuple[str, float] | None, rows: Any, m: int, *, is_long: bool
) -> Any:
    """Seconds of each query (m,), if every one has some: else what is missing would look fast."""
    if times is None:
        return None
    seconds = np.full(m, np.nan)
    # Of several rows of a query each has the time of the one call.
    seconds[rows] = own[times[0]].cast(float).fill_null(np.nan).to_numpy() * times[1]
    return None if np.isnan(seconds).any() else seconds


def _name_of(dataset: Dataset, row: int) -> Any:
    return row if dataset.query_ids is None else dataset.query_ids[row]
