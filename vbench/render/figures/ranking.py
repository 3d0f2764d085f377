"""Figures of a ranking for print: each draws one part of the document into a matplotlib Axes.

>>> from matplotlib.figure import Figure
>>> from vbench.ranking.document import read_document
>>> axes = Figure().subplots()
>>> kept_by_recall(read_document(Path("results/…")), axes, "tower")            # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vbench._plain import in_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Document = Mapping[str, Any]
_MEASURES = 10


def losses(document: Document, ax: Axes, ranker: str) -> None:
    """Loss of the index at every setting over mean recall, with its 95 % interval."""
    rows = [each for each in document["settings"] if each["ranker"] == ranker]
    for index in dict.fromkeys(row["index"] for row in rows):
        own = sorted((row for row in rows if row["index"] == index), key=lambda row: row["recall"])
        lost = [row["measures"]["nDCG@10"]["index_loss"] for row in own]
        value = np.array([each["value"] for each in lost])
        ends = np.array([[each["low"], each["high"]] for each in lost], dtype=float).T
        ax.errorbar(
            [row["recall"] for row in own],
            value,
            np.abs(ends - value),
            marker="o",
            markersize=4,
            capsize=2,
            label=in_figure(index),
        )
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set_xlabel(f"mean recall@{document['k']}")
    ax.set_ylabel(f"nDCG@10 lost by the index ({in_figure(ranker)})")
    ax.legend(frameon=False)


def kept_by_recall(document: Document, ax: Axes, ranker: str) -> None:
    """Share of the exact nDCG@10 that a query keeps over its recall, and the δ that follows."""
    choices = [each for each in document["delta"] if each["ranker"] == ranker and each["levels"]]
    for choice in choices:
        levels = choice["levels"]
        recall = [level["recall"] for level in levels]
        (line,) = ax.plot(
            recall,
            [level["relative"] for level in levels],
            marker="o",
            markersize=4,
            label=f"{choice['recall']}: δ = {choice['delta']:.2f}",
        )
        low, high = (
            np.array([level[end] for level in levels], dtype=float) for end in ("low", "high")
        )
        ax.fill_between(recall, low, high, color=line.get_color(), alpha=0.13, linewidth=0)
        ax.axvline(choice["delta"], color=line.get_color(), linewidth=0.8, linestyle=":")
    ax.axhline(document["delta"][0]["keep"], color="0.6", linewidth=0.8)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.3)
    ax.set_xlabel("recall of a query")
    ax.set_ylabel(f"share of the exact nDCG@10 kept ({in_figure(ranker)})")
    if choices:
        ax.legend(frameon=False, loc="lower right")


def predictors(document: Document, ax: Axes, ranker: str) -> None:
    """Share of the pairs of trials that a measure of the index puts the wrong way round."""
    part = next(each for each in document["prediction"] if each["ranker"] == ranker)
    rows = [row for row in part["measures"] if row["misordered"] is not None][:_MEASURES]
    value = np.array([row["misordered"] for row in rows], dtype=float)
    place = np.arange(len(rows))[::-1]
    ax.barh(place, value, height=0.6)
    for at, row in zip(place, rows, strict=True):
        if row["misordered_low"] is not None:
            ax.plot(
                [row["misordered_low"], row["misordered_high"]], [at, at], color="0.3", linewidth=1
            )
    ax.set_yticks(place, [row["measure"] for row in rows])
    ax.set_xlim(0, 1)
    ax.set_xlabel(f"of {part['pairs']} pairs, misordered ({in_figure(ranker)})")


FIGURES: Mapping[str, Callable[[Document, Axes, str], None]] = {
    "losses": losses,
    "kept-by-recall": kept_by_recall,
    "predictors": predictors,
}


def write_figures(document: Document, folder: Path) -> list[Path]:
    """Draw every figure for every ranker, as PNG and SVG.

    Returns
    -------
    list of Path
        ``RANKER-FIGURE.png`` and ``.svg``.
    """
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for place, row in enumerate(document["rankers"]):
        for name, draw in FIGURES.items():
            figure = Figure(figsize=(6.0, 3.6), layout="constrained")
            draw(document, figure.subplots(), row["ranker"])
            plain = row["ranker"] if row["ranker"].isidentifier() else f"ranker{place + 1}"
            for suffix in ("png", "svg"):
                path = folder / f"{plain}-{name}.{suffix}"
                figure.savefig(path, dpi=200)
                written.append(path)
    return written
