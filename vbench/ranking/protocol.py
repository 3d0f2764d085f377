"""The ranker protocol: what a ranking stage must do to be put behind an index."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset

if TYPE_CHECKING:
    from vbench.towers.interactions import Interactions

Rows = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Material:
    """What a ranker may learn from. Judgments are not among it.

    Attributes
    ----------
    dataset : Dataset
    exposed : integer (m, k), −1 pads
        Exact candidates of every query: what retrieval puts before the ranker.
    interactions : callable
        Gives the training interactions with their features, or raises a VbenchError that says
        why there are none.
    source : str
        Says which interactions those are: what is learned from others has another `source`.
    seed : int
    """

    dataset: Dataset
    exposed: Rows
    interactions: Callable[[], Interactions]
    source: str
    seed: int


class Ranker:
    """One ranking stage. ``score`` is enough; the rest has defaults.

    Row numbers of queries and items are those of the dataset.
    """

    pairs_a_call: ClassVar[int | None] = None
    """At most so many pairs in one call of ``score``, where one call is cheap or memory short;
    None leaves it to vbench."""

    def fit(self, material: Material) -> None:
        """Learn, or read what scoring needs. Called once, before ``score``."""

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        """Scores of candidates, higher is better: finite floats (b, w).

        Called several times, each with some of the queries. A score may depend on its query and
        its item only, not on the other candidates.

        Parameters
        ----------
        queries : int64 (b,)
        candidates : int64 (b, w)
            Always items that exist: a query with fewer than w candidates repeats one.
        """
        raise NotImplementedError

    def warnings(self) -> list[str]:
        """What a reader of the results must know, one sentence each; asked for after scoring."""
        return []
