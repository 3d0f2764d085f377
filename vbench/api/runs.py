"""A run with all that can be asked of it.

Nothing heavy is imported before a function is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vbench._arguments import check_arguments
from vbench.api import analyses
from vbench.runs.run import Run as _Run

if TYPE_CHECKING:
    from vbench.analysis.combine import Combination
    from vbench.analysis.comparison import Comparison
    from vbench.analysis.ranking import RankingLoss
    from vbench.analysis.summary import Summary
    from vbench.analysis.tail import TailReport
    from vbench.api.given import AnyMeasure, AnyRun
    from vbench.runs.schema import Level
    from vbench.runs.settings import Setting


class Run(_Run):
    """A run folder, read lazily: only what is asked for is loaded, and checked when it is.

    From :func:`vbench.run`, or of an earlier one by :func:`vbench.open`.
    """

    @check_arguments
    def summary(
        self, measures: AnyMeasure | Sequence[AnyMeasure] = (), cluster: str | None = None
    ) -> Summary:
        """Every setting with the usual measures, and those that are given."""
        from vbench.analysis.summary import summarize
        from vbench.measures.grammar import as_measures

        return summarize(self, as_measures(measures), cluster)

    def compare(self, *others: AnyRun, **options: Any) -> Comparison:
        """Compare the indexes of this run, or others with it: :func:`vbench.compare`."""
        return analyses.compare([self, *others], **options)

    def tail(self, **options: Any) -> TailReport:
        """Explain the queries that are served badly: :func:`vbench.tail`."""
        return analyses.tail(self, **options)

    def combine(self, **options: Any) -> Combination:
        """Combine its indexes from their stored answers: :func:`vbench.combine`."""
        return analyses.combine(self, **options)

    def rank(self, rankers: Any = (), k: int | None = None, **options: Any) -> RankingLoss:
        """What misses cost the ranking stage: :func:`vbench.rank`."""
        return analyses.rank(self, rankers, k, **options)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the run as one self-contained HTML page: :func:`vbench.report`."""
        return analyses.report(self, path)

    def settings(self, *, steps: bool = False, loads: bool = False) -> Settings:
        return Settings(super().settings(steps=steps, loads=loads))

    @property
    def levels(self) -> list[Level]:
        """How each index was brought to a mean recall, where that was asked for."""
        return self.manifest.levels

    def _repr_html_(self) -> str:
        from vbench._document import html_table

        facts, found = self.manifest.dataset, self.settings()
        rows = [
            (each.index, spelt, each.k, len(each.trials), each.recall)
            for each in found
            if (spelt := each.parameters) is not None
        ]
        return html_table(
            f"Run {self.path}: {self.completion}",
            ("index", "parameters", "K", "builds", "mean recall"),
            rows,
            f"{facts.name}: {facts.n:,} base vectors × {facts.d}, {facts.m:,} queries, "
            f"{facts.metric}",
        )


class Settings(list["Setting"]):
    """The settings of a run, in the order of its plan."""

    def _repr_html_(self) -> str:
        from vbench._document import html_table

        rows = [(each.index, each.parameters, each.k, len(each.trials)) for each in self]
        return html_table(f"{len(self)} settings", ("index", "parameters", "K", "builds"), rows)


@check_arguments
def open(path: str | Path) -> Run:  # noqa: A001 (read as vbench.open)
    """Open a run folder.

    Raises
    ------
    VbenchError
        There is no run, or a damaged one.
    """
    return Run(path)
