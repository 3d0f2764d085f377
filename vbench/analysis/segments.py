"""The queries divided by a column, such as user activity: how often each part lies in the tail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.data.columns import FEW, is_amount, role
from vbench.errors import UnknownNameError, VbenchError
from vbench.runs.run import Run
from vbench.stats.crossed import crossed_mean

NONE = "(none)"
TIMES = " × "
"""What parts the columns of a crossing, and their values."""

Row = TypeVar("Row")
Members = NDArray[np.intp]
Cross = Sequence[tuple[str, str]]


def segment_columns(run: Run) -> list[str]:
    """Columns that divide the queries of a run, in their order."""
    return [column.name for column in run.columns.get_columns() if role(column) == "segment"]


def grouped(values: pl.Series) -> tuple[list[str], Members]:
    """The segments that a column divides the queries into, ordered by value.

    Every value is one, however many there are; of amounts with more than a dozen values the
    quarters are.

    Returns
    -------
    names, members
        Names of the segments, and the number of the segment of each query (m,).
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


def segment_rows(
    run: Run,
    under: NDArray[np.bool_],
    level: float = 0.95,
    clusters: NDArray[np.integer[Any]] | None = None,
    cross: Cross = (),
) -> list[dict[str, Any]]:
    """Share of each segment's queries in the tail, the worst first.

    Parameters
    ----------
    under : bool (builds, m)
        Whether each query is in the tail of each build.
    clusters : integer (m,), optional
        Queries of one cluster, such as of one user, are not taken as independent.
    cross
        Pairs of columns whose values are crossed, beside every column by itself.

    Returns
    -------
    list of dict
        `share`, `low`, `high`: of the segment's queries, over builds and queries; `of_tail`: the
        part of the whole tail that lies here; `lift`, `lift_low`, `lift_high`: the share over
        that of all queries, 2 being twice as often. They fall by lift; of equal ones the larger
        comes first.
    """
    everywhere = float(under.mean())
    divided = {column: grouped(run.columns[column]) for column in segment_columns(run)}
    divided |= {TIMES.join(pair): crossed(run, *pair) for pair in cross}
    rows: list[dict[str, Any]] = []
    for column, (names, members) in divided.items():
        for number, name in enumerate(names):
            inside = members == number
            own = None if clusters is None else clusters[inside]
            found = crossed_mean(under[:, inside], level, own)
            shares = {"share": found.value, "low": found.low, "high": found.high}
            lifts = dict(zip(("lift", "lift_low", "lift_high"), shares.values(), strict=True))
            rows.append(
                {
                    "column": column,
                    "segment": name,
                    "queries": int(inside.sum()),
                    **shares,
                    "of_tail": _ratio(float(under[:, inside].sum()), float(under.sum())),
                    **{name: _ratio(value, everywhere) for name, value in lifts.items()},
                }
            )
    return sorted(rows, key=lambda row: (-row["share"], -row["queries"]))


def worst_of_each(ranked: Sequence[Row], column_of: Callable[[Row], str]) -> list[Row]:
    """The first dozen of each column, in their order: what a table or a chart has room for."""
    count: Counter[str] = Counter()
    kept = []
    for row in ranked:
        column = column_of(row)
        count[column] += 1
        if count[column] <= FEW:
            kept.append(row)
    return kept


def crossed(run: Run, one: str, other: str) -> tuple[list[str], Members]:
    """The pairs of values of two columns that occur, as :func:`grouped` gives segments.

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
        sides.append(grouped(run.columns[column]))
    (names, members), (others, inner) = sides
    codes, numbers = np.unique(members * len(others) + inner, return_inverse=True)
    pairs = [divmod(int(code), len(others)) for code in codes]
    return [names[at] + TIMES + others[beside] for at, beside in pairs], numbers


def _ratio(value: float, of: float) -> float | None:
    return value / of if of else None
