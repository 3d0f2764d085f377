"""The queries divided by a column, such as user activity: how often each part lies in the tail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.data.columns import FEW, is_amount, role
from vbench.errors import UnknownNameError, VbenchError
from vbench.runs.run import Run
from vbench.stats.crossed import crossed_mean

NONE = "(none)"
TIMES = " × "
"""What parts the columns of a crossing, and their values."""

Members = NDArray[np.intp]
Cross = Sequence[tuple[str, str]]


class Segment(NamedTuple):
    """One segment of the queries: whether each query is in it, bool (m,)."""

    column: str
    segment: str
    inside: NDArray[np.bool_]


class SegmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often the queries of one segment lie in the tail.

    Attributes
    ----------
    share, low, high
        Of the segment's queries, over builds and queries.
    of_tail
        The part of the whole tail that lies here; None without a tail.
    lift, lift_low, lift_high
        The share over that of all queries: 2 is twice as often. None without a tail.
    """

    column: str
    segment: str
    queries: int
    share: float
    low: float
    high: float
    of_tail: float | None
    lift: float | None
    lift_low: float | None
    lift_high: float | None


S = TypeVar("S", Segment, SegmentRow)


def segment_columns(run: Run) -> list[str]:
    """Columns that divide the queries of a run, in their order."""
    return [column.name for column in run.columns.get_columns() if role(column) == "segment"]


def group_values(values: pl.Series) -> tuple[list[str], Members]:
    """Names of the segments that a column divides the queries into, and that of each query (m,).

    They are ordered by value. Every value is one, however many there are; of amounts with more than
    a dozen values the quarters are.
    """
    if is_amount(values) and values.n_unique() > FEW:
        return _quarters(values)
    words = values.cast(pl.String).fill_null(NONE)
    order = values.arg_sort(nulls_last=True)
    names = words.gather(order).unique(maintain_order=True)
    numbers = pl.DataFrame({"name": names}).with_row_index("number")
    found = words.rename("name").to_frame().join(numbers, on="name", maintain_order="left")
    return names.to_list(), found["number"].to_numpy().astype(np.intp)


def _quarters(values: pl.Series) -> tuple[list[str], Members]:
    """Amounts and times gathered into quarters, each named by its least and largest."""
    numbers = values.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
    known = ~np.isnan(numbers)
    edges = np.unique(np.quantile(numbers[known], [0.25, 0.5, 0.75], method="higher"))
    place = np.where(known, np.searchsorted(edges, numbers, side="right"), len(edges) + 1)
    parts, members = np.unique(place, return_inverse=True)
    names = []
    for part in parts:
        inside = values.filter(pl.Series(place == part))
        ends = (inside.min(), inside.max())
        is_none = bool(np.isnan(numbers[place == part][0]))
        names.append(NONE if is_none else " … ".join(map(_spelt, ends)))
    return names, members


def _spelt(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def divide(run: Run, cross: Cross = ()) -> list[Segment]:
    """Every segment of the queries of a run, and every pair of values of the columns in `cross`."""
    divided = {column: group_values(run.columns[column]) for column in segment_columns(run)}
    divided |= {TIMES.join(pair): cross_columns(run, *pair) for pair in cross}
    return [
        Segment(column, name, members == number)
        for column, (names, members) in divided.items()
        for number, name in enumerate(names)
    ]


def select_queries(run: Run, where: Sequence[str]) -> Members | None:
    """Numbers of the queries in some segments, such as ``country=SE``; None for all of them.

    Several values of one column are alternatives, of several columns all must hold.

    Raises
    ------
    VbenchError
        There is no such column, no query has such a value, or one query alone.
    """
    return select_rows(run.columns, where)


def select_rows(columns: pl.DataFrame, where: Sequence[str]) -> Members | None:
    """The same of a table of the queries' columns."""
    if not where:
        return None
    kept = np.ones(len(columns), dtype=bool)
    for column, values in read_where(where).items():
        if column not in columns.columns:
            hint = f"columns come with the dataset, or with {spell_option('segments', 'FILE')}"
            raise UnknownNameError("column of the queries", column, columns.columns, hint)
        names, members = group_values(columns[column])
        for value in values:
            if not any(is_named(name, value) for name in names):
                shown = ", ".join(names[:FEW]) + (", …" if len(names) > FEW else "")
                raise VbenchError(f"no query has {column}={value}; {column} is {shown}")
        numbers = [at for at, name in enumerate(names) if any(is_named(name, v) for v in values)]
        kept &= np.isin(members, numbers)
    found = np.flatnonzero(kept)
    if len(found) < 2:
        many = "one query alone has" if len(found) else "no query has"
        raise VbenchError(f"{many} {' and '.join(where)}; a comparison needs several queries")
    return found


def join_selections(one: Members | None, other: Members | None) -> Members | None:
    """The queries in both selections, in the order of the first; None: all queries.

    Raises
    ------
    VbenchError
        Fewer than two are.
    """
    if one is None or other is None:
        return other if one is None else one
    both = one[np.isin(one, other)]
    if len(both) < 2:
        raise VbenchError(f"{len(both)} queries are in both segments; give wider ones")
    return both


def read_where(where: Sequence[str]) -> dict[str, list[str]]:
    """The values of each column of ``country=SE`` and the like.

    Raises
    ------
    VbenchError
        It is no column with a value.
    """
    wanted: dict[str, list[str]] = {}
    for text in where:
        column, equals, value = text.partition("=")
        if not equals or not column.strip() or not value.strip():
            raise VbenchError(f"{text!r} is not column=value, such as country=SE")
        wanted.setdefault(column.strip(), []).append(value.strip())
    return wanted


def is_named(name: str, value: str) -> bool:
    """Whether a segment is called so: in any case, 1 for 1.0."""
    if name.lower() == value.lower():
        return True
    try:
        return float(name) == float(value)
    except ValueError:
        return False


def segment_rows(
    segments: Sequence[Segment],
    under: NDArray[np.bool_],
    clusters: NDArray[np.integer[Any]] | None = None,
) -> tuple[SegmentRow, ...]:
    """Share of each segment's queries in the tail, the worst first; of equal ones the larger.

    Parameters
    ----------
    under : bool (builds, m)
        Whether each query is in the tail of each build.
    clusters : integer (m,), optional
        Queries of one cluster, such as of one user, are not taken as independent.
    """
    everywhere, total = float(under.mean()), float(under.sum())
    rows = []
    for column, name, inside in segments:
        of_segment = under[:, inside]
        own = None if clusters is None else clusters[inside]
        found = crossed_mean(of_segment, cluster=own)
        rows.append(
            SegmentRow(
                column=column,
                segment=name,
                queries=of_segment.shape[1],
                share=found.value,
                low=found.low,
                high=found.high,
                of_tail=_ratio(float(of_segment.sum()), total),
                lift=_ratio(found.value, everywhere),
                lift_low=_ratio(found.low, everywhere),
                lift_high=_ratio(found.high, everywhere),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.share, -row.queries)))


def worst_of_each(ranked: Sequence[S]) -> list[S]:
    """The first dozen of each column, in their order: what a table or a chart has room for."""
    count: Counter[str] = Counter()
    kept = []
    for row in ranked:
        count[row.column] += 1
        if count[row.column] <= FEW:
            kept.append(row)
    return kept


def cross_columns(run: Run, one: str, other: str) -> tuple[list[str], Members]:
    """The pairs of values of two columns that occur, as :func:`group_values` gives segments.

    Raises
    ------
    VbenchError
        The run has no such column, both are one, or one divides nothing.
    """
    if one == other:
        raise VbenchError(f"{one} cannot be crossed with itself; give two columns")
    sides = []
    for column in (one, other):
        if column not in run.columns.columns:
            raise UnknownNameError("column of the queries", column, run.columns.columns)
        if (kind := role(run.columns[column])) not in ("segment", "cluster"):
            raise VbenchError(
                f"the column {column} divides no queries ({kind}); cross two of "
                f"{', '.join(segment_columns(run)) or 'none'}"
            )
        sides.append(group_values(run.columns[column]))
    (names, members), (others, inner) = sides
    codes, numbers = np.unique(members * len(others) + inner, return_inverse=True)
    pairs = [divmod(int(code), len(others)) for code in codes]
    return [names[at] + TIMES + others[beside] for at, beside in pairs], numbers


def _ratio(value: float, of: float) -> float | None:
    return value / of if of else None
