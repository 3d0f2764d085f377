"""Interactions as judgments, and as what the users had already."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vbench._invocation import spell_option
from vbench.data.id_tables import Side, name_by_ids, name_by_rows, plain_name
from vbench.data.importing import tables
from vbench.data.importing.document import ImportedInteractions
from vbench.data.joins import Joins
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_TIMES = ("timestamp", "time", "ts", "date", "datetime", "createdat", "eventtime", "when")
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))
"""How large a time of our days is at least when it is counted in nanoseconds, …, seconds."""


class Source(NamedTuple):
    """Where interactions lie, and what of them is judged.

    Attributes
    ----------
    since
        A date or a number: what is from then on is judged, what is before the user had already.
    time, grade
        Columns, where the caller names them.
    """

    table: Path
    since: str | None = None
    time: str | None = None
    grade: str | None = None


class Split(NamedTuple):
    """Judgments and what users had already, by the ids of users and items; and what was counted."""

    relevance: pl.DataFrame
    seen: pl.DataFrame | None
    counts: ImportedInteractions


def split_interactions(source: Source, both: Sequence[Side], joins: Joins) -> Split:
    """Read interactions and divide them by time, if that is asked for.

    Raises
    ------
    DataError
        The columns do not say who had what or when, or nothing is left to judge.
    """
    import polars as pl

    where = str(source.table)
    given = tables.read(source.table, keys=[word for pair in joins.on for word in pair])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is left out is counted below
        named = name_by_rows(given, both, where, joins, partial=True)
    assert named is not None
    pairs = named.select("query", "item")
    if source.grade is not None or "grade" in named.columns:
        pairs = pairs.with_columns(_grades(named, source.grade or "grade", where))
    seen, rows = None, pairs.height
    if source.since is not None:
        is_before = _times(named, source, where) < 0
        if is_before.all() or not is_before.any():
            side = "before" if is_before.all() else "since"
            raise DataError(
                f"{where}: every interaction is {side} {source.since}; "
                f"{spell_option('since')} divides them into what users had already and what is "
                "judged"
            )
        seen = pairs.filter(is_before).select("query", "item").unique(maintain_order=True)
        pairs = pairs.filter(~is_before)
    elif source.time is not None:
        raise DataError(f"{spell_option('time')} belongs to {spell_option('since')}; give both")
    distinct = pairs.group_by("query", "item", maintain_order=True).agg(pl.all().max())
    relevance = distinct
    if seen is not None:
        relevance = distinct.join(seen, on=["query", "item"], how="anti", maintain_order="left")
    if not relevance.height:
        raise DataError(f"{where}: users had everything before {source.since}: nothing to judge")
    kept = distinct.height + (0 if seen is None else seen.height)
    counts = ImportedInteractions(
        file=where,
        rows=given.height,
        others=given.height - rows,
        repeats=rows - kept,
        relevance=relevance.height,
        seen=0 if seen is None else seen.height,
        had_before=distinct.height - relevance.height,
        users=relevance["query"].n_unique(),
        since=source.since,
    )
    by_ids = [name_by_ids(frame, both) for frame in (relevance, seen)]
    assert by_ids[0] is not None
    return Split(by_ids[0], by_ids[1], counts)


def _grades(named: pl.DataFrame, column: str, where: str) -> pl.Series:
    if column not in named.columns:
        raise DataError(f"{where}: no column {column!r}; it has {', '.join(named.columns[2:])}")
    if not named[column].dtype.is_numeric() or named[column].null_count():
        raise DataError(f"{where}: column {column}: a grade is a number in every row")
    return named[column].alias("grade")


def _times(named: pl.DataFrame, source: Source, where: str) -> pl.Series:
    """How long after `since` each interaction was: below 0 before it."""
    import polars as pl

    rest = named.columns[2:]
    found = [name for name in rest if plain_name(name) in _TIMES]
    name = source.time or (found[0] if len(found) == 1 else None)
    if name is None or name not in rest:
        problem = f"no column {name!r}" if name else "which column says when is not certain"
        raise DataError(
            f"{where}: {problem}; it has {', '.join(rest) or 'no other columns'}; "
            f"{spell_option('time', 'COLUMN')} takes one"
        )
    column, since = named[name], str(source.since)
    if column.dtype == pl.String:
        column = column.str.to_datetime(strict=False, time_zone="UTC")
    if column.null_count():
        raise DataError(f"{where}: column {name}: row {column.is_null().arg_max()} is no time")
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64)
        largest = numbers.to_numpy().max(initial=0.0)
        return numbers - _number(since, float(largest))
    if not column.dtype.is_temporal():
        raise DataError(f"{where}: column {name} holds {column.dtype}; times or numbers are needed")
    utc = column.cast(pl.Datetime("us", _zone(column)))
    if _zone(column):
        utc = utc.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    age: pl.Series = (utc - _moment(since).replace(tzinfo=None)).dt.total_microseconds()
    return age


def _zone(column: pl.Series) -> Any:
    return getattr(column.dtype, "time_zone", None)


def _moment(since: str) -> datetime:
    try:
        found = datetime.fromisoformat(since)
    except ValueError:
        raise DataError(
            f"{spell_option('since')} {since!r} is no date; write it as 2026-01-31 or "
            "2026-01-31T12:00, or as a number where the column holds numbers"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _number(since: str, largest: float) -> float:
    """`since` as the column counts it; a date becomes seconds, or milliseconds, since 1970."""
    try:
        return float(since)
    except ValueError:
        unit = next(unit for least, unit in _UNITS if largest >= least or not least)
        return _moment(since).timestamp() * unit
