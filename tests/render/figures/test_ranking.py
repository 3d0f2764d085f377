"""Figures of a ranking: what each draws, in the style of all figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from render.stored import store_ranking

from vbench.analysis.ranking import RankingLoss, read_ranking
from vbench.render.figures import ranking as figures
from vbench.render.palette import COLORS


@pytest.fixture
def ranking(tmp_path: Path) -> RankingLoss:
    """Two rankers over two settings."""
    store_ranking(tmp_path)
    return read_ranking(tmp_path)


def test_losses_have_one_line_for_each_index_in_its_color(ranking: RankingLoss) -> None:
    """A point for each setting, with its interval."""
    ax = Figure().subplots()
    figures.losses(ranking, ax, ranker="tower")
    lines = [line for line in ax.lines if line.get_marker() not in ("", "None")]
    assert [line.get_label() for line in lines] == ["hnsw", "ivf-flat"]
    assert [line.get_color() for line in lines] == list(COLORS[:2])
    assert [line.get_ydata()[0] for line in lines] == [0.01, 0.01]
    ends = [collection.get_segments()[0][:, 1] for collection in ax.collections]
    np.testing.assert_allclose(ends, [[0.0, 0.02]] * 2)


def test_quality_kept_is_drawn_where_a_delta_is_known(ranking: RankingLoss) -> None:
    """The name of the line says δ; without one there is no line."""
    ax = Figure().subplots()
    figures.kept_by_recall(ranking, ax, ranker="tower")
    assert ax.get_legend_handles_labels()[1] == ["Recall@100: δ = 0.50"]
    ax = Figure().subplots()
    figures.kept_by_recall(ranking, ax, ranker="<cross>")
    assert ax.get_legend_handles_labels()[1] == []


def test_predictors_are_bars_in_order(ranking: RankingLoss) -> None:
    """Measures without pairs are left out; the best stands on top."""
    ax = Figure().subplots()
    figures.predictors(ranking, ax, ranker="tower")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Recall@100"]
    assert [bar.get_width() for bar in ax.patches] == [0.1]


def test_every_figure_is_written_for_every_ranker(ranking: RankingLoss, tmp_path: Path) -> None:
    """As PNG and SVG; a ranker whose name is no file name has a number."""
    written = figures.write_figures(ranking, tmp_path / "figures")
    names = {path.name for path in written}
    assert {"tower-losses.png", "ranker2-predictors.svg"} <= names
    assert len(names) == 2 * 3 * 2
    assert all(path.stat().st_size > 1000 for path in written)
