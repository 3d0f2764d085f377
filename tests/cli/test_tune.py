"""`vbench tune` and `vbench run --at-recall`, as a user types them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from vectors import save_pair

from vbench.analysis.tuning import Tuning
from vbench.cli import main


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base and its queries as .npy, in the current folder."""
    monkeypatch.chdir(tmp_path)
    save_pair(tmp_path, 320, 240, 6, seed=9, queries="asked")
    return tmp_path


def call(command: str, *arguments: str) -> Result:
    given = ["--dataset", "base.npy", "--queries", "asked.npy", "--metric", "l2", "--out", "run"]
    once = ["--builds", "1", "--repeats", "1"]
    return CliRunner().invoke(main, [command, *given, *once, *arguments])


def test_tune_prints_what_was_tried_and_what_is_certified() -> None:
    """Then the same as JSON, from the same run folder; exit code 0."""
    arguments = ["--index", "tunable:Kept", "--target", "Recall@4>=50%", "--minimize", "IndexSize"]
    refused = call("tune", *arguments)
    assert refused.exit_code == 2
    assert "tunable:Kept does not record IndexSize" in refused.output
    arguments[-1] = "Latency(p=50)"
    printed = call("tune", *arguments)
    assert printed.exit_code == 0, printed.output
    for part in (
        "120 queries choose, 120 certify",
        "targets met",
        "passes",
        "certified",
        "next: vbench run",
    ):
        assert part in printed.output
    found = Tuning.from_json(call("tune", *arguments, "--json").stdout)
    assert found.schema == "vbench.tune/2"
    assert found.certified
    assert found.targets == ["Recall@4>=0.5"]
    assert found.best.index == "tunable:Kept"
    assert found.verdict in printed.output.replace("\n", "")


def test_a_target_that_is_not_shown_is_exit_code_1() -> None:
    """With a warning beforehand, and how many more queries it takes."""
    done = call("tune", "--index", "flat", "--target", "Robustness(delta=1.0)@4>=0.99")
    assert done.exit_code == 1
    assert "cannot certify Robustness(delta=1.0)@4>=0.99 even if all of them pass" in done.stderr
    assert "179 more queries needed" in done.output


def test_a_latency_that_so_few_queries_do_not_bound_is_said_to_be_so() -> None:
    """The table shows no bound, and the verdict how many queries it takes; the call is repeated."""
    done = call("tune", "--index", "flat", "--target", "Latency(p=99)<=9s")
    assert done.exit_code == 1, done.output
    words = done.output.replace("\n", " ")
    assert "too few for an upper bound; 179 more queries needed" in words
    assert "--dataset" in words[words.index("next: vbench run --index flat") :]


def test_the_call_that_is_named_next_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same data, also where its ground truth was left out or the terminal is narrow."""
    monkeypatch.setenv("COLUMNS", "60")
    target = ("--index", "flat", "--target", "Recall@4>=50%", "--ground-truth", "none")
    done = call("tune", *target)
    said = done.output.partition("next: vbench ")[2].partition("again:")[0]
    words = shlex.split(said)
    assert words[words.index("--ground-truth") + 1] == "none"
    again = CliRunner().invoke(main, [*words, "--out", "next", "--builds", "1", "--repeats", "1"])
    assert again.exit_code == 0, again.output


def test_a_target_that_nothing_reaches_names_the_best() -> None:
    """In the verdict; exit code 1."""
    done = call("tune", "--index", "tunable:Half", "--target", "Recall@4>=0.95")
    assert done.exit_code == 1
    assert "not met: no setting that was tried reaches Recall@4>=0.95; the best reached is" in (
        done.output
    )


def test_what_other_work_on_the_machine_decides_is_exit_code_3() -> None:
    """After few settings; what does not depend on time is certified all the same."""
    arguments = ["--index", "tunable:Waits", "--target", "Recall@4>=0.3 and Latency(p=50)<=1us"]
    done = call("tune", *arguments)
    assert done.exit_code == 3, done.output
    words = " ".join(done.output.split())
    assert "cannot be judged on this machine: Latency(p=50)<=1e-06 depends on" in words
    assert "not met" not in words
    assert "Recall@4>=0.3 is certified for tunable:Waits keep=" in words
    assert re.search(r"at 2 of [2-5] settings tried", words)
    again = call("tune", *arguments, "--json")
    found = Tuning.from_json(again.stdout)
    assert again.exit_code == 3
    assert (found.judged, found.met, found.certified) == (False, None, False)
    assert [each.judged for each in found.best.targets] == [True, False]
    assert [each.certified for each in found.best.targets] == [True, False]
    assert [each.judged for each in found.tried].count(False) == 2


def test_what_is_reached_or_missed_on_any_machine_is_judged() -> None:
    """A latency that is kept though the core was taken; a recall that nothing reaches."""
    kept = ["--index", "tunable:Waits", "--target", "Recall@4>=0.3 and Latency(p=50)<=9s"]
    assert call("tune", *kept).exit_code == 0
    missed = ["--index", "tunable:Half", "--target", "Recall@4>=0.95 and Latency(p=50)<=1us"]
    done = call("tune", *missed, "--fresh")
    assert done.exit_code == 1
    assert "not met" in done.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--target", "Recall@4"], "is not a target"),
        (["--target", "Recall@4>=0.9", "--maximize", "Latency(p=99)"], "write --minimize"),
        (["--target", "Recall@4>=0.9", "--set", "kep=3"], "did you mean 'keep'"),
        ([], "--target"),
    ],
)
def test_a_wrong_call_is_exit_code_2(arguments: list[str], says: str) -> None:
    """And nothing is written."""
    done = call("tune", "--index", "tunable:Kept", *arguments)
    assert done.exit_code == 2
    assert says in done.output
    assert not Path("run").exists()


def test_at_recall_shows_how_each_index_came_to_the_level() -> None:
    """One table for that, and the settings at the level alone in the others and in the JSON."""
    arguments = ["-k", "4", "-i", "tunable:Kept", "-i", "flat", "--at-recall", "0.5"]
    printed = call("run", *arguments)
    assert printed.exit_code == 0, printed.output
    assert "Matched recall: 0.5" in printed.output
    assert "no parameter to tune: Recall@4 is 1.0000" in printed.output
    document = json.loads(call("run", *arguments, "--json").stdout)
    kept, flat = document["levels"]
    shown = [each["setting"] for each in document["settings"] if each["index"] == "tunable:Kept"]
    assert shown == kept["chosen"]
    assert len(kept["tried"]) > len(shown)
    assert flat["reached"] is False
