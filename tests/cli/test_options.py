"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner, Result
from vectors import gaussian_pair

from vbench.cli import main


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base, queries and ground truth of other queries, in the current folder."""
    monkeypatch.chdir(tmp_path)
    base, queries = gaussian_pair(200, 25, 6, seed=4)
    ids = np.argsort(((queries[:, None] - base) ** 2).sum(-1), axis=1)[:, :10]
    np.save("base.npy", base)
    np.save("queries.npy", queries)
    np.save("groundtruth.npy", ids[::-1])
    np.save("right.npy", ids)


def call(*arguments: str) -> Result:
    given = ["--index", "flat", "--dataset", "base.npy", "--out", "run"]
    few = ["-k", "5", "--builds", "1", "--repeats", "1"]
    return CliRunner().invoke(main, ["run", *given, *few, *arguments])


@pytest.mark.parametrize(
    "way",
    [
        ["--ground-truth", "none"],
        ["--truth", "none"],
        ["--no-truth"],
        ["--ground-truth", "right.npy"],
        ["--truth", "right.npy"],
    ],
)
def test_wrong_ground_truth_and_the_ways_out(data: None, way: list[str]) -> None:
    """The message that refuses it names what works, by each of its names."""
    refused = call("--metric", "l2")
    assert refused.exit_code == 2
    assert "groundtruth.npy: query 0" in refused.output
    assert "(--ground-truth none)" in refused.output
    assert call("--metric", "l2", *way).exit_code == 0


@pytest.mark.parametrize("word", ["euclidean", "L2", "squared_l2"])
def test_words_for_a_metric(data: None, word: str) -> None:
    """What another tool calls the metric is understood; what is not is refused with a hint."""
    assert call("--metric", word, "--no-truth").exit_code == 0
    refused = call("--metric", "hamming")
    assert refused.exit_code == 2
    assert "'hamming' is not one of l2, ip, cosine" in refused.output


def test_the_way_out_works_where_the_message_is_told(data: None) -> None:
    """`vbench data` and `tail` take it too, or need none."""
    runner = CliRunner()
    for command in (["show", "base.npy"], ["convert", "base.npy", "x.hdf5"], ["truth", "base.npy"]):
        refused = runner.invoke(main, ["data", *command, "--metric", "l2"])
        assert refused.exit_code == 2
        assert "--ground-truth none" in refused.output
        taken = runner.invoke(main, ["data", *command, "--metric", "l2", "--ground-truth", "none"])
        assert taken.exit_code == 0, taken.output
    assert call("--metric", "l2", "--no-truth").exit_code == 0
    told = runner.invoke(main, ["tail", "run", "--dataset", "base.npy", "--metric", "l2"])
    assert told.exit_code == 0, told.output


@pytest.mark.parametrize(
    ("before", "start", "expected"),
    [
        (["run", "--index"], "hn", {"hnsw", "hnsw-mips", "hnswlib"}),
        (["run", "--dataset"], "boo", {"books"}),
        (["index", "check"], "hn", {"hnsw", "hnsw-mips", "hnswlib"}),
        (["data", "show"], "boo", {"books"}),
        (["data", "fetch"], "glove", {"glove-50"}),
    ],
)
def test_names_are_completed_beside_files(
    before: list[str], start: str, expected: set[str]
) -> None:
    """Names of the catalog that begin so, and a file of that name."""
    shell = BashComplete(main, {}, "vbench", "_VBENCH_COMPLETE")
    found = shell.get_completions(before, start)
    assert expected <= {item.value for item in found if item.type == "plain"}
    assert [item.value for item in found if item.type == "file"] == [start]


@pytest.mark.parametrize("text", ["0.5", "10%", "1,000", ""])
def test_queries_to_learn_from_are_a_whole_number_or_a_file(text: str) -> None:
    """A share of them is neither."""
    result = CliRunner().invoke(main, ["run", "--index", "flat", "--learn", text])
    assert result.exit_code == 2
    assert f"{text!r} is no number of queries; write --learn 2000" in result.output
