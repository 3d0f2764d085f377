"""`vbench.load`: a dataset by its name in the catalog or by path, checked before any work."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.data import catalog, check, siblings
from vbench.data.arrays import accept
from vbench.data.card import Card
from vbench.data.check import check_k as check_k
from vbench.data.dataset import Dataset, Truth
from vbench.data.find import Array, Parts, Vectors, as_array, as_file, find
from vbench.data.formats import (
    column_is_in,
    is_parquet,
    neighbors_beside,
    read_array,
    read_contents,
    read_scalars,
    read_texts,
)
from vbench.data.hold_out import drawn, without_queries
from vbench.data.joins import Joins, Part
from vbench.data.keys import Table
from vbench.data.named import Side, by_ids, by_rows, neighbor_rows, sides
from vbench.data.select import numbered, only, selected
from vbench.data.truth import given_truth
from vbench.errors import DataError, VbenchError
from vbench.metric import METRICS, Metric, known_metric
from vbench.trust import trusting

if TYPE_CHECKING:
    import polars as pl


def load(
    name_or_path: str | Path | Vectors,
    *,
    queries: Array | None = None,
    metric: Metric | str | None = None,
    ground_truth: Array | Truth | Literal[False] | None = None,
    truth: Array | Truth | Literal[False] | None = None,
    segments: pl.DataFrame | Path | str | None = None,
    items: pl.DataFrame | Path | str | None = None,
    relevance: pl.DataFrame | Path | str | None = None,
    interactions: pl.DataFrame | Path | str | None = None,
    on: str | Sequence[str] | None = None,
    column: str | None = None,
    name: str | None = None,
    hold_out: int | None = None,
    trust: bool = False,
) -> Dataset:
    """Open a dataset and check it.

    Parameters
    ----------
    name_or_path
        A name of the catalog (`vbench data list`); a file (HDF5 of ann-benchmarks or VIBE,
        `.fvecs/.bvecs`, `.fbin/.f16bin/.u8bin/.i8bin`, `.npy/.npz`, Parquet); a folder
        in vbench's own layout or VectorDBBench's; a folder or a pattern (`emb_*.npy`) of the parts
        of a table; a card; or the base vectors themselves (n, d).
        float32, float16, int8 and uint8 are kept as they are; float64, bfloat16 and wider
        integers become float32. Arrays are copied.
        Columns beside the lists of a Parquet file describe the items, or the queries.
    queries
        (m, d), or a file of them, where the file at `name_or_path` holds none and none with the
        usual name (`sift_query.fvecs` for `sift_base.fvecs`) lies beside it.
    metric
        `l2`, `ip` or `cosine`, or another tool's word for it (`euclidean`, `dot`, `angular`);
        needed where neither file nor card says it.
    ground_truth
        Ids of the true neighbours (m, depth), or a file of them; −1 ends a shorter row. It is
        checked, and never used in place of our own. False ignores what comes with a file.
    truth
        Another name of `ground_truth`.
    segments, items
        Frames, or Parquet or CSV files: a row for each query, and for each base vector. They are
        joined to what the dataset has by the column that both have, if it tells the rows apart;
        without a common column their order counts, which is said of a file.
    relevance, interactions
        The same, with columns `query`, `item`[, `grade`]: ids, where the dataset has some, or
        row numbers from 0. Interactions are what the queries' users had already.
    on
        The column to join segments, items and ground truth by, or several, where that is not
        clear; `OURS=THEIRS` where the two call it differently.
    column
        The column of vectors of a Parquet file, where there are several; of vectors that have a
        column for each dimension, what these columns begin with.
    hold_out
        Ask queries that the base does not hold. Where there are no queries, that many base
        vectors, always the same, become the queries; where queries are base vectors, that many of
        these are kept. All base vectors that equal a query leave the base; the others keep their
        ids, or their row numbers as ids.
    trust
        Whether the files come from somebody you trust, and arrays far larger than their file are
        unpacked.

    Raises
    ------
    DataError, VbenchError
        One message that names the file, the row and the column, and says what to do.
    UnknownNameError
        Neither a name nor a path; with the nearest names.

    Examples
    --------
    >>> import numpy as np, vbench
    >>> points = np.random.default_rng(0).normal(size=(1000, 8))
    >>> dataset = vbench.load(points, queries=points[:10] + 0.1, metric="l2", name="mine")
    >>> dataset.n, dataset.m, dataset.d, dataset.base.dtype.name
    (1000, 10, 8, 'float32')
    """
    if metric is not None:
        metric = known_metric(metric, "metric")
    if truth is not None and ground_truth is not None:
        raise VbenchError("ground_truth and truth are two names of one argument; give one")
    found = find(name_or_path)
    if isinstance(found, Dataset):
        found = Parts(
            found.name,
            found.base,
            found.queries,
            found.given_truth,
            found.metric,
            found.segments,
            found.items,
            by_ids(found.relevance, sides(found)),
            by_ids(found.interactions, sides(found)),
            card=_card(found),
        )
    if queries is not None:
        # What describes the dataset's own queries says nothing of others.
        card = msgspec.structs.replace(found.card, m=None, segments={}, query_id="")
        found = replace(
            found, truth=None, segments=None, relevance=None, interactions=None, card=card
        )
    given: dict[str, Any] = {
        "queries": queries,
        "metric": metric,
        "truth": truth if ground_truth is None else ground_truth,
        "segments": segments,
        "items": items,
        "relevance": relevance,
        "interactions": interactions,
        "on": on,
        "column": column,
        "name": name,
        "hold_out": hold_out,
    }
    given = {role: value for role, value in given.items() if value is not None}
    joined = {"segments": "given_segments", "items": "given_items"}
    aside = ("on", "hold_out")
    parts = {joined.get(role, role): value for role, value in given.items() if role not in aside}
    with trusting(trust):
        dataset = _assemble(replace(found, **parts), on, hold_out)
    return replace(dataset, source=_source({"name_or_path": name_or_path, **given}))


def _source(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that open the dataset again from any folder; empty where one is not on disk."""
    found: dict[str, Any] = {}
    for role, value in arguments.items():
        if value is False or role in ("metric", "column", "name", "hold_out"):
            found[role] = value
        elif role == "on":
            found[role] = value if isinstance(value, str) else list(value)
        elif not isinstance(value, str | Path):
            return {}
        elif role == "name_or_path" and value in catalog.names():
            found[role] = value
        else:
            found[role] = str(Path(value).expanduser().resolve())
    return found


def _card(dataset: Dataset) -> Card:
    known = {key: value for key, value in dataset.card.items() if key in Card.__struct_fields__}
    ids = {"query_id": dataset.query_id or "", "item_id": dataset.item_id or ""}
    return Card(**{**known, **ids})


def reopen(source: Mapping[str, Any]) -> Dataset:
    """Open what `Dataset.source` says again, without repeating what was warned of.

    It may come from a stranger's run, and can name files only: it is trusted in nothing.

    Raises
    ------
    DataError
        It says what it cannot say.
    """
    known = inspect.signature(load).parameters.keys() - {"trust"}
    for role, value in source.items():
        texts = value if role == "on" and isinstance(value, list) else [value]
        plain = (
            isinstance(value, int)
            if role == "hold_out"
            else all(each is False or isinstance(each, str) for each in texts)
        )
        if role not in known or not plain:
            raise DataError(
                f"the run says of its dataset {role} = {value!r}, which opens nothing; "
                "give the dataset again with --dataset"
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(**source)


class _Opened(NamedTuple):
    """What the files of a dataset hold, with the columns beside base and queries."""

    base: Vectors
    items: pl.DataFrame | None
    queries: Vectors | None
    segments: pl.DataFrame | None
    truth: Array | Truth | Literal[False] | None
    metric: Metric | None


def _assemble(parts: Parts, on: str | Sequence[str] | None, hold_out: int | None = None) -> Dataset:
    """Open every part, check each by itself and all against each other."""
    opened = _open(parts)
    base, queries, metric = opened.base, opened.queries, opened.metric
    where = _where(parts.base, "base")
    own = None
    if queries is None and hold_out is not None:
        own = drawn(len(base), hold_out, where)
        queries = np.ascontiguousarray(base[own])
    if queries is None:
        count = max(1, min(1000, len(base) // 10))
        some = f"hold_out={count} (vbench run --hold-out {count})"
        raise DataError(
            f"{where}: holds base vectors only; give queries=FILE (--queries FILE)"
            f"{siblings.advice(parts.base)}; or {some} to ask for some of these"
        )
    asked = _where(parts.queries, f"{where}: queries")
    if metric is None:
        raise DataError(
            f"{where}: does not say its metric; give metric= (--metric) "
            f"as one of {', '.join(METRICS)}"
        )
    check.check_same_dimensions(queries, base, asked)
    zero_queries = check.check_vectors(queries, metric, asked)
    zero_rows = check.check_vectors(base, metric, where)
    check.say_zero(zero_queries, len(queries), "queries", asked)
    check.say_zero(zero_rows, len(base), "base vectors", where)
    _check_card(parts.card, base, queries, where)
    joins = Joins(on)
    arrays = [as_file(parts.base) is None]
    arrays.append(arrays[0] and as_file(parts.queries) is None)
    described = [
        _part(parts.items, "items", True),
        _part(parts.added_items, "items", True),
        _part(parts.given_items, "items", arrays[0]),
    ]
    items, item_id = joins.side(
        opened.items, where, described, len(base), "base vectors", parts.card.item_id
    )
    described = [
        _part(parts.segments, "segments", True),
        _part(parts.added_segments, "segments", True),
        _part(parts.given_segments, "segments", arrays[1]),
    ]
    segments, query_id = joins.side(
        opened.segments, asked, described, len(queries), "queries", parts.card.query_id
    )
    if segments is not None:
        place = _where(parts.segments, "segments")
        check.check_columns(segments, parts.card.segments, place)
        check.check_flat(segments, place)
    if items is not None:
        check.check_columns(items, parts.card.items, _where(parts.items, "items"))
    both = (
        Side.of("query", len(queries), segments, query_id),
        Side.of("item", len(base), items, item_id),
    )
    relevance = by_rows(parts.relevance, both, place := _where(parts.relevance, "relevance"), joins)
    if relevance is not None:
        check.check_relevance(relevance, place)
    interactions = by_rows(
        parts.interactions, both, _where(parts.interactions, "interactions"), joins, partial=True
    )
    known = None
    place = _where_truth(parts, f"{where}: its ground truth")
    truth = _truth(opened.truth, segments, both[1], joins, asked, place)
    joins.check_used()
    kept = np.isin(np.arange(len(queries)), zero_queries, invert=True)
    if truth is not None:
        fits = not kept.all() and len(truth) == len(queries)
        pair = (truth[kept], queries[kept]) if fits else (truth, queries)
        try:
            known = given_truth(*pair, base, metric, where=place)
        except DataError as error:
            ids = both[1].ids
            if ids is None or not ids.dtype.is_integer():
                raise
            raise DataError(
                f"{error} (its numbers were taken for ids where the base has these as {ids.name})"
            ) from None
    made = Dataset(
        parts.name,
        base,
        queries,
        metric,
        segments,
        items,
        relevance,
        known,
        parts.card.facts(),
        interactions=interactions,
        query_id=query_id,
        item_id=item_id,
        parts=parts.files,
        zero_row_ids=zero_rows,
    )
    if not kept.all():
        made = replace(only(numbered(replace(made, given_truth=None)), kept), given_truth=known)
    made = selected(made, parts.card.where) if parts.card.where else made
    if hold_out is None:
        return made
    return without_queries(made, hold_out, None if own is None else own[kept])


def _part(source: Any, role: str, in_order: bool) -> Part:
    return Part(source, _where(source, role), in_order)


def _open(parts: Parts) -> _Opened:
    """Open the arrays; what the call gives goes before what the file holds or lies beside it."""
    queries, truth, metric, column = parts.queries, parts.truth, parts.metric, parts.column
    items = segments = None
    file = as_file(parts.base)
    has_column = [] if file is None else [is_parquet(file)]
    if file is not None:
        contents = read_contents(file, column=column if has_column[0] else None)
        base, items, metric = contents.base, contents.table, metric or contents.metric
        parts.files = contents.parts
        own = queries is None
        if own:
            queries = parts.queries = contents.queries
        if queries is None:
            queries = parts.queries = siblings.queries_of(Path(str(file)))
        if truth is None and own:
            # Truth that lies with the base belongs to the queries that lie there too.
            truth = contents.truth
            if truth is None:
                truth = parts.truth = siblings.truth_of(Path(str(file)))
    else:
        base = accept(as_array(parts.base), "base")
    asked = as_file(queries)
    if asked is not None:
        has_column.append(column_is_in(asked, column))
        contents = read_contents(asked, column=column if has_column[-1] else None)
        # The queries of a file that has some, else its only array.
        if contents.queries is None:
            queries, segments = contents.base, contents.table
        else:
            queries = contents.queries
        if truth is None and neighbors_beside(asked):
            truth = parts.truth = asked
    elif queries is not None:
        queries = accept(as_array(queries), "queries")
    if column is not None and not any(has_column):
        raise DataError(f"column {column!r}: neither base nor queries are Parquet files with it")
    return _Opened(base, items, queries, segments, truth, metric)


def _truth(
    given: Array | Truth | Literal[False] | None,
    segments: pl.DataFrame | None,
    items: Side,
    joins: Joins,
    asked: str,
    where: str,
) -> NDArray[np.integer[Any]] | None:
    """Read the ids of true neighbors, as row numbers of the base and a row for each query."""
    if given is None or given is False:
        return None
    if isinstance(given, Truth):
        return given.ids
    path = as_file(given)
    if path is None:
        return neighbor_rows(
            accept(as_array(given), "truth", ids=True), items.ids, items.size, where
        )
    texts = read_texts(path)
    found = read_array(path, ids=True) if texts is None else texts
    rows = neighbor_rows(found, items.ids, items.size, where)
    table = read_scalars(path)
    if segments is not None and table is not None:
        matched = joins.match(Table(segments, asked, "queries"), Table(table, where, "queries"))
        if matched is not None:
            rows = rows[matched.order]
    return rows


def _check_card(card: Card, base: Vectors, queries: Vectors, where: str) -> None:
    for key, stated, found in (
        ("n", card.n, len(base)),
        ("m", card.m, len(queries)),
        ("d", card.d, base.shape[1]),
    ):
        if stated is not None and stated != found:
            raise DataError(
                f"{where}: the card says {key} = {stated}, the files have {found}; "
                "correct the card or bring the right files"
            )


def _where(source: Any, otherwise: str) -> str:
    return otherwise if as_file(source) is None else str(source)


def _where_truth(parts: Parts, otherwise: str) -> str:
    """Where ground truth came from; a column of a table is named."""
    file = as_file(parts.truth)
    if file is None:
        return otherwise
    column = neighbors_beside(file)
    return f"{file}: {column}" if column else str(file)
