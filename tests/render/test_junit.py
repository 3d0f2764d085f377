"""A comparison as JUnit's XML: what fails, what is skipped, what passes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from run_folder import answered

from vbench import compare
from vbench.analysis.comparison import Comparison
from vbench.render.junit import junit_of

GOOD = np.random.default_rng(3).binomial(10, 0.95, size=(3, 400))
BAD = np.random.default_rng(4).binomial(10, 0.80, size=(3, 400))


@pytest.fixture
def before(tmp_path: Path) -> str:
    """A run of two settings."""
    answered(tmp_path / "before", {"hnsw": {16: BAD, 32: GOOD}})
    return str(tmp_path / "before")


def cases(comparison: Comparison) -> dict[tuple[str, str], str]:
    """How each case ended, by what it is about."""
    (suite,) = ElementTree.fromstring(junit_of(comparison).encode())
    found = {
        (case.get("classname", ""), case.get("name", "")): case[0].tag
        for case in suite.iter("testcase")
    }
    ends = list(found.values())
    assert suite.get("tests") == str(len(ends))
    assert suite.get("failures") == str(ends.count("failure"))
    assert suite.get("skipped") == str(ends.count("skipped"))
    return found


def test_a_measure_that_is_worse_fails_under_a_gate_alone(before: str, tmp_path: Path) -> None:
    """What passes says its verdict; without a gate nothing fails."""
    answered(tmp_path / "after", {"hnsw": {16: BAD, 32: BAD}})
    runs = [before, str(tmp_path / "after")]
    gated = cases(compare(runs, measures="Recall@10", fail_if_worse=0.01))
    assert sorted(gated.values()) == ["failure", "system-out"]
    (lost,) = (about for (about, _), end in gated.items() if end == "failure")
    assert lost == "hnsw ef=32 (before) → hnsw ef=32 (after)"
    assert set(cases(compare(runs, measures="Recall@10")).values()) == {"system-out"}


def test_what_is_missing_and_floors_have_cases(before: str, tmp_path: Path) -> None:
    """A planned setting without result fails a gate; a floor fails where it is not reached."""
    answered(tmp_path / "after", {"hnsw": {16: BAD, 32: GOOD}})
    for path in (tmp_path / "after" / "trials").glob("*-16-10.parquet"):
        path.unlink()
    found = compare([before, str(tmp_path / "after")], fail_if_worse=0.01)
    assert [end for (about, _), end in cases(found).items() if about == "results"] == ["failure"]
    floors = cases(compare([before], at_least="Recall@10>=0.9"))
    assert floors == {
        ("hnsw ef=16", "Recall@10>=0.9"): "failure",
        ("hnsw ef=32", "Recall@10>=0.9"): "system-out",
    }


def test_what_cannot_be_judged_is_skipped(before: str, tmp_path: Path) -> None:
    """A blind gate that must see has a case for each loss that it cannot."""
    few = np.random.default_rng(5).binomial(10, 0.8, size=(2, 20))
    other = np.random.default_rng(6).binomial(10, 0.8, size=(2, 20))
    answered(tmp_path / "one", {"hnsw": {16: few}})
    answered(tmp_path / "two", {"hnsw": {16: other}})
    runs = [str(tmp_path / "one"), str(tmp_path / "two")]
    found = compare(runs, measures="Recall@10", fail_if_worse=0.001, fail_if_blind=True)
    assert found.exit_code == 3
    assert sorted(cases(found).values()) == ["skipped", "system-out"]
