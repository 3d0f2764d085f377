"""`vbench tail --json` and the page say the same numbers of one run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from render.made_run import make_run

from vbench.analysis.gather import Panel, Report, gather
from vbench.analysis.hardness import LABELS
from vbench.analysis.tail import settings_of
from vbench.cli import main
from vbench.numbers import write
from vbench.render import frames
from vbench.render.page.charts import Drawing
from vbench.render.page.page import write as write_page
from vbench.render.page.parts import Table
from vbench.render.page.sections import items, tail
from vbench.render.page.sections.hardness import section
from vbench.render.page.sections.tail import worst_table
from vbench.runs.run import Run

NEED = 9
"""Hits that the usual δ of 0.9 needs at K = 10."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two indexes, three settings, two builds, with segments and hardness."""
    made = make_run(
        tmp_path_factory.mktemp("run"), settings=3, builds=2, m=500, hardness=True, segments=True
    )
    return made.path


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    """What the command prints."""
    result = CliRunner().invoke(main, ["tail", str(folder), "--json", "-n", "500"])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    """What the page draws."""
    return gather(Run(folder))


@pytest.fixture(scope="module")
def panel(report: Report) -> Panel:
    """Its only panel."""
    return report.panels[0]


@pytest.fixture(scope="module")
def tables(report: Report) -> dict[str, Table]:
    """The tables of the section on hardness, by the first word of their ids."""
    made = section(report, Drawing(report, 0.9))
    assert made is not None
    return {part.id.partition("-")[0]: part for part in made.parts if isinstance(part, Table)}


def of_row(frame: pl.DataFrame, panel: Panel, number: int) -> pl.DataFrame:
    """The rows of the number-th setting at the shown δ."""
    shown = settings_of(panel)[number]
    return frame.filter((pl.col("id") == shown.id) & (pl.col("need") == NEED))


def test_the_same_settings_are_explained(told: dict[str, Any], panel: Panel) -> None:
    """One of each index: the page's at the recall it opens with."""
    assert [str(each) for each in settings_of(panel)] == [row["name"] for row in told["indexes"]]


def test_both_tails_are_the_same(told: dict[str, Any], panel: Panel) -> None:
    """The curve's share at the shown δ, of every part of the tail."""
    for row, shown in zip(told["indexes"], settings_of(panel), strict=True):
        curve = shown.curve
        assert row["under"]["value"] == pytest.approx(1.0 - curve.value[NEED], abs=1e-12)
        assert row["under"]["low"] == pytest.approx(1.0 - curve.high[NEED], abs=1e-9)
        assert row["under"]["high"] == pytest.approx(1.0 - curve.low[NEED], abs=1e-9)
        assert row["persistent"]["share"] == pytest.approx(curve.persistent[NEED])
        assert row["build_dependent"]["share"] == pytest.approx(curve.build_dependent[NEED])


def test_the_items_side_is_the_same(told: dict[str, Any], panel: Panel, report: Report) -> None:
    """Chart and table: what is lost of all items and of each segment, with its interval."""
    made = items.section(report, Drawing(report, 0.9))
    assert made is not None
    (table,) = (part for part in made.parts if isinstance(part, Table))
    assert any(row["items"]["lost"]["value"] > 0 for row in told["indexes"])
    numbers = ("items", "share", "low", "high")
    for number, row in enumerate(told["indexes"]):
        known = row["items"]
        drawn = frames.items(panel).filter(pl.col("id") == settings_of(panel)[number].id)
        wanted = [
            (frames.EVERY_ITEM, known["items"], *known["lost"].values()),
            *(
                (f"{each['column']}: {each['segment']}", *map(each.get, numbers))
                for each in known["groups"]
            ),
        ]
        assert drawn.select("label", "items", "lost", "low", "high").rows() == wanted
        assert {each["column"] for each in known["groups"]} == {"exact lists", "shelf"}
        cells = [cell.value for cell in table.rows[number].cells[1:4]]
        parts = (known["in_every_build"]["share"], known["in_some_builds"]["share"])
        assert cells == [known["lost"]["value"], *parts]


def test_the_worst_queries_are_the_same(told: dict[str, Any], panel: Panel) -> None:
    """Every row of the page is among the worst of some index, in turn, with its recall."""
    table = worst_table(panel)
    lists = [[worst["query"] for worst in row["worst"]] for row in told["indexes"]]
    queries = [int(row.cells[0].text) for row in table.rows]
    places = [min(each.index(query) for each in lists if query in each) for query in queries]
    assert places == sorted(places)
    assert places[:2] == [0, 0]
    recall = [{w["query"]: w["recall"] for w in row["worst"]} for row in told["indexes"]]
    for query, row in zip(queries, table.rows, strict=True):
        for number, known in enumerate(recall):
            if query in known:
                assert row.cells[2 + number].value == pytest.approx(known[query])


def test_beside_many_indexes_fewer_queries_are_listed(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones; the table says how many more there are."""
    whole = worst_table(panel)
    monkeypatch.setattr(tail, "_MOST_CELLS", 1)
    monkeypatch.setattr(tail, "_FEWEST_ROWS", 3)
    table = worst_table(panel)
    assert [row.cells[0].text for row in table.rows] == [
        row.cells[0].text for row in whole.rows[:3]
    ]
    assert f" {len(whole.rows) - 3} more: vbench tail RUN --json." in table.caption
    assert "more: vbench" not in whole.caption


def test_segments_are_the_same(told: dict[str, Any], panel: Panel) -> None:
    """Shares and intervals at the shown δ."""
    for number, row in enumerate(told["indexes"]):
        drawn = {
            each["segment"]: each
            for each in of_row(frames.segments(panel), panel, number).to_dicts()
        }
        assert len(row["segments"]) == len(drawn) == 3
        for segment in row["segments"]:
            mark = drawn[segment["segment"]]
            assert mark["queries"] == segment["queries"]
            assert mark["under"] == pytest.approx(segment["share"], abs=1e-12)
            assert mark["low"] == pytest.approx(segment["low"], abs=1e-9)
            assert mark["high"] == pytest.approx(segment["high"], abs=1e-9)


def test_overlap_is_the_same(told: dict[str, Any], panel: Panel, folder: Path) -> None:
    """What another index would have served, and the queries in some tail and in every one."""
    names = [row["name"] for row in told["indexes"]]
    for row in told["overlap"]:
        drawn = of_row(frames.overlap(panel), panel, names.index(row["index"]))
        against = settings_of(panel)[names.index(row["other"])]
        (mark,) = drawn.filter(pl.col("other") == against.id).to_dicts()
        assert mark["under"] == row["tail"]
        assert 1.0 - mark["share"] == pytest.approx(row["share"])
    page = write_page(Run(folder), folder / "page.html").read_text()
    every = told["everywhere"]
    assert f"{every['some']} of the 500 queries" in page
    assert re.search(rf"index;\s+{every['every']} of them", page)


def test_efforts_and_gains_are_the_same(
    told: dict[str, Any], panel: Panel, tables: dict[str, Table]
) -> None:
    """The share of each setting, and the gain of a perfect choice."""
    for number, row in enumerate(told["indexes"]):
        effort = row["effort"]
        drawn = of_row(frames.efforts(panel), panel, number).sort("step")
        shares = [
            *(step["queries"]["value"] for step in effort["settings"]),
            effort["never"]["value"],
        ]
        assert drawn["share"].to_list() == pytest.approx(shares)
        cells = tables["gains"].rows[number].cells
        gain = effort["gain"]
        assert [cell.value for cell in cells[2:]] == [
            gain[name] for name in ("served", "one", "each", "factor")
        ]
        assert cells[2].text == write(gain["served"], "share")


def test_hardness_is_the_same(told: dict[str, Any], panel: Panel, tables: dict[str, Table]) -> None:
    """AUC of the tail and Spearman's ρ of every measure, and which of them is best."""
    heads = told["hardness"]
    titles = [LABELS[name].partition(":")[0] for name in heads]
    assert [column.title for column in tables["telling"].columns[1:]] == titles
    for row, drawn in zip(told["indexes"], tables["telling"].rows, strict=True):
        known = {each["measure"]: each for each in row["hardness"]}
        for name, cell in zip(heads, drawn.cells[1:], strict=True):
            assert cell.value == known[name]["auc"]
            assert cell.note == f"ρ {write(known[name]['spearman'], 'score')}"
