"""Tests of the frames: they hold the library's own numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from render.made_run import make_run

from vbench.analysis.gather import gather, match_recall, nearest
from vbench.analysis.tail import explain_panel
from vbench.measures.hits import threshold
from vbench.render import frames
from vbench.render.quantities import QUANTITIES


@pytest.mark.parametrize("builds", [1, 3])
@pytest.mark.parametrize("k", [10, 100])
def test_curves_are_what_the_library_measures(tmp_path: Path, builds: int, k: int) -> None:
    """Value and interval at every δ of the slider equal `Run.measure`."""
    run = make_run(tmp_path, m=60, settings=1, builds=builds, ks=(k,))
    frame = frames.curves(gather(run).panels[0])
    for percent in range(0, 101, 10 if k == 10 else 7):
        delta = percent / 100
        measured = run.measure(f"Robustness(delta={delta})@{k}")
        rows = frame.filter(pl.col("need") == threshold(delta, k))
        assert rows["robustness"].to_numpy() == pytest.approx(measured["value"].to_numpy())
        assert rows["low"].to_numpy() == pytest.approx(measured["low"].to_numpy())
        assert rows["high"].to_numpy() == pytest.approx(measured["high"].to_numpy())


def test_settings_hold_every_quantity_as_measured(tmp_path: Path) -> None:
    """Each column equals `Run.measure` of its spelling."""
    run = make_run(tmp_path, m=60)
    frame = frames.settings(gather(run).panels[0])
    for quantity in QUANTITIES:
        measured = run.measure(quantity.name(10))
        for end, column in (("", "value"), ("_low", "low"), ("_high", "high")):
            assert frame[quantity.key + end].to_list() == pytest.approx(
                measured[column].to_list(), nan_ok=True
            )


@pytest.mark.parametrize("k", [1, 5, 20, 21, 100])
def test_histogram_holds_every_query_once(tmp_path: Path, k: int) -> None:
    """The bars of a setting add up to 1; none and all have bars of their own."""
    run = make_run(tmp_path, m=60, ks=(k,))
    panel = gather(run).panels[0]
    frame = frames.histogram(panel)
    for shown in panel.settings:
        bars = frame.filter(pl.col("id") == shown.id).sort("bar")
        assert bars["share"].sum() == pytest.approx(1.0)
        assert bars["share"][0] == pytest.approx((shown.hits == 0).mean())
        assert bars["share"][-1] == pytest.approx((shown.hits == k).mean())
        assert (bars["recall_of_query"][0], bars["recall_of_query"][-1]) == ("0", "1")


def test_edges_of_the_bars_are_the_tenths() -> None:
    """At K = 100 the inner bars are (0, 0.1], (0.1, 0.2] … (0.9, 1)."""
    assert frames.hit_edges(100).tolist() == [0, 1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100, 101]
    assert frames.hit_edges(3).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("delta", "k", "need"), [(0.85, 10, 9), (0.9, 100, 90), (0.81, 100, 90)])
def test_a_tenth_is_rounded_up(delta: float, k: int, need: int) -> None:
    """δ between two kept steps is shown at the stricter one, which exists."""
    assert frames.tenth(delta, k) == need
    assert need in frames.steps(k)


def test_builds_average_to_the_curve(tmp_path: Path) -> None:
    """The mean over the marks of the builds is the setting's robustness."""
    panel = gather(make_run(tmp_path, m=60)).panels[0]
    shown = panel.settings[0]
    rows = frames.builds(panel).filter((pl.col("id") == shown.id) & (pl.col("need") == 9))
    assert rows["build"].to_list() == [1, 2, 3]
    assert rows["robustness"].mean() == pytest.approx(shown.curve.value[9])


def test_footing_prefers_the_usual_level_where_all_come_near(tmp_path: Path) -> None:
    """Every index stands with the setting nearest to the level."""
    panel = gather(make_run(tmp_path, m=300, settings=6)).panels[0]
    found = match_recall(panel)
    for index, shown in found.chosen.items():
        distances = [abs(each.recall - found.level) for each in panel.by_index[index]]
        assert abs(shown.recall - found.level) == min(distances)
    assert found.chosen == nearest(panel, found.level)


def test_rounding_keeps_the_digits_that_mean_something() -> None:
    """Of Robustness ten, of other numbers six; whole numbers stay."""
    frame = pl.DataFrame({"robustness": [1 / 3], "a": [2e-9 / 3], "b": [123456789]})
    rounded = frame.with_columns(frames.round_columns(frame))
    assert rounded.rows() == [(0.3333333333, 6.66667e-10, 123456789)]


def test_parts_are_joined_with_what_is_said_once() -> None:
    """A value stands in every row of its part; nothing makes an empty frame."""
    parts = [{"id": "a", "x": np.array([1, 2])}, {"id": "b", "x": np.array([3])}]
    assert frames.join_parts(parts).rows() == [("a", 1), ("a", 2), ("b", 3)]
    assert frames.join_parts([]).is_empty()


def test_segments_add_up_to_all_queries(tmp_path: Path) -> None:
    """The share under δ of all queries is the mean of the segments', by their size."""
    panel = gather(make_run(tmp_path, m=120)).panels[0]
    shown = panel.settings[0]
    rows = frames.segments(panel).filter((pl.col("id") == shown.id) & (pl.col("need") == 9))
    assert rows["queries"].sum() == 120
    whole = (rows["under"] * rows["queries"]).sum() / 120
    assert whole == pytest.approx(1 - shown.curve.value[9])
    assert (rows["low"] <= rows["under"]).all()
    assert (rows["under"] <= rows["high"]).all()


def test_overlap_of_an_index_with_itself_is_whole(tmp_path: Path) -> None:
    """And no share lies outside 0…1."""
    frame = frames.overlap(gather(make_run(tmp_path, m=200)).panels[0])
    own = frame.filter(pl.col("other") == pl.col("id"))
    assert own["id"].n_unique() == 2
    assert (own["share"] == 1.0).all()
    assert frame["share"].is_between(0, 1).all()


def test_hardness_finds_the_measure_that_made_the_tail(tmp_path: Path) -> None:
    """Of the made measures one is the difficulty itself, one is noise."""
    panel = gather(make_run(tmp_path, m=400, hardness=True)).panels[0]
    told = explain_panel(panel)
    assert told.hardness[-1] == "norm"
    assert told.harder("lid") == "larger"
    assert told.harder("relative_contrast") == "smaller"
    frame = frames.hardness(panel)
    tenths = frame.filter((pl.col("id") == "s0") & (pl.col("measure") == "lid"))
    assert tenths["tenth"].to_list() == list(range(1, 11))
    assert tenths["mean_recall"].mean() == pytest.approx(panel.settings[0].recall, abs=1e-9)


def test_without_hardness_there_is_nothing_to_draw(tmp_path: Path) -> None:
    """A run whose hardness was never computed gives empty frames."""
    panel = gather(make_run(tmp_path, m=40)).panels[0]
    assert frames.hardness(panel).is_empty()
    assert explain_panel(panel).hardness == ()


def test_efforts_hold_every_query_once(tmp_path: Path) -> None:
    """For each sweep and step of δ the shares add up to 1."""
    frame = frames.efforts(gather(make_run(tmp_path, m=80)).panels[0])
    totals = frame.group_by("id", "need").agg(pl.col("share").sum())
    assert totals["share"].to_numpy() == pytest.approx(1.0)


def test_a_single_setting_has_no_effort(tmp_path: Path) -> None:
    """Effort needs a sweep."""
    panel = gather(make_run(tmp_path, m=40, settings=1)).panels[0]
    assert frames.efforts(panel).is_empty()
    assert all(row.effort is None for row in explain_panel(panel).indexes)
