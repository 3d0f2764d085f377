"""How the hardness of the queries goes with the recall and the tail of a setting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.stats.association import spearman, tail_auc

if TYPE_CHECKING:
    import polars as pl

LABELS = {
    "lid": "LID, 100 neighbors: local intrinsic dimension",
    "lid_10": "LID, 10 neighbors: local intrinsic dimension",
    "relative_contrast": "relative contrast: mean distance / distance of the K-th",
    "expansion": "expansion: distance of the 2K-th / of the K-th",
    "epsilon_hardness": "ε-hardness: vectors within 1.05 × distance of the K-th",
    "k_occurrence": "k-occurrence: hubness of the true neighbors",
    "mahalanobis": "Mahalanobis: distance to the base",
    "norm": "norm: of the query",
    "margin": "margin: between the K-th and the next",
    "escape_hardness": "escape hardness: true neighbors that its graph does not connect nearby",
    "in_degree": "in-degree: links to the true neighbors in its graph",
}
"""What each measure is: its name for heads and lists, then in words."""
_TENTHS = 10


class Association(msgspec.Struct, frozen=True, kw_only=True):
    """How one measure of hardness goes with recall, and how well it tells the tail.

    Attributes
    ----------
    spearman, spearman_low, spearman_high
        Rank correlation with recall, averaged over builds; None where either is constant.
    auc, auc_low, auc_high
        Chance that a query of the tail has the larger value; None without a tail.
    """

    measure: str
    spearman: float | None
    spearman_low: float | None
    spearman_high: float | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None

    @property
    def strength(self) -> float:
        """How far the AUC is from telling nothing."""
        return 0.0 if self.auc is None else abs(self.auc - 0.5)


def associations(
    hardness: pl.DataFrame | None, recall: NDArray[np.float64], tailed: NDArray[np.bool_]
) -> tuple[Association, ...]:
    """One for each measure of hardness, the best at telling the tail first.

    Parameters
    ----------
    hardness
        A column for each measure, m rows.
    recall, tailed
        Recall of each query averaged over builds, and whether it is in the tail, (m,).
    """
    if hardness is None:
        return ()
    table = hardness.to_numpy().astype(np.float64)
    rho, auc = spearman(table, recall), tail_auc(table, tailed)
    found = [
        Association(
            measure=name,
            spearman=_known(rho.value[place]),
            spearman_low=_known(rho.low[place]),
            spearman_high=_known(rho.high[place]),
            auc=_known(auc.value[place]),
            auc_low=_known(auc.low[place]),
            auc_high=_known(auc.high[place]),
        )
        for place, name in enumerate(hardness.columns)
    ]
    return tuple(sorted(found, key=lambda each: -each.strength))


def most_telling(rows: Sequence[Sequence[Association]]) -> tuple[str, ...]:
    """The measures of hardness, the best at telling the tail first, averaged over settings."""
    strengths: dict[str, float] = {}
    for each in (each for row in rows for each in row):
        strengths[each.measure] = strengths.get(each.measure, 0.0) + each.strength
    return tuple(sorted(strengths, key=lambda name: -strengths[name]))


class Tenth(NamedTuple):
    """A tenth of the queries by hardness: its least and greatest value, and its queries."""

    number: int
    least: float
    greatest: float
    rows: NDArray[np.intp]


def tenths(values: NDArray[np.float64]) -> list[Tenth]:
    """The queries ordered by `values` (m,) and cut into ten equal parts; unknown ones left out."""
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    return [
        Tenth(number, float(values[rows[0]]), float(values[rows[-1]]), rows)
        for number, rows in enumerate(np.array_split(order, _TENTHS), start=1)
        if len(rows)
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
