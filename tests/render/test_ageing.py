"""Frame, page and figure show each setting at each age of a workload."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from run_folder import answered

from vbench.analysis.ageing import AgeFacts
from vbench.analysis.gather import gather
from vbench.analysis.summary import summarize
from vbench.errors import VbenchError
from vbench.render import figures
from vbench.render.ageing import ages, find_axis, label_age
from vbench.render.figures.export import plan_figures
from vbench.render.page import page
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Table
from vbench.render.page.sections import ageing
from vbench.runs.run import Run
from vbench.runs.schema import View

N = 1000


def churned(step: int, share: float) -> View:
    return View(
        key=f"v{step}",
        step=step,
        workload="churn",
        live=N,
        inserted=0,
        deleted=0,
        replaced=round(share * N),
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Index a loses a tenth of the queries with each half; index b nothing."""
    fresh = np.full((2, 50), 10)
    half, old = fresh.copy(), fresh.copy()
    half[:, :5] = 3
    old[:, 5:15] = 3
    views = {
        churned(2, 0.5): {"a": {1: half, 4: fresh}, "b": {2: fresh}},
        churned(4, 1.0): {"a": {1: old, 4: fresh}, "b": {2: fresh}},
    }
    return answered(tmp_path / "run", {"a": {1: fresh, 4: fresh}, "b": {2: fresh}}, views=views)


def facts(step: int, live: int, replaced: int = 0, inserted: int = 0) -> AgeFacts:
    share = replaced / live
    return AgeFacts(
        step=step,
        live=live,
        inserted=inserted,
        deleted=0,
        replaced=replaced,
        replaced_share=share,
    )


@pytest.mark.parametrize(
    ("found", "axis"),
    [
        ([facts(0, 10), facts(2, 10, 5)], "replaced"),
        ([facts(1, 10), facts(3, 20, inserted=10)], "vectors"),
        ([facts(1, 10), facts(3, 20, 5, 10)], "step"),
        ([facts(1, 20), facts(3, 10)], "step"),
    ],
)
def test_ages_are_ordered_by_what_happened(found: list[AgeFacts], axis: str) -> None:
    """By the share replaced, or by the vectors held; by the step where both change."""
    assert find_axis(found) == axis


def test_an_age_is_called_by_what_happened() -> None:
    """What is replaced, what is held, or both."""
    assert label_age(facts(1, 1000)) == "1,000 vectors"
    assert label_age(facts(1, 1000, 250)) == "25.0 % replaced"
    assert label_age(facts(1, 1000, 250, 50)) == "25.0 % replaced, 1,000 vectors"


def test_each_setting_has_a_row_at_each_age(run: Run) -> None:
    """With what fell and came back, and the half-life."""
    (panel,) = gather(run).panels
    frame = ages(panel)
    of_a = frame.filter(frame["name"] == "a ef=1")
    assert of_a.select("at", "reach_90", "fallen", "recovered", "recall").rows() == [
        (0.0, 1.0, None, None, 1.0),
        (0.5, 0.9, 0.1, 0.0, 1.0),
        (1.0, 0.8, 0.2, 0.1, 1.0),
    ]
    assert of_a["half_life"].to_list() == pytest.approx([0.25] * 3)
    assert frame.filter(frame["name"] == "b ef=2")["half_life"].to_list() == [None] * 3


def test_the_page_has_a_chart_and_tables_whose_numbers_stand_in_the_json(run: Run) -> None:
    """Equal to the last digit."""
    text = page.html(run)
    assert "At every age" in text
    specs = [json.loads(each) for each in re.findall(r'type="application/json"[^>]*>(.*?)<', text)]
    (spec,) = [each for each in specs if str(each).count("age_axes")]
    told = {each["name"]: each["value"] for each in spec["params"]}
    assert told["age_y"] == "reach_90"
    assert told["age_axes"]["p0"]["unit"] == "share"
    report = gather(run)
    section = ageing.section(report, Drawing(report, 0.9))
    assert section is not None
    rows, lives = (part for part in section.parts if isinstance(part, Table))
    assert [cell.text for cell in lives.rows[0].cells][:3] == ["a", "ef=1", "25.0 %"]
    assert [row.cells[2].text for row in lives.rows[1:]] == ["over 100 %"] * 2
    known = json.dumps(json.loads(summarize(run).to_json())["ageing"])
    shown = [
        cell.value for row in rows.rows for cell in row.cells[3:] if isinstance(cell.value, float)
    ]
    assert len(shown) > 20
    assert all(json.dumps(value) in known for value in shown)


def test_figures_are_drawn_of_each_measure(run: Run, tmp_path: Path) -> None:
    """A line for each variant, and a dotted one for its half-life."""
    (panel,) = gather(run).panels
    names = [each.name for each in plan_figures(panel) if each.name.endswith("-by-age")]
    assert names == [
        "reach-90-by-age",
        "mean-recall-by-age",
        "zero-recall-by-age",
        "fallen-by-age",
        "recovered-by-age",
    ]
    ax = Figure().subplots()
    figures.by_age(run, ax)
    assert ax.get_legend_handles_labels()[1] == ["a ef=1", "a ef=4", "b ef=2"]
    assert [text.get_text() for text in ax.texts] == ["half-life 25.0 %"]
    with pytest.raises(VbenchError, match="y='work'; give one of reach_90"):
        figures.by_age(run, ax, y="work")
    plain = answered(tmp_path / "plain", {"a": {1: np.full((1, 4), 10)}})
    assert figures.find_aged(gather(plain).panels[0]) == []
    with pytest.raises(VbenchError, match="does not change its base; give vbench run --workload"):
        figures.by_age(plain, ax)
    assert "At every age" not in page.html(plain)
