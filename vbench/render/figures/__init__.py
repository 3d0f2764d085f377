"""Figures for print: each a function that draws one chart of a run into a matplotlib Axes.

>>> import vbench
>>> from matplotlib.figure import Figure
>>> from vbench.render import figures
>>> axes = Figure(figsize=figures.SINGLE).subplots()
>>> figures.curves(vbench.open("results/…"), axes)                             # doctest: +SKIP

A run may hold several K: `k` says which, by default the smallest. What is compared at equal mean
recall is compared at the level that the page opens with, or at `level`.
"""

from vbench.render.figures.ageing import by_age, find_aged
from vbench.render.figures.base import DOUBLE, SINGLE, Runs, short
from vbench.render.figures.combine import find_pairs, gain_curve
from vbench.render.figures.evenness import (
    build_spread,
    curves,
    recall_distribution,
    robustness_against_recall,
)
from vbench.render.figures.filters import under_filters
from vbench.render.figures.load import find_loads, under_load
from vbench.render.figures.price import find_swept, parameter_effect, three_way, trade_off
from vbench.render.figures.tail import (
    effort,
    fitting_items,
    fitting_segments,
    hardness,
    lost_items,
    segment_height,
    tail_by_segment,
)

__all__ = [
    "DOUBLE",
    "SINGLE",
    "Runs",
    "build_spread",
    "by_age",
    "curves",
    "effort",
    "find_aged",
    "find_loads",
    "find_pairs",
    "find_swept",
    "fitting_items",
    "fitting_segments",
    "gain_curve",
    "hardness",
    "lost_items",
    "parameter_effect",
    "recall_distribution",
    "robustness_against_recall",
    "segment_height",
    "short",
    "tail_by_segment",
    "three_way",
    "trade_off",
    "under_filters",
    "under_load",
]
