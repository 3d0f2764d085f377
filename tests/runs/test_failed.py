"""What was planned and left no result."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from run_folder import answered

from vbench.cli import main
from vbench.runs import files
from vbench.runs.failed import failed_trials, missing_results
from vbench.runs.loads import label_load
from vbench.runs.run import Run
from vbench.runs.schema import Failure, Level, Load

HITS = np.random.default_rng(0).binomial(10, 0.9, size=(3, 50))


def made(folder: Path, *lost: str, **indexes: list[int]) -> Run:
    """A run of indexes at values of ef, its trials at ``build-ef`` gone."""
    run = answered(folder, {name: dict.fromkeys(efs, HITS) for name, efs in indexes.items()})
    for key in lost:
        files.trial_path(folder, f"{key}-10").unlink()
    return Run(run.path)


def test_each_setting_says_how_many_builds_it_lacks_and_why(tmp_path: Path) -> None:
    """Of every run; the reason is that of the first build, or that the run was stopped."""
    lost = [f"b0-{build}-16" for build in range(3)]
    runs = [
        made(tmp_path / "a", "b0-1-8", *lost, hnsw=[8, 16, 32]),
        made(tmp_path / "b", "b0-2-8", ivf=[8]),
    ]
    failure = Failure(trial="b0-1-8-10", reason="no luck")
    manifest = msgspec.structs.replace(runs[0].manifest, failures=[failure])
    files.write_manifest(runs[0].path, manifest)
    runs[0] = Run(runs[0].path)
    assert missing_results(runs) == (
        f"hnsw ef=8 K=10: 1 of 3 builds missing in {tmp_path / 'a'} (no luck)",
        f"hnsw ef=16 K=10: no result in {tmp_path / 'a'} (not reached: the run was stopped)",
        f"ivf ef=8 K=10: 1 of 3 builds missing in {tmp_path / 'b'} "
        "(not reached: the run was stopped)",
    )
    found = [(each.run, each.index, each.build_number) for each in failed_trials(runs)]
    first, second = map(str, (tmp_path / "a", tmp_path / "b"))
    assert sorted(found) == [
        (first, "hnsw", 0), (first, "hnsw", 1), (first, "hnsw", 1), (first, "hnsw", 2),
        (second, "ivf", 2),
    ]  # fmt: skip


def test_of_another_k_nothing_is_named(tmp_path: Path) -> None:
    """Where one K is asked for."""
    run = made(tmp_path / "a", "b0-1-8", hnsw=[8])
    assert len(missing_results([run], 10)) == len(failed_trials([run], 10)) == 1
    assert missing_results([run], 5) == failed_trials([run], 5) == ()


def test_what_was_not_answered_under_a_load_is_named_with_it(tmp_path: Path) -> None:
    """As tables name it: the same setting asked by one client has all its builds."""
    run = made(tmp_path / "a", hnsw=[8])
    load = Load(key="c4", mode="closed", clients=4, by="threads")
    asked = [msgspec.structs.replace(each, key=f"{each.key}-c4", load="c4") for each in run.done]
    manifest = msgspec.structs.replace(
        run.manifest, trials=[*run.manifest.trials, *asked], loads=[Load(), load]
    )
    files.write_manifest(run.path, manifest)
    (missing,) = missing_results([Run(run.path)])
    assert missing.startswith(f"hnsw ef=8 {label_load(load)} K=10: no result in")


def test_steps_on_the_way_to_a_mean_recall_are_not_missing(tmp_path: Path) -> None:
    """Their trials failed, but no setting of theirs is shown."""
    run = made(tmp_path / "a", "b0-1-8", hnsw=[8, 16])
    level = Level(
        index="hnsw",
        build={"M": 16},
        k=10,
        fixed={},
        tune_parameter="ef",
        target=0.9,
        tolerance=0.005,
        reached=True,
        chosen=[{"ef": 16}],
        tried=[],
        note="",
    )
    manifest = msgspec.structs.replace(run.manifest, levels=[level])
    files.write_manifest(run.path, manifest)
    run = Run(run.path)
    assert missing_results([run]) == ()
    assert len(failed_trials([run])) == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("compare", "ivf ef=8 K=10: no result in"),
        ("compare --candidate ivf", "ivf ef=8 K=10: no result in"),
        ("compare --candidate ivg", "unknown index"),
        ("tail --index ivf", "ivf ef=8 K=10: no result in"),
        ("tail --setting ef=32", "hnsw ef=32 K=10: no result in"),
        ("tail --setting ef=64", "it holds: ef=16"),
    ],
)
def test_what_is_asked_for_and_has_no_result_is_refused_with_its_reason(
    tmp_path: Path, command: str, words: str
) -> None:
    """And not as if it had never been planned."""
    lost = [f"{each}-{build}-{ef}" for each, ef in (("b0", 32), ("b1", 8)) for build in range(3)]
    run = made(tmp_path / "run", *lost, hnsw=[16, 32], ivf=[8])
    name, *more = command.split()
    result = CliRunner().invoke(main, [name, str(run.path), *more])
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
