"""Run folders of version 0.1.0 are read as they were shown then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vbench.analysis.internals import internals_of
from vbench.analysis.summary import summarize
from vbench.analysis.tail import choose, explain
from vbench.runs.run import Run

OLD = Path(__file__).parent / "version_0_1_0"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy, to which nothing is written."""
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old"


def test_every_number_is_as_it_was_shown(old: Path) -> None:
    """Measures, failures and settings of a sweep, against the document that 0.1.0 printed."""
    expected = json.loads((OLD / "expected.json").read_text())
    found = summarize(Run(old / "sweep"))
    assert len(found.settings) == len(expected["settings"])
    for new, was in zip(found.settings, expected["settings"], strict=True):
        assert (new.index, new.setting) == (was["index"], was["setting"])
        for name, value in was["measures"].items():
            # Percentiles of latency are of single calls now; those of 0.1 have another name.
            if not name.startswith("Latency"):
                assert new.measures[name].value == pytest.approx(value, nan_ok=True), name
    for p in (50, 99):
        shown = [each["measures"][f"Latency(p={p})"] for each in expected["settings"]]
        best = Run(old / "sweep").measure(f"BestLatency(p={p})")["value"].to_list()
        assert best == pytest.approx(shown)
    names = ("index", "setting", "reason")
    failed = [{name: getattr(each, name) for name in names} for each in found.failed]
    assert failed == expected["failed"]


def test_what_was_not_recorded_is_none(old: Path) -> None:
    """None never equals what is recorded now, so that nothing old is taken for new."""
    run = Run(old / "sweep")
    build, facts = run.manifest.builds[0], run.facts(run.done[0])
    assert build.tune_parameter == "ef"
    assert (build.code, build.requires, build.order_seed) == (None, None, None)
    assert run.manifest.environments["recorded"].packages["numpy"]
    assert facts.build.space == "none"
    assert facts.batch is not None
    assert facts.batch.seconds > 0
    assert run.columns.columns == ["activity"]
    assert run.ground_truth.ids.shape == (40, 10)


def test_levels_and_internals_are_found(old: Path) -> None:
    """How an index was brought to a recall; what its builds look like inside; hardness."""
    level = Run(old / "level")
    assert level.manifest.levels[0].reached
    assert level.manifest.levels[0].tune_parameter
    assert len(level.settings()) == 1
    sweep = Run(old / "sweep")
    assert internals_of(choose(sweep, ["hnsw"])[0], 0.9) is not None
    assert explain(sweep).indexes[0].hardness
