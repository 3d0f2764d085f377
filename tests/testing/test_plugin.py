"""The pytest plug-in, tried by a pytest of its own, with nothing installed."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import numpy as np
import pytest

def build(seed):
    return float(np.random.default_rng(seed).normal(0.8, 0.01))

def test_kept(recall_at_least):
    recall_at_least(0.8, build, loss=0.05)

def test_lost(assert_measure):
    assert_measure("Robustness(delta=0.9)@10", 0.9, build, loss=0.05)

def test_unknown(recall_at_least):
    recall_at_least(0.8, build, loss=0.001, k=5)

def test_other():
    pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester):
    """A pytest with the plug-in."""
    pytester.makepyfile(test_index=TESTS)

    def call(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(
            "-p", "vbench.testing.plugin", "--strict-markers", "-W", "error", *arguments
        )

    return call


def test_what_was_seen_is_told_at_the_end_and_at_the_line_that_failed(run) -> None:
    """Kept and lost tests have their line; a failure ends at the user's own line."""
    result = run()
    result.assert_outcomes(passed=2, failed=2)
    text = result.stdout.str()
    assert "= recall tests =" in text
    assert "test_index.py::test_kept  kept: Recall@10 0." in text
    assert "test_index.py::test_lost  lost: Robustness(delta=0.9)@10 0." in text
    assert "test_index.py::test_unknown  undecided: Recall@5 0." in text
    assert '>       assert_measure("Robustness(delta=0.9)@10", 0.9, build, loss=0.05)' in text
    assert "E         reference 0.9, loss that matters 0.05" in text
    assert "vbench/testing/assertions.py" not in text


def test_undecided_tests_are_skipped_where_that_is_asked_for(run) -> None:
    """``--recall-undecided skip`` says so for a whole session."""
    result = run("--recall-undecided", "skip", "-rs")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    assert "Recall@5 cannot be told: 20 builds" in result.stdout.str()


def test_another_seed_makes_other_builds(run) -> None:
    """``--recall-seed`` stands in place of each test's own; the same one gives the same line."""

    def line(*arguments: str) -> str:
        lines = run("-k", "kept", *arguments).outlines
        return next(line for line in lines if "kept: Recall@10" in line)

    assert line() == line("--recall-seed", "0")
    assert line() != line("--recall-seed", "5")


def test_the_marker_chooses_the_tests(run) -> None:
    """Tests that use a fixture bear it, others do not."""
    run("-m", "not recall").assert_outcomes(passed=1, deselected=3)


def test_the_reference_is_measured_in_place_of_a_test(run) -> None:
    """``--recall-reference`` asserts nothing and says what to write."""
    result = run("--recall-reference")
    result.assert_outcomes(passed=1, skipped=3)
    assert (
        "test_kept  Recall@10 0.7985 over 20 builds, standard deviation 0.008"
        in result.stdout.str()
    )


def test_what_was_seen_is_in_junit_and_comes_from_workers(run, pytester: pytest.Pytester) -> None:
    """The line of a test is a property of its case, also with pytest-xdist."""
    result = run("--junit-xml", "found.xml", "-n", "1", "-k", "kept")
    assert "test_index.py::test_kept  kept: Recall@10 0." in result.stdout.str()
    (case,) = ElementTree.parse(pytester.path / "found.xml").iter("testcase")
    (found,) = case.iter("property")
    assert found.get("name") == "vbench"
    assert found.get("value").startswith("kept: Recall@10 0.")
