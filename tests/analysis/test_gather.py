"""Tests of gathering runs into panels."""

from __future__ import annotations

from pathlib import Path

import pytest
from render.made_run import make_run
from vectors import gaussian_pair

import vbench
from vbench.analysis.gather import gather
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError


def test_each_k_is_a_panel_of_its_own(tmp_path: Path) -> None:
    """Settings are only ever compared at the same K."""
    report = gather(make_run(tmp_path, m=40, ks=(5, 10)))
    assert [panel.k for panel in report.panels] == [5, 10]
    assert all(shown.k == panel.k for panel in report.panels for shown in panel.settings)


def test_ids_are_unique_over_panels(tmp_path: Path) -> None:
    """A setting's id names it on the whole page."""
    ids = [shown.id for shown in gather(make_run(tmp_path, m=40, ks=(5, 10))).settings]
    assert len(set(ids)) == len(ids) == 12


def test_an_index_of_two_runs_carries_the_run_in_its_name(tmp_path: Path) -> None:
    """Before and after stay apart; an index that only one run has keeps its name."""
    before = make_run(tmp_path / "before", m=40)
    after = make_run(tmp_path / "after", m=40, names=("hnsw", "lsh"))
    report = gather([before, after])
    assert report.indexes == ("hnsw · before", "ivf-flat", "hnsw · after", "lsh")
    assert len(report.panels) == 1


def test_runs_of_other_data_get_panels_of_their_own(tmp_path: Path) -> None:
    """One name for different vectors is told apart by fingerprint and rule."""
    one = make_run(tmp_path / "one", m=40)
    other = make_run(tmp_path / "other", m=40, seed=1)
    report = gather([one, other])
    assert len(report.panels) == len({panel.data for panel in report.panels}) == 2
    assert report.indexes == ("hnsw", "ivf-flat")


def test_a_failed_index_keeps_its_place_among_the_names(tmp_path: Path) -> None:
    """Its color stays its own when the run is taken up again."""
    report = gather(make_run(tmp_path, m=40, failed=(0,)))
    assert report.indexes == ("hnsw", "ivf-flat")
    assert report.panels[0].indexes == ["ivf-flat"]


def test_a_run_with_nothing_finished_has_no_panel(tmp_path: Path) -> None:
    """Asking for one says what to do."""
    report = gather(make_run(tmp_path, m=40, pending=18))
    assert report.panels == ()
    with pytest.raises(VbenchError, match="give the same `vbench run` again"):
        report.panel()


def test_an_unknown_k_is_refused_with_those_there_are(tmp_path: Path) -> None:
    """The message names the K of the run."""
    with pytest.raises(VbenchError, match=r"no result at K=7; there are K=10"):
        gather(make_run(tmp_path, m=40)).panel(7)


def test_no_run_at_all_is_refused() -> None:
    """An empty list makes no report."""
    with pytest.raises(VbenchError, match="at least one run"):
        gather([])


def test_a_part_of_the_base_is_no_panel_of_the_whole(tmp_path: Path) -> None:
    """An index that begins with half of the vectors is not compared with one that has them all."""
    dataset = Dataset("tiny", *gaussian_pair(200, 10, 4), "l2")
    asked = {"k": 5, "builds": 1, "repeats": 1}
    runs = [
        vbench.run(dataset, "ivf-flat", **asked, workload=workload, out=tmp_path / name)
        for name, workload in (("whole", "static"), ("grown", "growth:0.5"))
    ]
    report = gather(runs)
    assert [panel.name for panel in report.panels] == [
        "tiny, K = 5",
        "tiny, K = 5, at step 1 of growth:0.5",
    ]
    assert report.indexes == ("ivf-flat",)
