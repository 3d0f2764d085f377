"""One number for one name: terminal, Markdown, page and JSON of one run agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from render.made_run import make_run
from run_folder import answered

from vbench.analysis.compare import compare
from vbench.analysis.comparison import Comparison, store_comparison
from vbench.analysis.gather import Report, gather, match_recall
from vbench.analysis.summary import Summary, summarize
from vbench.numbers import write, write_difference, write_interval
from vbench.render import frames
from vbench.render.markdown import markdown_of
from vbench.render.page import words
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Table
from vbench.render.page.sections import comparisons, filters
from vbench.render.page.sections.price import settings_table
from vbench.render.page.words import verdict_table
from vbench.render.terminal.compare import print_comparison
from vbench.render.terminal.run import print_summary
from vbench.runs.run import Run
from vbench.runs.schema import View


@pytest.fixture(params=[1, 3], ids=["one build", "three builds"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    return make_run(tmp_path, m=80, settings=3, builds=request.param)


def numbers_of(document: Any) -> Iterator[float]:
    """Every number of a JSON document."""
    if isinstance(document, dict | list):
        for each in document.values() if isinstance(document, dict) else document:
            yield from numbers_of(each)
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield float(document)


def shown_in(table: Table) -> Iterator[float]:
    """Every number of a table of the page."""
    for row in table.rows:
        yield from (cell.value for cell in row.cells if isinstance(cell.value, float))


def test_every_number_of_the_page_stands_in_the_json(run: Run) -> None:
    """Tables and data of the charts, against `vbench run --json`: equal to the last digit."""
    known = set(numbers_of(json.loads(summarize(run).to_json())))
    for panel in gather(run).panels:
        tables = (verdict_table(panel, match_recall(panel)), settings_table(panel))
        found = {number for table in tables for number in shown_in(table)}
        assert found
        assert found <= known
        for row in frames.settings(panel).iter_rows(named=True):
            assert {each for each in row.values() if isinstance(each, float)} <= known


def test_every_number_under_filters_stands_in_the_json(tmp_path: Path) -> None:
    """Table and chart of the section, against the `filtering` of `vbench run --json`."""
    rng = np.random.default_rng(3)
    hits = {name: {5: rng.integers(4, 11, (2, 60))} for name in ("a", "b")}
    old = View(key="old", filter="year < 1990", kind="expr", allowed=100)
    masks = [
        View(key=f"m{mask}", filter="random:0.1", kind="random", mask=mask, allowed=100)
        for mask in range(2)
    ]
    run = answered(tmp_path / "run", hits, views=dict.fromkeys([old, *masks], hits))
    known = set(numbers_of(json.loads(summarize(run).to_json())["filtering"]))
    report = gather(run)
    section = filters.section(report, Drawing(report, 0.9))
    assert section is not None
    (table,) = (part for part in section.parts if isinstance(part, Table))
    assert len(table.rows) == 6
    found = set(shown_in(table))
    assert len(found) > 6
    assert found <= known
    frame = section.frames["filtered"]
    assert frame["filter"].to_list() == ["none"] * 2 + ["year < 1990"] * 2 + ["random:0.1"] * 2
    assert set(frame["label"]) == {
        *("no filter", "year < 1990 (10.0 %, correlation 0.50)"),
        "random:0.1 (10.0 %, correlation 0.50)",
    }
    for row in frame.iter_rows(named=True):
        assert {each for each in row.values() if isinstance(each, float)} <= known
    assert filters.section(gather(answered(tmp_path / "plain", hits)), Drawing(report, 0.9)) is None


def test_curves_go_through_the_robustness_of_the_json(run: Run) -> None:
    """At every usual δ the chart shows the value of the document, with its interval."""
    (panel,) = gather(run).panels
    of = {row.name: row.measures for row in summarize(run).settings}
    for shown in panel.settings:
        for delta in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
            at, known = round(delta * 10), of[str(shown)][f"Robustness(delta={delta})@10"]
            curve = shown.curve
            found = (curve.value[at], curve.low[at], curve.high[at])
            assert found == pytest.approx((known.value, known.low, known.high))


def test_every_number_of_a_comparison_stands_in_its_json(run: Run) -> None:
    """Table and chart of the page, against `vbench compare --json`."""
    found = compare(run)
    store_comparison(run, found)
    known = set(numbers_of(json.loads(found.to_json())))
    section = comparisons.section(gather(run), Drawing(gather(run), 0.9))
    assert section is not None
    (table,) = (part for part in section.parts if isinstance(part, Table))
    assert set(shown_in(table)) <= known
    for row in section.frames["comparisons"].iter_rows(named=True):
        assert {each for each in row.values() if isinstance(each, float)} <= known


def printed(capsys: pytest.CaptureFixture[str], document: Summary | Comparison) -> str:
    capsys.readouterr()
    if isinstance(document, Summary):
        print_summary(document)
    else:
        print_comparison(document)
    return capsys.readouterr().out


def texts_of(report: Report, *tables: Table) -> set[str]:
    return {cell.text for table in tables for row in table.rows for cell in row.cells}


def test_one_number_has_one_text(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Terminal, sentence and tables of the page write a measure in the same digits."""
    summary = summarize(run)
    (panel,) = gather(run).panels
    matched = match_recall(panel)
    terminal = printed(capsys, summary)
    texts = texts_of(gather(run), verdict_table(panel, matched), settings_table(panel))
    sentence = words.say_zero_recall(matched)
    of = {row.name: row.measures for row in summary.settings}
    for shown in matched.compared:
        measures = of[str(shown)]
        for name, unit in (
            ("Recall@10", "score"),
            ("CVaR(alpha=0.05)@10", "score"),
            ("Failure@10", "share"),
            ("Robustness(delta=0.5)@10", "share"),
            ("Latency(p=99)", "seconds"),
        ):
            text = write(measures[name].value, unit)
            assert text in terminal
            assert text in texts
        assert write_interval(measures["Failure@10"], "share") in sentence


def test_a_comparison_has_one_text(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Terminal, Markdown and page write values, differences and verdicts alike."""
    found = compare(run)
    store_comparison(run, found)
    terminal, markdown = printed(capsys, found), markdown_of(found)
    section = comparisons.section(gather(run), Drawing(gather(run), 0.9))
    assert section is not None
    (table,) = (part for part in section.parts if isinstance(part, Table))
    page = {each for row in table.rows for cell in row.cells for each in (cell.text, cell.note)}
    for row in found.comparisons:
        difference = write_difference(row.difference, row.unit)
        value = write_interval(row.baseline_value, row.unit)
        for text in (difference, value):
            assert text in terminal
            assert text in markdown
            assert text in page
        assert row.verdict in markdown.replace("\\", "")
