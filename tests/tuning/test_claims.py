"""An index is held to its claim: what is told of honest ones, of liars, and of wrong calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import claiming
import numpy as np
import pytest
from tunable import Kept
from vectors import gaussian_pair

import vbench
from vbench.errors import VbenchError
from vbench.tuning.claims import read_claim

BASE, QUERIES = gaussian_pair(640, 600, 12, seed=21)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))


def audit(kind: type[Any], target: str = "Recall@10>=0.6", **more: Any) -> vbench.ClaimAudit:
    given = {"queries": QUERIES, "metric": "l2", "trials": 2, "windows": 5, **more}
    return vbench.audit_index(BASE, kind, target, **given)


def test_an_honest_claim_holds() -> None:
    """It surely reaches the target, and claims about what is true, at a cost beside that of others.

    The oracle reaches as many queries as its widest setting does, at no more cost than that.
    """
    found = audit(claiming.Honest)
    assert found.status == "holds", found.verdict
    assert found.proposed == {"keep": 42}
    assert found.queries.held_out == 300
    assert found.measure == "Recall@10"
    assert found.claimed == pytest.approx(42 / 64)
    assert found.true.value == found.value.value
    # Some vectors of the base are nearer to many than others are.
    assert found.deviation.value == pytest.approx(0.0, abs=0.05)
    claimed, fixed, oracle = found.costs
    assert (claimed.way, fixed.way, oracle.way) == ("claimed", "fixed", "oracle")
    assert claimed.setting == {"keep": 42}
    assert fixed.certified
    assert fixed.value >= 0.6
    assert oracle.reached >= fixed.reached
    assert found.under.value == pytest.approx(1 - claimed.reached)


def test_a_lie_is_found() -> None:
    """Too much is claimed, too little is found, and the estimates are off by that everywhere."""
    found = audit(claiming.Lying)
    assert found.status == "broken"
    assert found.deviation.value == pytest.approx(0.49, abs=0.05)
    assert "it claims Recall@10 of 0.990, +0.4" in found.verdict
    told = found.calibration
    assert told is not None
    assert told.error == pytest.approx(found.deviation.value)
    assert len(told.bins) == 1
    assert [each.n for each in told.windows] == [60] * 5
    assert told.brier > told.brier_of_mean


def test_estimates_that_are_recalls_are_calibrated() -> None:
    """Every bin, every call and every query; parts of equal estimates are never told apart."""
    found = audit(claiming.Knowing)
    told = found.calibration
    assert told is not None
    assert (told.error, told.brier, told.window_error) == (0.0, 0.0, 0.0)
    assert found.deviation.value == 0.0
    assert sum(each.n for each in told.bins) == 300
    assert all(a.high < b.low for a, b in zip(told.bins, told.bins[1:], strict=False))


def test_without_estimates_the_target_is_the_claim() -> None:
    """Also one of Robustness, where an index takes it; with too few queries nothing is sure."""
    found = audit(claiming.Silent)
    assert (found.claimed, found.calibration) == (0.6, None)
    assert found.deviation.value == pytest.approx(0.6 - (found.value.value or 0))
    narrow = audit(claiming.Silent, "Recall@10>=0.94", settings={"keep": [64]})
    assert narrow.proposed == {"keep": 64}
    assert narrow.status == "holds"
    with pytest.raises(VbenchError, match=r"Robustness.* mean recall alone is promised"):
        audit(claiming.Silent, "Robustness(delta=0.5)@10>=0.6")


def test_what_is_wrong_is_one_line() -> None:
    """No claim, no setting, estimates that are none, a target of something else, few queries."""
    for kind, target, said in (
        (Kept, "Recall@10>=0.6", "claims nothing: its class has no claim()"),
        (claiming.Careless, "Recall@10>=0.6", "width"),
        (claiming.Wordy, "Recall@10>=0.6", "claim returned 'keep=32'; return search parameters"),
        (claiming.Boasting, "Recall@10>=0.6", "1.5 among them after 60 queries"),
        (claiming.Short, "Recall@10>=0.6", "estimates returned list of shape"),
        (claiming.Honest, "Recall@10", "is not a target"),
        (claiming.Honest, "Failure@10<=0.1", "nothing that is audited"),
        (claiming.Honest, "Recall@10>=0.6 and R0.9@10>=0.5", "nothing that is audited"),
    ):
        with pytest.raises(VbenchError) as told:
            audit(kind, target)
        assert said in str(told.value)
        assert "\n" not in str(told.value)
    with pytest.raises(VbenchError, match="199 queries are too few"):
        audit(claiming.Honest, queries=QUERIES[:199])
    with pytest.raises(VbenchError, match="windows=0"):
        audit(claiming.Honest, windows=0)


def test_targets_are_of_recall() -> None:
    """As people write them."""
    assert str(read_claim("R0.9@10 >= 90%")) == "Robustness(delta=0.9)@10>=0.9"
    assert str(read_claim("recall@5>=0.9")) == "Recall@5>=0.9"


def test_ids_are_rows_where_some_vectors_are_left_out() -> None:
    """Vectors of length 0 have no direction, and are not in the index."""
    base = np.concatenate([np.zeros((1, 12), np.float32), BASE])
    found = vbench.audit_index(
        base, claiming.Honest, "Recall@10>=0.6", queries=QUERIES, metric="cosine", trials=2
    )
    assert found.deviation.low is not None
    assert found.deviation.low < 0.01
