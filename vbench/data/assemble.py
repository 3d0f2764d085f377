"""The parts of a dataset opened, each checked by itself and all against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.data import check, layout
from vbench.data.arrays import accept
from vbench.data.card import Card
from vbench.data.containers import Contents
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.find import Array, Parts, Vectors, as_array, as_file
from vbench.data.formats import parquet_files, read_array, read_contents
from vbench.data.frames import as_frame, is_frame, read_frame
from vbench.data.given_ground_truth import check_ground_truth
from vbench.data.id_tables import Side, name_by_rows, neighbor_rows
from vbench.data.joins import Joins, Part
from vbench.data.keys import Table
from vbench.data.learn import draw_learn, give_learn
from vbench.data.parquet import column_of_neighbors, has_column, scalars, text_lists
from vbench.data.select import draw, keep_queries, number_queries, select_queries, without_queries
from vbench.errors import DataError
from vbench.metric import METRICS, Metric

if TYPE_CHECKING:
    import polars as pl


class _Opened(NamedTuple):
    """What the files of a dataset hold, with the columns beside base and queries."""

    base: Vectors
    items: pl.DataFrame | None
    queries: Vectors | None
    segments: pl.DataFrame | None
    ground_truth: Array | GroundTruth | Literal[False] | None
    metric: Metric | None
    learn: Vectors | None


def assemble(parts: Parts, on: str | Sequence[str] | None, hold_out: int | None = None) -> Dataset:
    """Open every part, check each by itself and all against each other."""
    opened = _open(parts)
    base, queries, metric = opened.base, opened.queries, opened.metric
    where = _where(parts.base, "base")
    own = None
    if queries is None and hold_out is not None:
        own = draw(len(base), hold_out, where)
        queries = np.ascontiguousarray(base[own])
    if queries is None:
        count = max(1, min(1000, len(base) // 10))
        some = spell_option("hold_out", count)
        raise DataError(
            f"{where}: holds base vectors only; give {spell_option('queries', 'FILE')}"
            f"{layout.advice(parts.base)}; or {some} to ask for some of these"
        )
    asked = _where(parts.queries, f"{where}: queries")
    if metric is None:
        raise DataError(
            f"{where}: does not say its metric; give {spell_option('metric')} "
            f"as one of {', '.join(METRICS)}"
        )
    check.check_same_dimensions(queries, base, asked)
    zero_queries = check.check_vectors(queries, metric, asked)
    zero_rows = check.check_vectors(base, metric, where)
    check.say_zero(zero_queries, len(queries), "queries", asked)
    check.say_zero(zero_rows, len(base), "base vectors", where)
    _check_card(parts.card, base, queries, where)
    joins = Joins(on)
    is_array = as_file(parts.base) is None
    described = _tables(parts, "items", is_array)
    items, item_id = joins.side(
        opened.items, where, described, len(base), "base vectors", parts.card.item_id
    )
    described = _tables(parts, "segments", is_array and as_file(parts.queries) is None)
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
    relevance = name_by_rows(
        parts.relevance, both, place := _where(parts.relevance, "relevance"), joins
    )
    if relevance is not None:
        check.check_relevance(relevance, place)
    interactions = name_by_rows(
        parts.interactions, both, _where(parts.interactions, "interactions"), joins, partial=True
    )
    known = None
    place = _where_ground_truth(parts, f"{where}: its ground truth")
    truth = _read_ids(opened.ground_truth, segments, both[1], joins, asked, place)
    joins.check_used()
    kept = np.isin(np.arange(len(queries)), zero_queries, invert=True)
    if truth is not None:
        fits = not kept.all() and len(truth) == len(queries)
        pair = (truth[kept], queries[kept]) if fits else (truth, queries)
        try:
            known = check_ground_truth(*pair, base, metric, where=place)
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
        made = replace(
            keep_queries(number_queries(replace(made, given_ground_truth=None)), kept),
            given_ground_truth=known,
        )
    made = select_queries(made, parts.card.where) if parts.card.where else made
    if hold_out is not None:
        made = without_queries(made, hold_out, None if own is None else own[kept])
    return _with_learn(made, opened.learn, parts, where)


def _with_learn(dataset: Dataset, found: Vectors | None, parts: Parts, where: str) -> Dataset:
    """Add queries to learn from: those of the caller, else what lies with the base."""
    given = parts.given_learn
    if given is False:
        return dataset
    if isinstance(given, int | np.integer):
        return draw_learn(dataset, int(given))
    source = parts.learn if given is None else given
    if source is not None:
        contents, _ = _read(source, "learn", parts.column)
        found = contents.base if contents.learn is None else contents.learn
    if found is None:
        return dataset
    place = _where(source, f"{where}: learn")
    return give_learn(dataset, found, place, was_asked_for=given is not None)


def _tables(parts: Parts, role: str, in_order: bool) -> list[Part]:
    """The tables of one side: of the dataset's layout, added to it, and the caller's."""
    sources = [getattr(parts, f"{kind}{role}") for kind in ("", "added_", "given_")]
    orders = (True, True, in_order)
    return [Part(x, _where(x, role), order) for x, order in zip(sources, orders, strict=True)]


def _open(parts: Parts) -> _Opened:
    """Open the arrays; what the call gives goes before what the file holds or lies beside it."""
    queries, truth, segments, learn = parts.queries, parts.ground_truth, None, None
    base, is_with = _read(parts.base, "base", parts.column, is_base=True)
    parts.files = base.parts
    file = as_file(parts.base)
    if file is not None:
        own = queries is None
        if own:
            queries, learn = base.queries, base.learn
            parts.queries = queries
        if queries is None:
            queries = parts.queries = layout.queries_of(Path(str(file)))
        if truth is None and own:
            # Ground truth that lies with the base belongs to the queries that lie there too.
            truth = base.ground_truth
            if truth is None:
                truth = parts.ground_truth = layout.ground_truth_of(Path(str(file)))
    if queries is not None:
        asked = as_file(queries)
        contents, also = _read(queries, "queries", parts.column)
        is_with |= also
        # The queries of a file that has some, else its only array.
        if contents.queries is None:
            queries, segments = contents.base, contents.table
        else:
            queries = contents.queries
        if asked and truth is None and column_of_neighbors(parquet_files(asked, ids=True)):
            truth = parts.ground_truth = asked
    if parts.column is not None and not is_with:
        raise DataError(
            f"column {parts.column!r}: neither base nor queries are Parquet files with it"
        )
    metric = parts.metric or base.metric
    return _Opened(base.base, base.table, queries, segments, truth, metric, learn)


def _read(
    source: Any, name: str, column: str | None, *, is_base: bool = False
) -> tuple[Contents, bool]:
    """A file, a table or an array, and whether the column is taken that the caller names.

    Of the queries, that is one which they have.
    """
    file, wanted = as_file(source), None
    if file is not None:
        files = parquet_files(file)
        if column and files and (is_base or has_column(files, column)):
            wanted = column
        return read_contents(file, column=wanted), wanted is not None
    if is_frame(source):
        names = as_frame(source, name).columns
        if column and (is_base or any(str(each).startswith(column) for each in names)):
            wanted = column
        return read_frame(source, name, wanted), wanted is not None
    return Contents(accept(as_array(source), name)), False


def _read_ids(
    given: Array | GroundTruth | Literal[False] | None,
    segments: pl.DataFrame | None,
    items: Side,
    joins: Joins,
    asked: str,
    where: str,
) -> NDArray[np.integer[Any]] | None:
    """Read the ids of true neighbors, as row numbers of the base and a row for each query."""
    if given is None or given is False:
        return None
    if isinstance(given, GroundTruth):
        return given.ids
    path = as_file(given)
    if path is None:
        return neighbor_rows(
            accept(as_array(given), "ground truth", ids=True), items.ids, items.size, where
        )
    texts = text_lists(files := parquet_files(path, ids=True))
    found = read_array(path, ids=True) if texts is None else texts
    rows = neighbor_rows(found, items.ids, items.size, where)
    table = scalars(files)
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


def _where_ground_truth(parts: Parts, otherwise: str) -> str:
    """Where ground truth came from; a column of a table is named."""
    file = as_file(parts.ground_truth)
    if file is None:
        return otherwise
    column = column_of_neighbors(parquet_files(file, ids=True))
    return f"{file}: {column}" if column else str(file)
