"""Figures of a ranking for print: each draws one part of it into a matplotlib Axes.

>>> from matplotlib.figure import Figure
>>> from vbench.analysis.ranking import read_ranking
>>> axes = Figure().subplots()
>>> kept_by_recall(read_ranking(Path("results/…")), axes, ranker="tower")      # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vbench._plain import in_figure
from vbench.analysis.ranking import LEADING, RankingLoss
from vbench.render.figures.base import DOUBLE, SINGLE, line, percent_axis, row_label, short
from vbench.render.figures.export import Planned, draw, save
from vbench.render.palette import COLORS, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEASURES = 10
_ENDS = ("low", "high")


def losses(ranking: RankingLoss, ax: Axes, *, ranker: str) -> None:
    """Loss of the index at every setting over mean recall, with its 95 % interval."""
    rows = [each for each in ranking.settings if each.ranker == ranker]
    for index, look in looks(list(dict.fromkeys(row.index for row in rows))).items():
        own = sorted((row for row in rows if row.index == index), key=lambda row: row.recall)
        recall = [row.recall for row in own]
        lost = [row.leading.index_loss for row in own]
        line(ax, look, recall, [each.value for each in lost], short(index))
        low, high = (np.array([getattr(each, end) for each in lost], float) for end in _ENDS)
        ax.vlines(recall, low, high, color=look.color, linewidth=0.9)
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set_xlabel(f"mean recall@{ranking.k}")
    ax.set_ylabel(f"{LEADING} lost by the index ({short(ranker)})")


def kept_by_recall(ranking: RankingLoss, ax: Axes, *, ranker: str) -> None:
    """Share of the exact nDCG@10 that a query keeps over its recall, and the δ that follows."""
    choices = {
        f"{each.recall}: {_chosen(each.delta.value)}": each
        for each in ranking.delta
        if each.ranker == ranker and each.levels
    }
    for (name, choice), look in zip(choices.items(), looks(list(choices)).values(), strict=True):
        recall = [level.recall for level in choice.levels]
        kept = [level.relative for level in choice.levels]
        line(ax, look, recall, [each.value for each in kept], name)
        low, high = (np.array([getattr(each, end) for each in kept], float) for end in _ENDS)
        ax.fill_between(recall, low, high, color=look.color, alpha=0.13, linewidth=0)
        if choice.delta.value is not None:
            ax.axvline(choice.delta.value, color=look.color, linewidth=0.8, linestyle=":")
    ax.axhline(ranking.delta[0].keep, color="0.6", linewidth=0.8)
    ax.set_xlim(0, 1)
    highest = [level.relative.value or 0.0 for each in choices.values() for level in each.levels]
    ax.set_ylim(0, max([1.3, *(1.1 * each for each in highest)]))
    percent_axis(ax.yaxis)
    ax.set_xlabel("recall of a query")
    ax.set_ylabel(f"exact {LEADING} kept ({short(ranker)})")


def _chosen(delta: float | None) -> str:
    return "no δ" if delta is None else f"δ = {delta:.2f}"


def predictors(ranking: RankingLoss, ax: Axes, *, ranker: str) -> None:
    """Share of the pairs of trials that a measure of the index puts the wrong way round."""
    part = next(each for each in ranking.prediction if each.ranker == ranker)
    known = [row for row in part.measures or () if row.misordered.value is not None]
    rows = known[:_MEASURES]
    ax.barh(
        range(len(rows)),
        [row.misordered.value or 0.0 for row in rows],
        height=0.6,
        color=COLORS[0],
    )
    low, high = (np.array([getattr(row.misordered, end) for row in rows], float) for end in _ENDS)
    ax.hlines(range(len(rows)), low, high, color="0.3", linewidth=0.9)
    ax.set_yticks(range(len(rows)), [in_figure(row.measure) for row in rows])
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.grid(axis="y", visible=False)
    percent_axis(ax.xaxis)
    row_label(ax, f"of {part.pairs} pairs, misordered ({short(ranker)})")


def strength(ranking: RankingLoss, ax: Axes) -> None:
    """Share of the exact nDCG@10 lost at each level of recall, over the strength of the ranker."""
    exact = {row.ranker: row.leading.exact.value or 0.0 for row in ranking.rankers}
    levels = {
        f"recall {each.low:g} – {each.high:g}": each
        for each in ranking.levels
        if each.measure == f"Recall@{ranking.k}"
    }
    for (name, level), look in zip(levels.items(), looks(list(levels)).values(), strict=True):
        rows = sorted(level.shares, key=lambda row: exact[row.ranker])
        at = [exact[row.ranker] for row in rows]
        line(ax, look, at, [row.share.value for row in rows], name)
        low, high = (np.array([getattr(row.share, end) for row in rows], float) for end in _ENDS)
        ax.vlines(at, low, high, color=look.color, linewidth=0.9)
    ax.axhline(0, color="0.6", linewidth=0.8)
    percent_axis(ax.yaxis)
    ax.set_xlabel(f"{LEADING} of the ranker with exact candidates")
    ax.set_ylabel(f"share of {LEADING} lost by the index")


FIGURES = {"losses": losses, "kept-by-recall": kept_by_recall, "predictors": predictors}


def write_figures(ranking: RankingLoss, folder: Path) -> list[Path]:
    """Draw every figure for every ranker, as PNG and SVG; predictors where any are given.

    Of several rankers also what the same misses cost each.

    Returns
    -------
    list of Path
        ``RANKER-FIGURE.png`` and ``.svg``, and ``strength``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    if len(ranking.rankers) > 1 and ranking.levels:
        written += _write(Planned("strength", strength, {}), ranking, DOUBLE, folder)
    for place, row in enumerate(ranking.rankers):
        plain = row.ranker if row.ranker.isidentifier() else f"ranker{place + 1}"
        given = any(each.ranker == row.ranker and each.measures for each in ranking.prediction)
        for name, drawer in FIGURES.items():
            if drawer is predictors and not given:
                continue
            planned = Planned(f"{plain}-{name}", drawer, {"ranker": row.ranker})
            written += _write(planned, ranking, DOUBLE if drawer is predictors else SINGLE, folder)
    return written


def _write(
    planned: Planned, ranking: RankingLoss, size: tuple[float, float], folder: Path
) -> list[Path]:
    drawn = draw(planned, ranking, size)
    paths = [folder / f"{planned.name}.{kind}" for kind in ("png", "svg")]
    for path in paths:
        save(drawn, path, path.suffix[1:])
    return paths
