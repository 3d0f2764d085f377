"""Tests of the frames of the tail: segments, overlap, the worst queries, hardness, effort."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from render.made_run import make_run

from vbench.analysis.gather import gather
from vbench.analysis.tail import explain_panel
from vbench.render import frames_tail


def test_segments_add_up_to_all_queries(tmp_path: Path) -> None:
    """The share under δ of all queries is the mean of the segments', by their size."""
    panel = gather(make_run(tmp_path, m=120)).panels[0]
    shown = panel.settings[0]
    rows = frames_tail.segments(panel).filter((pl.col("id") == shown.id) & (pl.col("need") == 9))
    assert rows["queries"].sum() == 120
    whole = (rows["under"] * rows["queries"]).sum() / 120
    assert whole == pytest.approx(1 - shown.curve.value[9])
    assert (rows["low"] <= rows["under"]).all()
    assert (rows["under"] <= rows["high"]).all()


def test_overlap_of_an_index_with_itself_is_whole(tmp_path: Path) -> None:
    """And no share lies outside 0…1."""
    frame = frames_tail.overlap(gather(make_run(tmp_path, m=200)).panels[0])
    own = frame.filter(pl.col("other").str.starts_with("hnsw") & (pl.col("place") == 0))
    first = own.filter(pl.col("id") == own["id"][0])
    assert (first["share"] == 1.0).all()
    assert frame["share"].is_between(0, 1).all()


def test_hardness_finds_the_measure_that_made_the_tail(tmp_path: Path) -> None:
    """Of the made measures one is the difficulty itself, one is noise."""
    panel = gather(make_run(tmp_path, m=400, hardness=True)).panels[0]
    told = explain_panel(panel)
    assert told.hardness[-1] == "norm"
    assert told.harder("lid") == "larger"
    assert told.harder("relative_contrast") == "smaller"
    frame = frames_tail.hardness(panel)
    tenths = frame.filter((pl.col("id") == "s0") & (pl.col("measure") == "lid"))
    assert tenths["tenth"].to_list() == list(range(1, 11))
    assert tenths["mean_recall"].mean() == pytest.approx(panel.settings[0].recall, abs=1e-9)


def test_without_hardness_there_is_nothing_to_draw(tmp_path: Path) -> None:
    """A run whose hardness was never computed gives empty frames."""
    panel = gather(make_run(tmp_path, m=40)).panels[0]
    assert frames_tail.hardness(panel).is_empty()
    assert explain_panel(panel).hardness == ()


def test_efforts_hold_every_query_once(tmp_path: Path) -> None:
    """For each sweep and step of δ the shares add up to 1."""
    frame = frames_tail.efforts(gather(make_run(tmp_path, m=80)).panels[0])
    totals = frame.group_by("id", "need").agg(pl.col("share").sum())
    assert totals["share"].to_numpy() == pytest.approx(1.0)


def test_a_single_setting_has_no_effort(tmp_path: Path) -> None:
    """Effort needs a sweep."""
    panel = gather(make_run(tmp_path, m=40, settings=1)).panels[0]
    assert frames_tail.efforts(panel).is_empty()
    assert all(row.effort is None for row in explain_panel(panel).indexes)
