"""Figures of a ranking: what each draws, in the style of all figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from msgspec import structs
from render.stored import store_ranking

from vbench._document import Interval
from vbench.analysis.ranking import Kept, RankingLoss, read_ranking
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


def test_quality_kept_is_drawn_with_its_delta(ranking: RankingLoss) -> None:
    """The name of the line says δ, or that there is none; nothing is drawn above the axis."""
    ax = Figure().subplots()
    figures.kept_by_recall(ranking, ax, ranker="tower")
    assert ax.get_legend_handles_labels()[1] == ["Recall@100: δ = 0.50"]
    assert len(ax.lines) == 3
    (_, none) = ranking.delta
    levels = [Kept(recall=0.5, cells=9, queries=9, relative=Interval(2.0, 1.0, 3.0))]
    ranking = structs.replace(ranking, delta=[structs.replace(none, levels=levels)])
    ax = Figure().subplots()
    figures.kept_by_recall(ranking, ax, ranker="<cross>")
    assert ax.get_legend_handles_labels()[1] == ["Recall@100: no δ"]
    assert len(ax.lines) == 2
    assert ax.get_ylim()[1] == pytest.approx(2.2)


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
    assert len(names) == 2 * 3 * 2 + 2
    assert all(path.stat().st_size > 1000 for path in written)


def test_predictors_that_are_not_given_are_not_drawn(ranking: RankingLoss, tmp_path: Path) -> None:
    """The other figures of that ranker are."""
    first, second = ranking.prediction
    refused = [structs.replace(first, measures=None, note="worse search ranks better"), second]
    written = figures.write_figures(structs.replace(ranking, prediction=refused), tmp_path / "made")
    names = {path.name for path in written}
    assert "tower-predictors.png" not in names
    assert {"tower-losses.png", "ranker2-predictors.png"} <= names


def test_strength_has_one_line_for_each_level_of_recall(ranking: RankingLoss) -> None:
    """A point for each ranker at its nDCG@10, with its interval; a file beside the others."""
    ax = Figure().subplots()
    figures.strength(ranking, ax)
    lines = [line for line in ax.lines if line.get_marker() not in ("", "None")]
    assert [line.get_label() for line in lines] == ["recall 0.9 – 1"]
    assert lines[0].get_xdata().tolist() == [0.3, 0.3]
    assert lines[0].get_ydata().tolist() == [0.03, 0.03]
