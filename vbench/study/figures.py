"""The functions that a study may draw with: those of the report, and measures side by side."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vbench.analysis.gather import gather
from vbench.analysis.matched import nearest
from vbench.measures.grammar import parse
from vbench.measures.sample import Sample
from vbench.render import figures
from vbench.render.palette import looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEASURES = {
    "recall": "Recall@{k}",
    "MAP": "MAP@{k}",
    "nDCG": "nDCG@{k}",
    "MRR": "MRR@{k}",
    "median": "Percentile(p=50)@{k}",
    "p5": "Percentile(p=5)@{k}",
    "p1": "Percentile(p=1)@{k}",
    "worst 5 %": "CVaR(alpha=0.05)@{k}",
    "R-0.1": "Robustness(delta=0.1)@{k}",
    "R-0.5": "Robustness(delta=0.5)@{k}",
    "R-0.9": "Robustness(delta=0.9)@{k}",
}


def drawers() -> Mapping[str, Callable[..., None]]:
    """Every function that draws a chart of runs into an Axes, by name."""
    found = {
        name: function
        for name, function in vars(figures).items()
        if inspect.isfunction(function)
        and not name.startswith("_")
        and list(inspect.signature(function).parameters)[:2] == ["run", "ax"]
    }
    return {**found, "measures": measures}


def measures(run: figures.Runs, ax: Axes, *, k: int | None = None, level: float = 0.9) -> None:
    """What each measure says of indexes at one mean recall: those that tell them apart spread."""
    report = gather(run)
    panel = report.panel(k)
    look = looks(report.indexes)
    for place, (index, shown) in enumerate(nearest(panel, level).items()):
        sample = Sample([shown.run.answers(trial) for trial in shown.trials])
        values = [
            sample.estimate(parse(spelling.format(k=panel.k))).value
            for spelling in _MEASURES.values()
        ]
        ax.plot(
            [number + 0.08 * place for number in range(len(values))],
            [value if value is not None else float("nan") for value in values],
            ls="none",
            marker=look[index].marker.matplotlib,
            color=look[index].color,
            label=figures.short(str(shown)),
        )
    ax.set_xticks(range(len(_MEASURES)), list(_MEASURES), rotation=45)
    ax.set_ylim(-0.02, 1.02)
    ax.grid(axis="x", visible=False)
    ax.set_ylabel(f"value at K={panel.k}")
