"""What became of results of another tool: the document that `vbench import` writes."""

from __future__ import annotations

import msgspec

from vbench._document import Document, Params
from vbench.analysis.summary import Summary


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """A result of which only means are known: no query's own recall, so no robustness.

    `recall` is the tool's own; times in seconds.
    """

    file: str
    index: str
    dataset: str
    parameters: Params
    k: int | None = None
    recall: float | None = None
    qps: float | None = None
    p95: float | None = None
    p99: float | None = None
    build_seconds: float | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A result that was not taken, and why."""

    file: str
    reason: str


class Imported(Document, frozen=True, kw_only=True, tag="vbench.import/1"):
    """The run that was made of results, if any; results of which only means are known; the rest.

    `unanswered` counts queries without an answer, over all results.
    """

    summary: Summary | None
    unanswered: int
    means: list[Means]
    left_out: list[LeftOut]
