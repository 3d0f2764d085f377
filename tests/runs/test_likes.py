"""What a gate compares: like settings, and which are missing on a side."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from run_folder import answered

from vbench.errors import VbenchError
from vbench.runs import files
from vbench.runs.likes import Likes, pair_likes
from vbench.runs.run import Run

HITS = np.random.default_rng(0).binomial(10, 0.9, size=(3, 50))


def made(folder: Path, **indexes: list[int]) -> Run:
    """A run of indexes at values of ef."""
    return answered(folder, {name: dict.fromkeys(efs, HITS) for name, efs in indexes.items()})


def without(run: Run, *keys: str) -> Run:
    """The run, its trials at ``build-ef`` gone."""
    for key in keys:
        files.trial_path(run.path, f"{key}-10").unlink()
    return Run(run.path)


def said(found: Likes) -> tuple[list[tuple[str, str]], list[str]]:
    pairs = [(str(a), str(b)) for a, b in (pair.sides for pair in found.pairs)]
    return pairs, [str(gap) for gap in found.gaps]


def test_a_setting_is_compared_with_itself_alone(tmp_path: Path) -> None:
    """One that a side alone planned is a gap, on either side."""
    before, after = made(tmp_path / "a", hnsw=[8, 16]), made(tmp_path / "b", hnsw=[16, 32])
    pairs, gaps = said(pair_likes([before, after]))
    assert pairs == [("hnsw ef=16", "hnsw ef=16")]
    assert gaps == [
        f"hnsw ef=8 K=10: not planned in {after.path}",
        f"hnsw ef=32 K=10: not planned in {before.path}",
    ]


def test_another_setting_is_no_substitute(tmp_path: Path) -> None:
    """Also where each side has one alone; named by its parameters it is."""
    runs = [made(tmp_path / "a", hnsw=[8]), made(tmp_path / "b", hnsw=[12])]
    assert said(pair_likes(runs))[0] == []
    asked = pair_likes(runs, "hnsw ef=8", "hnsw ef=12")
    assert said(asked) == ([("hnsw ef=8", "hnsw ef=12")], [])


@pytest.mark.parametrize("side", [0, 1])
def test_what_left_no_result_is_a_gap(tmp_path: Path, side: int) -> None:
    """In whichever run; the other settings are compared."""
    runs = [made(tmp_path / name, hnsw=[8, 16]) for name in ("a", "b")]
    runs[side] = without(runs[side], *(f"b0-{build}-16" for build in range(3)))
    pairs, gaps = said(pair_likes(runs))
    assert pairs == [("hnsw ef=8", "hnsw ef=8")]
    (gap,) = [each for each in gaps if "no result" in each]
    assert gap.startswith(f"hnsw ef=16 K=10: no result in {runs[side].path} (")


def test_a_missing_build_of_the_candidate_is_a_gap(tmp_path: Path) -> None:
    """The other builds are compared."""
    before = made(tmp_path / "a", hnsw=[8])
    after = without(made(tmp_path / "b", hnsw=[8]), "b0-1-8")
    pairs, gaps = said(pair_likes([before, after]))
    assert pairs == [("hnsw ef=8", "hnsw ef=8")]
    assert gaps[0].startswith("hnsw ef=8 K=10: 1 of 3 builds missing in ")


def test_an_index_of_one_side_alone_is_a_gap(tmp_path: Path) -> None:
    """The index that both have is compared."""
    runs = [made(tmp_path / "a", hnsw=[8], ivf=[8]), made(tmp_path / "b", hnsw=[8])]
    pairs, gaps = said(pair_likes(runs))
    assert pairs == [("hnsw ef=8", "hnsw ef=8")]
    assert gaps == [f"ivf ef=8 K=10: not planned in {runs[1].path}"]


def test_other_indexes_are_compared_where_each_has_one_setting(tmp_path: Path) -> None:
    """With several, which is meant has to be said."""
    before, after = made(tmp_path / "a", old=[8]), made(tmp_path / "b", new=[9])
    assert said(pair_likes([before, after])) == ([("old ef=8", "new ef=9")], [])
    several = made(tmp_path / "c", new=[9, 10])
    with pytest.raises(VbenchError, match="name one of each with baseline and candidate"):
        pair_likes([before, several])
    with pytest.raises(VbenchError, match="say which with baseline and candidate"):
        pair_likes([made(tmp_path / "d", one=[8], two=[8]), after])


def test_at_one_mean_recall_the_nearest_settings_are_alike(tmp_path: Path) -> None:
    """Where both runs were brought to the same."""
    runs = []
    for name, ef in (("a", 8), ("b", 12)):
        run = made(tmp_path / name, hnsw=[ef])
        options = msgspec.structs.replace(run.manifest.options, at_recall=0.9)
        files.write_manifest(run.path, msgspec.structs.replace(run.manifest, options=options))
        runs.append(Run(run.path))
    assert said(pair_likes(runs)) == ([("hnsw ef=8", "hnsw ef=12")], [])


def test_within_one_run_the_indexes_are_compared(tmp_path: Path) -> None:
    """At the settings that both have."""
    run = made(tmp_path / "a", hnsw=[8, 16], ivf=[16])
    pairs, gaps = said(pair_likes([run]))
    assert pairs == [("hnsw ef=16", "ivf ef=16")]
    assert gaps == [f"hnsw ef=8 K=10: not planned in {run.path}"]
