"""Frame, page, figure and table show each load beside the setting alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from run_folder import answered

from vbench.analysis.gather import gather
from vbench.analysis.summary import summarize
from vbench.errors import VbenchError
from vbench.measures.grammar import parse
from vbench.render import figures
from vbench.render.figures.export import plan_figures
from vbench.render.loads import answers_a_second, loads
from vbench.render.page import page
from vbench.render.terminal.loads import tabulate_loads
from vbench.runs.run import Run
from vbench.runs.schema import Load

LOADS = {
    Load(key="c2", mode="closed", clients=2, by="threads"): 2.0,
    Load(key="c4", mode="closed", clients=4, by="threads"): 4.0,
    Load(key="b10", batch=10): 0.5,
    Load(key="c2b10", mode="closed", clients=2, by="threads", batch=10): 0.5,
    Load(key="r", mode="open", rate=500.0): 3.0,
    Load(key="r2", mode="open", rate=500.0, clients=2, by="threads"): 3.0,
}
HITS = np.random.default_rng(5).integers(6, 11, size=(2, 50))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return answered(tmp_path / "run", {"a": {1: HITS}, "b": {2: HITS}}, loads=LOADS)


def test_a_load_lies_on_the_axis_that_it_differs_in(run: Run) -> None:
    """Alone is one client, and a batch of one; what differs twice lies on none."""
    (panel,) = gather(run).panels
    frame = loads(panel)
    of_a = frame.filter(frame["id"] == panel.settings[0].id)
    assert of_a.select("along", "at", "clients", "asked").rows() == [
        ("clients", 1.0, 1, "alone"),
        ("batch", 1.0, 1, "alone"),
        ("clients", 2.0, 2, "clients=2"),
        ("clients", 4.0, 4, "clients=4"),
        ("batch", 10.0, 1, "batch=10"),
        ("rate", 500.0, 1, "rate=500"),
        ("rate", 500.0, 2, "rate=500 clients=2"),
    ]
    assert [round(each) for each in of_a["qps"]][:5] == [
        *(1_000_000, 1_000_000, 500_000, 250_000, 2_000_000),
    ]
    assert figures.find_loads(panel) == ["clients", "batch", "rate"]


def test_without_loads_nothing_is_shown(tmp_path: Path) -> None:
    """No section, no figure, no table."""
    run = answered(tmp_path / "run", {"a": {1: HITS}})
    (panel,) = gather(run).panels
    assert loads(panel).is_empty()
    assert figures.find_loads(panel) == []
    assert tabulate_loads(summarize(run).settings, 10) is None
    assert "Under load" not in page.html(run)
    assert answers_a_second(run.settings()[0]) is None
    with pytest.raises(VbenchError, match="no load by clients; give vbench run --clients"):
        figures.under_load(run, Figure().subplots())


def test_the_page_has_a_chart_and_a_table(run: Run) -> None:
    """With the axes that there are."""
    text = page.html(run)
    assert "Under load" in text
    specs = [json.loads(each) for each in re.findall(r'type="application/json"[^>]*>(.*?)<', text)]
    (spec,) = [each for each in specs if str(each).count("load_along")]
    assert {"name": "along", "value": "clients"} in spec["params"]
    assert text.count("rate=500 clients=2") >= 2


def test_figures_are_drawn_of_each_axis(run: Run) -> None:
    """A line for each index at the level of recall; of a rate one for each number of clients."""
    (panel,) = gather(run).panels
    names = [each.name for each in plan_figures(panel) if "-by-" in each.name]
    assert names == [
        "throughput-by-clients",
        "latency-by-clients",
        "throughput-by-batch",
        "latency-by-batch",
        "latency-by-rate",
    ]
    ax = Figure().subplots()
    figures.under_load(run, ax, along="rate", y="p99_latency")
    assert [each.get_label() for each in ax.get_lines()] == [
        *("a ef=1", "a ef=1, 2 clients", "b ef=2", "b ef=2, 2 clients"),
    ]
    with pytest.raises(VbenchError, match="give one of qps, p50_latency"):
        figures.under_load(run, Figure().subplots(), y="speed")


def test_the_terminal_shows_them_beside_each_other(run: Run) -> None:
    """With the measures that were asked for."""
    summary = summarize(run, [parse("Served(delta=0.9,within=2us)@10")])
    table = tabulate_loads(summary.settings, 10)
    assert table is not None
    columns = {str(each.header): list(each.cells) for each in table.columns}
    assert columns["asked"][:3] == ["alone", "clients=2", "clients=4"]
    assert [str(each).split()[0] for each in columns["QPS"]][:3] == [
        "1,000,000",
        "500,000",
        "250,000",
    ]
    served = [str(each).split()[0] for each in columns["Served(delta=0.9,within=2us)@10"]]
    assert served[1] == served[0] != "0"
    assert served[2] == "0"
