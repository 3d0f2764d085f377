"""What other tools leave, in one form: answers of one index at one setting, or means alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vbench._document import Params
from vbench.errors import VbenchError
from vbench.measures.hits import Rule
from vbench.metric import FloatArray

Tool = Literal[
    "ann-benchmarks",
    "VIBE",
    "big-ann-benchmarks",
    "vector-db-benchmark",
    "VectorDBBench",
    "a table of answers",
]
"""Who measured; a table has those of any system."""


class ResultError(VbenchError):
    """A file, or a result in it, that cannot be taken; the others can."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """What a result says of each query.

    Attributes
    ----------
    ids : int64 (m, k) or None
        Rows of the base, -1 pads.
    hits : int32 (m,) or None
        As the tool counted them, where it kept no ids.
    seconds : float64 (m,) or None
        Of the one call for each query.
    distances : float64 (m, k) or None
        As the tool computed them, inf beside pads.
    unanswered : bool (m,) or None
        Queries of which nothing was left.
    """

    ids: NDArray[np.int64] | None = None
    hits: NDArray[np.int32] | None = None
    seconds: FloatArray | None = None
    distances: FloatArray | None = None
    unanswered: NDArray[np.bool_] | None = None

    @property
    def m(self) -> int:
        """Number of queries."""
        known = self.ids if self.ids is not None else self.hits
        assert known is not None
        return len(known)


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """Answers of one index at one setting.

    Attributes
    ----------
    part
        What it is called within its file; "" where it is all of it.
    algorithm
        Name of the index.
    parameters
        As far as their names are known.
    label
        What else tells it from other results of its build.
    build
        Equal for results of one build, and for no others.
    dataset, metric
        As the tool calls them; "" where it does not say.
    rule
        What the tool counted as a hit, where `hits` are its own.
    read
        Reads the arrays.
    passes
        How often all queries were asked; what is here is of the last time.
    """

    tool: Tool
    file: Path
    algorithm: str
    parameters: Params
    build: tuple[Any, ...]
    k: int
    read: Callable[[], Arrays]
    part: str = ""
    label: str = ""
    dataset: str = ""
    metric: str = ""
    rule: Rule = "exact-tie"
    is_named: bool = False
    passes: int | None = None
    build_seconds: float | None = None
    index_bytes: int | None = None
    batch_seconds: float | None = None
    work: float | None = None

    @property
    def where(self) -> str:
        """The result in messages."""
        return f"{self.file}: {self.part}" if self.part else str(self.file)
