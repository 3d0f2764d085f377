"""What several builds answered, by the measures that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.measures.answers import Answers
from vbench.measures.base import Measure
from vbench.measures.sample import Sample

Values = dict[str, Interval]
"""By the name of a measure."""
Clusters = NDArray[np.integer[Any]] | None


class Counting(NamedTuple):
    """The measures of what some builds answered, and who is under δ, the second of them."""

    measures: tuple[Measure, ...]
    delta: float
    clusters: Clusters

    def values(self, answers: Sequence[Answers]) -> Values:
        """Every measure of what some builds answered."""
        sample = Sample(answers, clusters=self.clusters)
        found = {str(each): sample.estimate(each) for each in self.measures}
        return {name: Interval(each.value, each.low, each.high) for name, each in found.items()}

    def under(self, answers: Answers) -> NDArray[np.bool_]:
        """Queries under δ."""
        return np.asarray(self.measures[1].per_query(answers) == 0)
