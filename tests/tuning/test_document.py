"""What is shown of a tuning: its rows, and its verdict in words."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from vectors import gaussian_pair

import vbench
from vbench.analysis.tuning import Tuning
from vbench.bench.prepare import MeasureOptions
from vbench.data.dataset import Dataset
from vbench.tuning import tuner
from vbench.tuning.document import Found, describe, verdict
from vbench.tuning.evidence import Evidence

TARGET = "Robustness(delta=0.6)@5>=0.8"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A search with one parameter, as it came to its end."""
    kept: list[Found] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(tuner, "describe", lambda found, *_: kept.append(found))
        patch.setattr(tuner, "store_tuning", lambda *_: None)
        tuner.tune(
            Dataset("tiny", *gaussian_pair(640, 400, 8, seed=7), "l2"),
            ["tunable:Kept"],
            TARGET,
            MeasureOptions(builds=2, repeats=1),
            minimize="Latency(p=50)",
            out=tmp_path_factory.mktemp("found") / "run",
        )
    return kept[0]


def changed(found: Found, **of_evidence: Any) -> Found:
    """The same, with other evidence of the held-out half."""
    (evidence,) = found.best.evidence
    best = with_evidence(found.best, dataclasses.replace(evidence, **of_evidence))
    return dataclasses.replace(found, best=best)


def with_evidence(of: Any, evidence: Evidence) -> Any:
    """A claim or a try with this evidence in its one view."""
    (view,) = of.views
    views = (dataclasses.replace(view, evidence=(evidence,)),)
    return dataclasses.replace(of, evidence=(evidence,), views=views)


def test_rows_are_settings_with_what_the_calibration_half_says(found: Found) -> None:
    """Names of the measures are keys; the best setting is one of those tried."""
    tuning = describe(found)
    assert set(tuning.tried[0].measures) == {"Robustness(delta=0.6)@5", "Latency(p=50)"}
    (best,) = [row for row in tuning.tried if row.setting == tuning.best.setting]
    assert best.met
    assert best.passes
    assert (best.builds, best.missing) == (2, 0)
    assert tuning.best.targets[0].held_out.bound >= 0.8
    assert tuning.indexes[0].settings == len(tuning.tried)
    assert tuning.indexes[0].met


def test_the_document_is_read_as_it_was_written(found: Found) -> None:
    """Every field, also bounds that are infinite: these are None."""
    tuning = describe(changed(found, bound=-math.inf))
    assert tuning.best.targets[0].held_out.bound is None
    assert Tuning.from_json(tuning.to_json()) == tuning
    assert repr(tuning) == f"<Tuning {tuning.verdict}>"


def test_what_is_certified_says_on_what_it_rests(found: Found) -> None:
    """Setting, target, builds, confidence, queries."""
    said = verdict(found)
    assert said.startswith("certified: tunable:Kept keep=")
    assert f"meets {TARGET} in each of 2 builds, with 95% confidence, on 200 queries" in said


@pytest.mark.parametrize(
    ("evidence", "says"),
    [
        (
            {"value": 0.9, "bound": 0.75, "slack": -0.1, "more": 40},
            "is 90.0 % on the held-out queries, lower bound 75.0 % in every build; 40 more",
        ),
        (
            {"value": 0.7, "bound": 0.6, "slack": -0.5, "more": None},
            "lower bound 60.0 % in every build: no number of queries that answer like these",
        ),
        (
            {"value": 1.0, "bound": -math.inf, "slack": -1.0, "more": 5},
            "too few for a lower bound; 5 more queries needed",
        ),
        (
            {"value": 0.9, "bound": None, "slack": -0.1, "more": None},
            f"which does not meet {TARGET} in every build",
        ),
    ],
)
def test_what_is_not_certified_says_what_it_takes(
    found: Found, evidence: dict[str, Any], says: str
) -> None:
    """The value, its bound, and how many more queries would show it."""
    said = verdict(changed(found, **evidence))
    assert said.startswith("not certified: tunable:Kept keep=")
    assert says in said


def test_what_was_not_recorded_is_not_met(found: Found) -> None:
    """The verdict names the measure and the setting."""
    (target,) = found.judge.targets
    nothing = Evidence(target, None, None, (None, None), -math.inf, -math.inf, None)
    best = dataclasses.replace(found.best, tried=with_evidence(found.best.tried, nothing))
    missed = dataclasses.replace(found, best=best, is_met=False)
    assert "Robustness(delta=0.6)@5 was not recorded for tunable:Kept" in verdict(missed)


def test_the_run_of_a_tuning_opens(found: Found) -> None:
    """Its path stands in the document."""
    run = vbench.open(Path(describe(found).run))
    assert len(run.settings()) == len(found.judge.tried)
