"""Measures of the items' side: which of those that belong into answers are ever returned.

An item belongs to a query where it stands in its exact top K. Recall asks of each query how many of
its items it gets; these ask of each item how many of its queries get it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vbench.measures.base import Better, require
from vbench.measures.hits import thresholds
from vbench.measures.of_items import OfItems
from vbench.measures.shared_items import Counts
from vbench.numbers import Unit


@dataclass(frozen=True, kw_only=True)
class ItemRecall(OfItems):
    """Mean over items of the share of their queries that get them."""

    labels: ClassVar[tuple[str, str]] = ("mean recall of items", "item recall")

    def worth(self, listed: Counts, found: Counts) -> NDArray[Any]:
        return np.asarray(found / np.maximum(listed, 1))


@dataclass(frozen=True)
class ItemRobustness(OfItems):
    """Share of the items that at least δ of their queries get."""

    unit: ClassVar[Unit] = "share"
    spellings: ClassVar[tuple[str, ...]] = (r"items? r[- ]?(?P<delta>\d*\.?\d+\s*%?)",)
    labels: ClassVar[tuple[str, str]] = ("items with recall ≥ {0.delta:g}", "items R-{0.delta}")
    delta: float = 0.5
    least: int = field(default=5, kw_only=True)

    def __post_init__(self) -> None:
        require(0 <= self.delta <= 1, self, "delta", self.delta, "a number from 0 to 1")
        super().__post_init__()

    def worth(self, listed: Counts, found: Counts) -> NDArray[Any]:
        return np.asarray(found >= thresholds(self.delta, listed))


@dataclass(frozen=True, kw_only=True)
class LostItems(OfItems):
    """Share of the items that none of their queries gets: exact search would show them."""

    unit: ClassVar[Unit] = "share"
    better: ClassVar[Better] = "lower"
    labels: ClassVar[tuple[str, str]] = ("items lost to all their queries", "lost items")

    def worth(self, listed: Counts, found: Counts) -> NDArray[Any]:
        return np.asarray(found == 0)
