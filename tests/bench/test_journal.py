"""run.json while a run goes on: nothing that happened is forgotten by a later crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from vectors import gaussian_pair

from vbench.bench.folder import ClaimedFolder
from vbench.bench.journal import Journal, Progress, silent
from vbench.bench.plan import make_trial
from vbench.bench.prepare import MeasureOptions, PreparedRun, prepare
from vbench.bench.session import TrialError
from vbench.data.dataset import Dataset
from vbench.errors import VbenchWarning
from vbench.runs import files
from vbench.runs.schema import Call, Level, Manifest, Trial

CALL = Call(argv=["vbench", "run"], folder="/somewhere")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset("made", *gaussian_pair(60, 5, 4), "l2")


@pytest.fixture(scope="module")
def prepared(dataset: Dataset) -> PreparedRun:
    """Two builds, two settings each."""
    return prepare(dataset, "tunable:Kept", None, MeasureOptions(k=4, builds=2, repeats=1))


@pytest.fixture(scope="module")
def level(dataset: Dataset) -> PreparedRun:
    """The same at one mean recall: nothing is planned yet."""
    return prepare(
        dataset, "tunable:Kept", None, MeasureOptions(k=4, builds=2, repeats=1, at_recall=0.9)
    )


def journal(
    folder: Path,
    prepared: PreparedRun,
    before: Manifest | None = None,
    done: Any = (),
    progress: Progress = silent,
) -> Journal:
    (folder / files.TRIALS).mkdir(parents=True, exist_ok=True)
    return Journal(folder, prepared, ClaimedFolder(before, frozenset(done), False), progress)


def leave(folder: Path, *trials: Trial) -> list[str]:
    """Let trials have their result."""
    for trial in trials:
        files.trial_path(folder, trial.key).touch()
    return [trial.key for trial in trials]


def stored(folder: Path) -> Manifest:
    """What run.json says, but for its digest."""
    return msgspec.structs.replace(files.read_manifest(folder), digest="")


def test_what_failed_is_in_the_file_at_once(prepared: PreparedRun, tmp_path: Path) -> None:
    """With reason, last words and kind; as are later changes."""
    made = journal(tmp_path, prepared)
    made.fail(prepared.plan.trials[:2], TrialError("why", "log", kind="memory", fatal=True))
    assert stored(tmp_path) == made.manifest
    failures = stored(tmp_path).failures
    assert [each.trial for each in failures] == [t.key for t in prepared.plan.trials[:2]]
    assert {(f.reason, f.log, f.kind) for f in failures} == {("why", "log", "memory")}
    made.note_build(prepared.plan.builds[1], server={"a": "1"})
    made.note_kernels({"lib": "AVX"})
    now = stored(tmp_path)
    assert [each.server for each in now.builds] == [None, {"a": "1"}]
    assert made.noted_build(prepared.plan.builds[1]).server == {"a": "1"}
    assert now.environments[made.environment].kernels["lib"] == "AVX"


def test_progress_counts_what_is_done_and_what_failed(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """What an earlier call left counts from the start, and a result that is set aside no more."""
    told: list[tuple[str, int, int]] = []

    def note(doing: str, done: int, total: int) -> None:
        told.append((doing, done, total))

    first, second, third, _ = prepared.plan.trials
    (tmp_path / files.TRIALS).mkdir()
    leave(tmp_path, first)
    made = journal(tmp_path, prepared, progress=note)
    made.tell("a")
    made.count_trial()
    made.fail([third], TrialError("why", fatal=False))
    made.tell("b")
    leave(tmp_path, second)
    with pytest.warns(VbenchWarning, match="it is another one"):
        made.renew(prepared.plan.builds[0], [first, second], "it is another one")
    made.tell("c")
    assert told == [("a", 1, 4), ("b", 3, 4), ("c", 1, 4)]
    assert made.tried == 2
    assert sorted(path.stem for path in (tmp_path / files.OLD).iterdir()) == sorted(
        [first.key, second.key]
    )


def test_what_is_chosen_later_is_planned_once(level: PreparedRun, tmp_path: Path) -> None:
    """Builds and trials, as far as they are new."""
    made = journal(tmp_path, level)
    assert (made.manifest.builds, made.manifest.trials) == ([], [])
    builds = level.plan.builds
    trials = [make_trial(build, {"keep": 9}, 4, level.options) for build in builds]
    for _ in range(2):
        made.plan(builds, trials)
        assert (made.manifest.builds, made.manifest.trials) == (builds, trials)
    assert stored(tmp_path) == made.manifest


def test_a_level_puts_its_trials_in_the_order_of_its_parameter(
    level: PreparedRun, tmp_path: Path
) -> None:
    """Those of its own K alone; one that was there keeps its place."""
    made = journal(tmp_path, level)
    builds, (group,) = level.plan.builds, level.plan.groups
    for keep, k in ((30, 4), (2, 3), (8, 4), (16, 4)):
        made.plan(builds[:1], [make_trial(builds[0], {"keep": keep}, k, level.options)])

    def found(index: str, target: float) -> Level:
        nothing: dict[str, Any] = {"build": {}, "fixed": {}, "tried": [], "chosen": []}
        return Level(
            index=index, k=4, target=target, tune_parameter="keep", reached=True, **nothing
        )

    for each in (found("one", 0.5), found("two", 0.5), found("one", 0.7)):
        made.add_level(group, each)
    keeps = [(trial.setting["keep"], trial.k) for trial in made.manifest.trials]
    assert keeps == [(8, 4), (2, 3), (16, 4), (30, 4)]
    assert [(each.index, each.target) for each in made.manifest.levels] == [
        ("one", 0.7),
        ("two", 0.5),
    ]


def finished(folder: Path, prepared: PreparedRun) -> tuple[Manifest, list[str]]:
    made = journal(folder, prepared)
    made.write()
    made.conclude(CALL)
    assert made.manifest.later == []
    return made.manifest, leave(folder, *prepared.plan.trials)


def test_a_call_that_did_nothing_is_not_noted(prepared: PreparedRun, tmp_path: Path) -> None:
    """Nor is the first one, which the manifest has anyway."""
    before, done = finished(tmp_path, prepared)
    made = journal(tmp_path, prepared, before, done)
    made.conclude(CALL)
    assert made.manifest.later == []
    assert (made.manifest.created, made.manifest.call) == (before.created, before.call)


def test_a_later_call_is_noted_with_what_it_added(
    dataset: Dataset, prepared: PreparedRun, tmp_path: Path
) -> None:
    """What it measured anew is told apart; K and builds of both calls are those of the run."""
    before, done = finished(tmp_path, prepared)
    asked = MeasureOptions(k=3, builds=1, repeats=1)
    more = prepare(dataset, "tunable:Kept", {"keep": [8, 9, 10]}, asked)
    made = journal(tmp_path, more, before, done)
    for _ in range(3):
        made.count_trial()
    made.conclude(CALL)
    (later,) = stored(tmp_path).later
    assert (later.call, later.added, later.remeasured, later.why) == (CALL, 3, 0, [])
    assert (made.manifest.options.k, made.manifest.options.builds) == ([3, 4], 2)
    assert {trial.key for trial in before.trials} < {trial.key for trial in made.manifest.trials}


def test_results_of_a_build_that_is_another_one_are_set_aside(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """They are planned anew under other keys, and why is noted."""
    before, done = finished(tmp_path, prepared)
    old = [msgspec.structs.replace(each, key=f"x{each.key[1:]}") for each in before.builds]
    keys = {build.key: changed.key for build, changed in zip(before.builds, old, strict=True)}
    trials = [msgspec.structs.replace(trial, build=keys[trial.build]) for trial in before.trials]
    made = journal(
        tmp_path, prepared, msgspec.structs.replace(before, builds=old, trials=trials), done
    )
    assert made.manifest.builds == prepared.plan.builds
    assert len(list((tmp_path / files.OLD).iterdir())) == 4
    made.conclude(CALL)
    (later,) = made.manifest.later
    assert later.why == ["tunable:Kept: it was measured in another way"]


def test_another_machine_is_an_environment_beside_the_first(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """The kernels that were noted of the one that is known stay."""
    before, done = finished(tmp_path, prepared)
    (here,) = before.environments.values()
    kernels = msgspec.structs.replace(here, kernels={"lib": "AVX"})
    before = msgspec.structs.replace(
        before, environments={"elsewhere": here, **dict.fromkeys(before.environments, kernels)}
    )
    made = journal(tmp_path, prepared, before, done)
    assert made.manifest.environments == before.environments
    assert made.environment != "elsewhere"
