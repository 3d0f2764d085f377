"""A run, opened: curves, clusters, measures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.summary import summarize
from vbench.errors import VbenchError
from vbench.measures.curve import curve
from vbench.runs.files import trial_path
from vbench.runs.run import Run

HITS = np.random.default_rng(8).binomial(10, 0.8, size=(3, 120))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    columns = {
        "user": np.repeat(np.arange(30), 4),
        "name": ["a", None, "b", None] * 30,
        "same": ["x"] * 120,
    }
    return answered(tmp_path / "run", {"a": {1: HITS}}, columns=columns)


def test_the_curve_is_a_frame_with_points_and_band(run: Run) -> None:
    """One row for each threshold; the band holds the interval of every point's value."""
    (setting,) = run.settings()
    frame = run.curve(setting)
    assert frame.columns == ["delta", "value", "low", "high", "band_low", "band_high"]
    assert frame["delta"].to_list() == pytest.approx([j / 10 for j in range(11)])
    np.testing.assert_allclose(frame["value"], curve(HITS, 10).value)
    assert (frame["band_low"] <= frame["value"]).all()
    assert (frame["value"] <= frame["band_high"]).all()
    # Recall is the area under the curve.
    assert frame["value"][1:].mean() == pytest.approx(HITS.mean() / 10)


def test_what_is_no_setting_or_trial_is_refused(run: Run) -> None:
    """With where to find one."""
    trial: Any = "hnsw"
    for asked, remedy in (
        (run.curve, "run.settings()"),
        (run.hits, "run.manifest.trials"),
        (run.answers, "run.manifest.trials"),
        (run.rows, "run.manifest.trials"),
    ):
        said = re.escape(f"='hnsw' is not allowed; give one of {remedy}")
        with pytest.raises(VbenchError, match=said):
            asked(trial)


def test_clusters_are_told_by_their_values(run: Run) -> None:
    """Equal values belong together, a query without a value to no other."""
    assert run.clusters(None) is None
    users = run.clusters("user")
    assert len(np.unique(users)) == 30
    assert (users[:4] == users[0]).all()
    assert len(np.unique(run.clusters("name"))) == 2 + 60


def test_clusters_that_say_nothing_are_refused(run: Run) -> None:
    """An unknown column with the known ones, a constant one with the reason."""
    with pytest.raises(
        VbenchError, match="unknown column of the queries 'usr'; did you mean 'user'"
    ):
        run.clusters("usr")
    with pytest.raises(VbenchError, match="all queries have the same same"):
        run.clusters("same")


def test_every_number_of_a_summary_has_its_interval(run: Run) -> None:
    """Measures of the answers, and both tails, from low to high around the value."""
    (setting,) = summarize(run).settings
    parts = {"persistent": setting.tail.persistent, "some": setting.tail.build_dependent}
    for name, each in (setting.measures | parts).items():
        if "@" in name or name in parts:
            assert each.low <= each.value <= each.high, name


def test_clusters_reach_every_interval_of_a_summary(tmp_path: Path) -> None:
    """Where the queries of a user fare alike, all intervals of the answers are wider."""
    hits = np.repeat(HITS[:1, :60], 8, axis=1)
    run = answered(
        tmp_path / "alike", {"a": {1: hits}}, columns={"user": np.repeat(np.arange(60), 8)}
    )
    plain, clustered = (summarize(run, cluster=each).settings[0] for each in (None, "user"))
    for name in ("Recall@10", "Robustness(delta=0.9)@10", "CVaR(alpha=0.05)@10"):
        widths = [each.measures[name].high - each.measures[name].low for each in (plain, clustered)]
        assert widths[1] > 1.5 * widths[0], name
    assert summarize(run, cluster="user").cluster == "user"
    assert run.measure("Recall@10", cluster="user")["low"][0] < run.measure("Recall@10")["low"][0]


def test_a_setting_equals_itself_in_the_run_opened_again(run: Run) -> None:
    """Settings are the same for the same trials of the same folder, and hash alike."""
    (one,), (other,) = run.settings(), Run(run.path).settings()
    assert one is not other
    assert one == other
    assert len({one, other}) == 1
    assert one != "a"


def test_a_trial_is_read_once_for_hits_and_times(run: Run) -> None:
    """Also where it is asked whether there are ids, by what does without them."""
    (trial,) = run.settings()[0].trials[:1]
    found = run.answers(trial, ids=False)
    trial_path(run.path, trial.key).unlink()
    assert (found.ids.shape, found.place) == ((120, 0), None)
    assert run.hits(trial).tolist() == found.hits.tolist() == HITS[0].tolist()
    assert (run.fastest(trial) is None) == (found.latency_ns.size == 0)
