"""Which setting is compared with which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folder import answered

from vbench.errors import VbenchError
from vbench.runs.pairing import Pair, pairs
from vbench.runs.run import Run

M = 60


def constant(hits: int, builds: int = 2) -> np.ndarray:
    return np.full((builds, M), hits)


@pytest.fixture
def two(tmp_path: Path) -> Run:
    """An hnsw at recall 0.5, 0.8 and 0.9; ivf at 0.3, 0.9 and 1.0."""
    return answered(
        tmp_path / "two",
        {
            "hnsw": {16: constant(5), 32: constant(8), 64: constant(9)},
            "ivf": {1: constant(3), 2: constant(9), 4: constant(10)},
        },
    )


def named(found: list[Pair]) -> list[tuple[str, str]]:
    return [pair.names for pair in found]


def test_two_indexes_are_compared_where_their_recall_is_nearest(two: Run) -> None:
    """Without names, of one run: the first index against the other, at equal mean recall."""
    assert named(pairs([two])) == [("hnsw ef=64", "ivf ef=2")]


def test_of_equal_recalls_the_one_nearest_to_the_usual_is_taken(tmp_path: Path) -> None:
    """Where several settings are equally near, the comparison is made at 0.9 and not at 1."""
    same = {2: constant(5), 4: constant(9), 8: constant(10)}
    run = answered(tmp_path / "run", {"a": {key + 1: h for key, h in same.items()}, "b": same})
    assert named(pairs([run])) == [("a ef=5", "b ef=4")]


def test_names_choose_settings(two: Run) -> None:
    """An index with parameters is that setting; without, the nearest one of it."""
    assert named(pairs([two], "ivf ef=1", "hnsw ef=16")) == [("ivf ef=1", "hnsw ef=16")]
    assert named(pairs([two], "ivf ef=1", "hnsw")) == [("ivf ef=1", "hnsw ef=16")]
    assert named(pairs([two], baseline="ivf")) == [("ivf ef=2", "hnsw ef=64")]
    assert named(pairs([two], candidate="hnsw")) == [("ivf ef=2", "hnsw ef=64")]
    assert named(pairs([two], "hnsw ef=16", "hnsw ef=64")) == [("hnsw ef=16", "hnsw ef=64")]


def test_before_and_after_are_compared_at_every_common_setting(two: Run, tmp_path: Path) -> None:
    """The same index in two runs needs no names; the runs' names tell the sides apart."""
    after = answered(
        tmp_path / "after", {"hnsw": {32: constant(7), 64: constant(9), 96: constant(9)}}
    )
    found = pairs([two, after])
    assert named(found) == [
        ("hnsw ef=32 (two)", "hnsw ef=32 (after)"),
        ("hnsw ef=64 (two)", "hnsw ef=64 (after)"),
    ]
    assert found[0].candidate.run is after
    assert len(pairs([two, after], settings=["ef=64"])) == 1


def test_two_runs_of_one_index_each_need_no_names(tmp_path: Path) -> None:
    """Different indexes, one in each run, are compared at the nearest recall."""
    a = answered(tmp_path / "a", {"hnsw": {16: constant(5), 64: constant(9)}})
    b = answered(tmp_path / "b", {"ivf": {1: constant(4), 2: constant(9)}})
    assert named(pairs([a, b])) == [("hnsw ef=64", "ivf ef=2")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"baseline": "nhsw"}, r"unknown index of the run 'nhsw'; did you mean 'hnsw'"),
        (
            {"baseline": "hnsw ef=17"},
            r"no setting of the run fits 'hnsw ef=17'; hnsw has: M=16 ef=16",
        ),
        ({"baseline": "hnsw ef=16", "candidate": "hnsw ef=16"}, "are the same results"),
        ({"settings": ["ef"]}, "'ef' is not name=value"),
        ({"settings": ["ef=5"]}, "nothing in .* has ef=5; it holds: ef=16"),
    ],
)
def test_wrong_names_are_refused(two: Run, given: dict[str, str], message: str) -> None:
    """The message says what was given and what there is."""
    with pytest.raises(VbenchError, match=message):
        pairs([two], **given)


def test_one_index_is_not_compared_with_itself(tmp_path: Path) -> None:
    """The message names two settings that could be."""
    run = answered(tmp_path / "one", {"hnsw": {16: constant(5), 64: constant(9)}})
    with pytest.raises(VbenchError, match="baseline='hnsw ef=16' candidate='hnsw ef=64'"):
        pairs([run])


def test_other_data_are_refused(tmp_path: Path) -> None:
    """Runs whose vectors, rule, truth or K differ do not compare, each with its own reason."""
    hits = {"hnsw": {16: constant(5)}}
    run = answered(tmp_path / "run", hits)
    others = {
        "other vectors": answered(tmp_path / "data", hits, fingerprint="0" * 64),
        "recall_rule": answered(tmp_path / "rule", hits, rule="id"),
        "different exact neighbors": answered(tmp_path / "truth", hits, truth_from=7),
        "only results at the same K": answered(tmp_path / "k", hits, k=20),
    }
    for message, other in others.items():
        with pytest.raises(VbenchError, match=message):
            pairs([run, other])


def test_several_indexes_in_both_runs_are_matched_by_name(two: Run, tmp_path: Path) -> None:
    """Each index is held against itself; where none is common, names are asked for."""
    after = answered(tmp_path / "after", {"ivf": {2: constant(9)}, "hnsw": {64: constant(9)}})
    assert [each.baseline.index for each in pairs([two, after])] == ["hnsw", "ivf"]
    strange = answered(tmp_path / "new", {"x": {2: constant(9)}, "y": {64: constant(9)}})
    with pytest.raises(VbenchError, match="say which with baseline and candidate"):
        pairs([two, strange])
