"""Tests of the sections that show what other commands left in the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars.selectors as cs
import pytest
from ranked_run import judged_dataset, ranked_run
from render.made_run import make_run
from render.stored import store_comparisons, store_ranking

from vbench.analysis.gather import Report, gather
from vbench.analysis.rank import rank
from vbench.errors import VbenchError
from vbench.render.page.charts import Drawing
from vbench.render.page.page import html
from vbench.render.page.parts import Section, Table, Words
from vbench.render.page.sections import SECTIONS, comparisons, ranking
from vbench.runs import files


def made(report: Report, maker: object) -> Section:
    section = maker(report, Drawing(report, 0.9))  # type: ignore[operator]
    assert isinstance(section, Section)
    return section


def test_a_plain_run_has_neither(tmp_path: Path) -> None:
    """Sections without data are left out, not shown empty."""
    report = gather(make_run(tmp_path, m=40))
    draw = Drawing(report, 0.9)
    assert comparisons.section(report, draw) is None
    assert ranking.section(report, draw) is None
    assert "Which one is better?" not in html(report)


def test_a_comparison_is_shown_in_words_and_numbers(tmp_path: Path) -> None:
    """Verdicts of differences as sentences; every measure in table and frame."""
    run = make_run(tmp_path, m=40)
    store_comparisons(tmp_path)
    section = made(gather(run), comparisons.section)
    (words,) = (part for part in section.parts if isinstance(part, Words))
    assert list(words.paragraphs) == ["<ivf-flat> beats hnsw."]
    (table,) = (part for part in section.parts if isinstance(part, Table))
    first, _, unknown = table.rows
    assert [cell.text for cell in first.cells][3:] == [
        "-5.0 pp", "0.0200", "2.0 pp", "2", "0",
    ]  # fmt: skip
    assert unknown.cells[3].text == "–"
    assert section.frames["comparisons"]["better"].to_list() == [
        "candidate better", "no difference shown", "no difference shown",
    ]  # fmt: skip
    assert "&lt;ivf-flat&gt;</span> beats hnsw." in html(run)


def test_no_difference_at_all_is_said(tmp_path: Path) -> None:
    """Silence would read as an omission."""
    run = make_run(tmp_path, m=40)
    store_comparisons(tmp_path)
    path = tmp_path / "comparisons.json"
    document = json.loads(path.read_text())
    document["comparisons"] = document["comparisons"][1:]
    files.write_json(path, document)
    assert "No difference was shown in any of the measures compared." in html(run)


def test_a_ranking_is_shown_with_its_losses_apart(tmp_path: Path) -> None:
    """Loss of the model in the table, of the index in the chart and by level; δ in words."""
    run = make_run(tmp_path, m=40)
    store_ranking(tmp_path)
    section = made(gather(run), ranking.section)
    assert section.frames["ranking"]["loss"].to_list() == [0.01] * 4
    table, strength, gains = (part for part in section.parts if isinstance(part, Table))
    assert [row.cells[3].text for row in table.rows] == ["yes", "–"]
    (level,) = strength.rows
    assert [cell.value for cell in level.cells] == [None, 0.9, 2, 0.03, 0.03, None]
    assert [cell.text for cell in gains.rows[1].cells[:2]] == ["<cross>", "popularity"]
    assert [cell.value for cell in gains.rows[1].cells[2:]] == [0.02, 0.03, 0.6]
    said = [line for part in section.parts if isinstance(part, Words) for line in part.paragraphs]
    assert said == [
        "Relevance: few; chance.",
        "tower, by Recall@100: quality falls under 90 % of exact below a recall of 0.500.",
        "<cross>, by Recall@100: quality never falls.",
    ]
    assert "&lt;cross&gt;" in html(run)


def test_rankings_of_several_runs_are_told_apart(tmp_path: Path) -> None:
    """Of each run its own predictors, levels and δ; the losses of all stand in one picture."""
    dataset = judged_dataset(tmp_path / "small")
    runs = [ranked_run(tmp_path / name, dataset, {"hnsw": {1: 0.4, 2: 0.1}}) for name in "ab"]
    for run in runs:
        rank([run], ["tower"], dataset=dataset)
    section = made(gather(runs), ranking.section)
    assert set(section.frames["ranking"]["ranker"]) == {"tower"}
    for name in ("ranking_predictors", "ranking_delta"):
        assert set(section.frames[name]["ranker"]) == {"tower · a", "tower · b"}
    (table,) = (part for part in section.parts if isinstance(part, Table))
    assert [row.cells[0].text for row in table.rows] == ["tower · a", "tower · b"]


def test_every_number_of_the_ranking_stands_in_its_document(tmp_path: Path) -> None:
    """Charts and table draw what rank.json holds; nothing is computed again."""
    dataset = judged_dataset(tmp_path / "small")
    run = ranked_run(tmp_path / "run", dataset)
    rank([run], dataset=dataset)
    section = made(gather(run), ranking.section)
    held = set(_numbers(json.loads((run.path / files.RANK).read_text())))
    cells = [
        cell.value
        for part in section.parts
        if isinstance(part, Table)
        for row in part.rows
        for cell in row.cells
        if cell.value is not None
    ]
    drawn = [
        value
        for frame in section.frames.values()
        for column in frame.select(cs.numeric())
        for value in column.drop_nulls()
    ]
    assert len(cells) > 4
    assert len(drawn) > 100
    assert set(cells) | set(drawn) <= held


def _numbers(document: object) -> Iterator[float]:
    if isinstance(document, dict | list):
        for each in document.values() if isinstance(document, dict) else document:
            yield from _numbers(each)
    elif isinstance(document, int | float):
        yield document


def test_a_document_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """The message names file and schema."""
    run = make_run(tmp_path, m=40)
    files.write_json(tmp_path / "rank.json", {"schema": "vbench.rank/9"})
    with pytest.raises(VbenchError, match=r"vbench\.rank/9"):
        html(run)


def test_every_section_has_its_own_place() -> None:
    """No module is listed twice."""
    assert len(set(SECTIONS)) == len(SECTIONS) == 12


def test_a_comparison_of_another_schema_is_a_message(tmp_path: Path) -> None:
    """The file is named, and what this version reads."""
    run = make_run(tmp_path, m=40)
    files.write_json(tmp_path / files.COMPARISONS, {"schema": "vbench.compare/9"})
    with pytest.raises(VbenchError, match=r"vbench\.compare/9"):
        html(run)
