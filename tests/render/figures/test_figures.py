"""Tests of the figures: golden images with tolerance, sizes, and what cannot be drawn.

A golden image is renewed by deleting it: the next call of the tests draws it again, and fails once
so that nobody does it unseen.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.style
import pytest
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from render.made_run import ODD_NAMES, make_run
from run_folder import answered

from vbench._paths import resource_dir
from vbench.analysis.gather import Report, gather
from vbench.errors import VbenchError
from vbench.render import figures
from vbench.render.figures import export
from vbench.render.figures.export import plan_figures
from vbench.runs.run import Run
from vbench.runs.schema import View

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 12
"""Root of the mean square difference of gray values: another release of matplotlib or FreeType
moves letters by a pixel, a wrong chart differs by far more."""
NAMES = (
    "recall-distribution",
    "robustness-curves",
    "robustness-against-recall",
    "throughput-against-recall",
    "throughput-against-robustness",
    "three-way",
    "parameter-effect-1",
    "parameter-effect-2",
    "tail-by-segment",
    "lost-items",
    "hardness",
    "effort",
    "build-spread",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("run"), settings=5, m=500, hardness=True)


@pytest.fixture(scope="module")
def report(run: Run) -> Report:
    return gather(run)


@pytest.mark.parametrize("name", NAMES)
def test_figures_look_as_they_did(report: Report, name: str, tmp_path: Path) -> None:
    """Each figure is what somebody has looked at."""
    (figure,) = (each for each in plan_figures(report.panels[0]) if each.name == name)
    drawn = export.draw(figure, report, figures.SINGLE)
    path = tmp_path / f"{name}.png"
    with matplotlib.style.context(resource_dir("reports") / "figures.mplstyle"):
        drawn.savefig(path, dpi=70)
    golden = GOLDEN / f"{name}.png"
    if not golden.exists():
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(path.read_bytes())
        pytest.fail(f"drew {golden} anew: look at it, and keep it if it is right")
    assert compare_images(str(golden), str(path), TOLERANCE) is None


def test_the_set_holds_every_figure(report: Report) -> None:
    """Nothing is planned that no golden image covers."""
    assert [each.name for each in plan_figures(report.panels[0])] == list(NAMES)


def test_files_have_both_sizes_and_300_dpi(run: Run, tmp_path: Path) -> None:
    """Single column 3.4 inches wide, double 7."""
    from PIL import Image

    written = export.write(run, tmp_path)
    assert len(written) == 2 * len(NAMES)
    for path in written:
        with Image.open(path) as image:
            assert image.width == (2100 if path.stem.endswith("-wide") else 1020)
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_vectors_are_repeatable(tmp_path: Path) -> None:
    """The same run gives the same SVG and PDF, byte by byte."""
    report = gather(make_run(tmp_path, m=40, settings=1, builds=1))
    for kind in ("svg", "pdf"):
        written = []
        for _ in range(2):
            drawn = export.draw(next(plan_figures(report.panels[0])), report, figures.SINGLE)
            export.save(drawn, tmp_path / f"figure.{kind}", kind)
            written.append((tmp_path / f"figure.{kind}").read_bytes())
        assert written[0] == written[1]


def test_what_the_run_lacks_is_not_planned(tmp_path: Path) -> None:
    """No latency, no throughput; no segments, no tail by segment; one build, no spread."""
    run = make_run(tmp_path, m=40, settings=1, segments=False, builds=1, latency=False)
    names = [each.name for each in plan_figures(gather(run).panels[0])]
    assert names == [
        "recall-distribution",
        "robustness-curves",
        "robustness-against-recall",
        "lost-items",
    ]


def test_odd_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    """Signs of markup and of mathematics, and letters that the font has not, break nothing."""
    names = (*ODD_NAMES, "$x_1$ and $\\frac{", "100 %")
    report = gather(make_run(tmp_path / "run", m=40, names=names, settings=1, builds=2))
    for figure in plan_figures(report.panels[0]):
        drawn = export.draw(figure, report, figures.SINGLE)
        export.save(drawn, tmp_path / "figure.png", "png")


def test_thirty_indexes_fit(tmp_path: Path) -> None:
    """The legend and the rows make the figure higher instead of covering it."""
    names = [f"index {number}" for number in range(30)]
    report = gather(make_run(tmp_path, m=40, names=names, settings=1, builds=2))
    for figure in plan_figures(report.panels[0]):
        drawn = export.draw(figure, report, figures.SINGLE)
        axes = drawn.axes[0]
        drawn.canvas.draw()
        assert axes.get_window_extent().height > 80, figure.name


def test_no_word_is_cut_at_the_edge(tmp_path: Path) -> None:
    """Names as long as a figure shows leave room for the labels of its axes."""
    names = [f"{number} an index with a name of many letters" for number in range(3)]
    report = gather(make_run(tmp_path, m=60, names=names, settings=2, builds=2, hardness=True))
    for figure in plan_figures(report.panels[0]):
        drawn = export.draw(figure, report, figures.SINGLE)
        drawn.draw_without_rendering()
        for axis in (drawn.axes[0].xaxis, drawn.axes[0].yaxis):
            if axis.get_label_text():
                box = axis.label.get_window_extent()
                assert 0 <= box.x0 <= box.x1 <= drawn.bbox.width, figure.name
                assert 0 <= box.y0 <= box.y1 <= drawn.bbox.height, figure.name


def test_equal_recall_does_not_look_apart(tmp_path: Path) -> None:
    """An axis of shares spans two percent at least, however near its marks are."""
    run = make_run(tmp_path, m=400, names=("only",), settings=1)
    for draw in (figures.robustness_against_recall, figures.trade_off):
        axes = Figure().subplots()
        draw(run, axes)
        low, high = axes.get_xlim()
        assert high - low >= 0.02 - 1e-12


def test_the_floor_is_held_by_some(run: Run) -> None:
    """Without a floor of the caller's own, about half of the settings hold it."""
    axes = Figure().subplots()
    figures.three_way(run, axes)
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    filled = [len(line.get_xdata()) for line in marks if line.get_markerfacecolor() != "none"]
    hollow = [len(line.get_xdata()) for line in marks if line.get_markerfacecolor() == "none"]
    assert sum(filled) > 0
    assert sum(hollow) > 0


def test_a_function_draws_into_the_axes_it_is_given(run: Run) -> None:
    """A run and an Axes are enough."""
    axes = Figure(figsize=figures.SINGLE).subplots()
    figures.curves(run, axes)
    assert len(axes.lines) == 2
    figures.parameter_effect(run, axes, index="ivf-flat", deltas=(0.5,))
    assert axes.get_xlabel() == "ef of ivf-flat"


def test_an_index_is_found_without_the_space_that_it_searches(tmp_path: Path) -> None:
    """A study names one index for datasets of which some are normalized."""
    run = make_run(tmp_path, m=40, names=("hnsw", "ivf-flat (normalize)"))
    axes = Figure().subplots()
    figures.parameter_effect(run, axes, index="ivf-flat")
    assert axes.get_xlabel() == "ef of ivf-flat (normalize)"


def test_what_cannot_be_drawn_says_why(tmp_path: Path) -> None:
    """Each figure names what the run lacks."""
    run = make_run(tmp_path, m=40, settings=1, segments=False, latency=False)
    axes = Figure().subplots()
    for draw, reason in (
        (figures.trade_off, "no setting with both recall and qps"),
        (figures.three_way, "no setting with recall, qps and robustness"),
        (figures.parameter_effect, "no numeric search parameter with two values"),
        (figures.tail_by_segment, "have no segments"),
        (figures.hardness, "hardness was never computed"),
        (figures.effort, "two settings"),
    ):
        with pytest.raises(VbenchError, match=reason):
            draw(run, axes)


def test_a_long_name_is_cut_in_its_middle() -> None:
    """Both ends tell names apart."""
    assert figures.short("a" * 40 + "b") == "a" * 14 + "…" + "a" * 13 + "b"
    assert re.fullmatch(r".{29}", figures.short("x" * 80))


def test_a_folder_that_cannot_be_made_is_a_message(run: Run, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(VbenchError, match="cannot make the folder"):
        export.write(run, tmp_path / "file")


def test_filters_have_figures_where_a_run_has_some(tmp_path: Path) -> None:
    """One for each measure that is shown, with a mark of each index under each filter."""
    hits = {"a": {1: [[10, 9, 8, 7]]}, "b": {2: [[10, 10, 0, 9]]}}
    old = View(key="old", filter="year < 1990", kind="expr", allowed=100)
    run = answered(tmp_path / "run", hits, views={old: hits})
    names = [each.name for each in plan_figures(gather(run).panels[0])]
    assert [name for name in names if "filters" in name or "correlation" in name] == [
        *("reach-90-under-filters", "mean-recall-under-filters", "zero-recall-under-filters"),
        "reach-90-by-correlation",
    ]
    ax = Figure().subplots()
    figures.under_filters(run, ax, y="mean_recall")
    assert ax.get_legend_handles_labels()[1] == ["a ef=1", "b ef=2"]
    assert [text.get_text() for text in ax.texts] == [
        *("no filter", "year < 1990, correlation 0.50")
    ]
    by_correlation = Figure().subplots()
    figures.under_filters(run, by_correlation, x="correlation")
    assert [text.get_text() for text in by_correlation.texts] == ["no filter", "year < 1990"]
    assert by_correlation.get_xlabel() == "correlation of filter and query"
    with pytest.raises(VbenchError, match="y='work'; give one of reach_90"):
        figures.under_filters(run, ax, y="work")
    with pytest.raises(VbenchError, match="x='share'; give one of selectivity"):
        figures.under_filters(run, ax, x="share")
    with pytest.raises(VbenchError, match="holds no filter"):
        figures.under_filters(answered(tmp_path / "plain", hits), ax)


def test_files_have_the_dataset_as_title(report: Report) -> None:
    """And K; a dollar in it begins no formula."""
    figure = next(plan_figures(report.panels[0]))
    drawn = export.draw(figure, report, figures.SINGLE, "a$b$, K = 10")
    assert drawn.axes[0].get_title(loc="left") == r"a\$b\$, K = 10"
