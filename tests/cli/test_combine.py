"""`vbench combine`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from run_folder import answered

from vbench.analysis.gather import gather
from vbench.cli import main
from vbench.render import figures
from vbench.render.figures.export import plan_figures
from vbench.render.page.page import html
from vbench.runs.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two indexes of two builds."""
    rng = np.random.default_rng(1)
    graph, lists = rng.integers(0, 11, size=(2, 2, 200))
    folder = tmp_path_factory.mktemp("combine") / "run"
    return answered(folder, {"graph": {16: graph}, "lists": {4: lists}}).path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["combine", *arguments], terminal_width=200)


def test_tables_say_what_is_alone_together_and_a_fallback(run: Path) -> None:
    """Three tables, and what they are of."""
    result = call(str(run), "--share", "0.2")
    assert result.exit_code == 0, result.output
    for part in (
        "200 queries", "nothing was searched", "Each alone", "Two together", "another build of it",
        "A second one for 20.0 %", "exact search", "zero-recall: oracle", "no vectors",
    ):  # fmt: skip
        assert part in result.output, part


def test_json_is_one_document(run: Path) -> None:
    """The settings, the unions, and the whole curves."""
    document = json.loads(call(str(run), "--json").stdout)
    assert document["schema"] == "vbench.combine/1"
    assert [each["name"] for each in document["settings"]] == ["graph ef=16", "lists ef=4"]
    assert len(document["unions"]) == 3
    assert len(document["routes"]) == 2 * 2 * 2


def test_the_page_and_the_figures_show_it(run: Path, tmp_path: Path) -> None:
    """Once it was asked, the report has its section and its figure."""
    assert call(str(run)).exit_code == 0
    opened = Run(run)
    page = html(opened)
    assert "Two together" in page
    assert "A second one for some of the queries" in page
    report = gather(opened)
    assert "gain-curve" in [each.name for each in plan_figures(report.panel())]
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    figures.gain_curve(opened, axes, y="zero")
    assert len(axes.lines) == 2
    # At the end all are sent to exact search.
    assert all(float(line.get_ydata()[-1]) == 0.0 for line in axes.lines)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--share", "0.33"), "points at"),
        (("--share", "0"), "--share"),
        (("--delta", "2"), "--delta"),
        (("--index", "other"), "other"),
        (("--setting", "ef=7"), "ef=7"),
        (("--view", "random:0.1"), "random:0.1"),
        (("--queries", "q.npy"), "--dataset"),
        (("--cluster", "user"), "user"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(run: Path, given: tuple[str, ...], words: str) -> None:
    """Exit code 2, no traceback, and what to do."""
    result = call(str(run), *given)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
