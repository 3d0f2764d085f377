"""The folder of a run: claimed by one call at a time, and nothing else is ever thrown away."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest
from run_folder import answered, dataset_facts
from vectors import gaussian_pair

import vbench
from vbench.bench.folder import claim, grow
from vbench.bench.prepare import MeasureOptions, PreparedRun, prepare
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError, VbenchWarning
from vbench.indexes import code
from vbench.indexes.given import KEPT
from vbench.indexes.registry import load_class
from vbench.runs import files
from vbench.runs.run import Run
from vbench.runs.schema import Failure, Level, Manifest


@pytest.fixture(scope="module")
def prepared() -> PreparedRun:
    dataset = Dataset("made", *gaussian_pair(60, 4, 4), "l2")
    return prepare(dataset, "flat", None, MeasureOptions(k=10, builds=1, repeats=1))


@pytest.fixture
def run(prepared: PreparedRun, tmp_path: Path) -> Run:
    """A run of the same data, two trials."""
    fingerprint = prepared.dataset.fingerprint
    return answered(
        tmp_path / "run", {"hnsw": {1: [1, 2, 3, 4], 2: [2, 3, 4, 5]}}, fingerprint=fingerprint
    )


def every_file(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_what_a_killed_run_was_writing_is_swept(prepared: PreparedRun, tmp_path: Path) -> None:
    """Half files are no foreign ones, and go; in the folder of the trials too."""
    names = (
        ".run.json.7-0123abcd.part",
        "trials/.key.parquet.7-0123abcd.part",
        "trials/.all.parquet.7-0123abcd.part",
        ".report.html.vbench-lock",
    )
    for name in names:
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    with claim(tmp_path / "run", prepared, fresh=True):
        assert every_file(tmp_path) == set()


def test_a_new_folder_is_made_and_goes_where_nothing_was_begun(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """One that was there stays, and so does a run."""
    new, there = tmp_path / "a" / "new", tmp_path / "there"
    there.mkdir()
    for folder in (new, there):
        with suppress(ZeroDivisionError), claim(folder, prepared, fresh=False) as claimed:
            assert (claimed.before, claimed.done, claimed.damaged) == (None, frozenset(), False)
            assert (folder / files.TRIALS).is_dir()
            raise ZeroDivisionError
    assert (new.exists(), there.exists()) == (False, True)
    with suppress(ZeroDivisionError), claim(new, prepared, fresh=False):
        (new / files.MANIFEST).write_text("{}")
        raise ZeroDivisionError
    assert (new / files.MANIFEST).exists()


@pytest.mark.parametrize("fresh", [True, False])
def test_what_is_no_run_is_left_alone(
    prepared: PreparedRun, tmp_path: Path, *, fresh: bool
) -> None:
    """Neither a file nor a folder with anything else in it, also beside what a run has."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "half" / "figures").mkdir(parents=True)
    (tmp_path / "mixed" / files.TRIALS).mkdir(parents=True)
    (tmp_path / "mixed" / "notes.txt").write_text("mine")
    before = every_file(tmp_path)
    for name, says in (
        ("file", "is a file; give a folder with out"),
        ("half", "holds something else than a run"),
        ("mixed", "holds something else than a run"),
    ):
        with (
            pytest.raises(VbenchError, match=says),
            claim(tmp_path / name, prepared, fresh=fresh),
        ):
            pass
    assert every_file(tmp_path) == before


def test_a_run_is_gone_on_with(prepared: PreparedRun, run: Run) -> None:
    """Its manifest, and the keys of the trials that are whole."""
    with claim(run.path, prepared, fresh=False) as claimed:
        assert claimed.before == run.manifest
        assert claimed.done == {trial.key for trial in run.manifest.trials}
        assert not claimed.damaged


def test_fresh_throws_away_what_was_measured_and_what_came_of_it(
    prepared: PreparedRun, run: Run
) -> None:
    """Not what others put beside it."""
    (run.path / "notes.txt").write_text("mine")
    (run.path / files.RANK).write_text("{}")
    (run.path / files.OLD).mkdir()
    with claim(run.path, prepared, fresh=True) as claimed:
        assert (claimed.before, claimed.done) == (None, frozenset())
        assert every_file(run.path) == {"notes.txt"}


def test_a_run_that_ended_before_its_manifest_is_gone_on_with(
    prepared: PreparedRun, run: Run
) -> None:
    """Also one that measured a class of a notebook, whose module stands in the folder."""
    (run.path / KEPT).mkdir()
    (run.path / KEPT / "class_Mine.py").touch()
    (run.path / files.MANIFEST).unlink()
    with claim(run.path, prepared, fresh=False) as claimed:
        assert claimed.done


def test_a_damaged_trial_is_set_aside(prepared: PreparedRun, run: Run) -> None:
    """Told by its name; the other one counts."""
    bad, good = (trial.key for trial in run.manifest.trials)
    path = files.trial_path(run.path, bad)
    path.write_bytes(path.read_bytes()[:-30])
    with (
        pytest.warns(VbenchWarning, match=f"{bad}.*is damaged .*set aside, and measured again"),
        claim(run.path, prepared, fresh=False) as claimed,
    ):
        assert (claimed.done, claimed.damaged) == ({good}, True)
    assert not path.exists()
    assert (run.path / files.OLD / path.name).exists()


def test_a_damaged_manifest_is_set_aside(prepared: PreparedRun, run: Run) -> None:
    """The trials say themselves what they are."""
    (run.path / files.MANIFEST).write_text("{")
    with (
        pytest.warns(VbenchWarning, match="run.json is damaged .*made anew, from what was"),
        claim(run.path, prepared, fresh=False) as claimed,
    ):
        assert (claimed.before, len(claimed.done), claimed.damaged) == (None, 2, True)
    assert (run.path / files.OLD / files.MANIFEST).exists()


def test_a_run_of_other_data_is_not_gone_on_with(prepared: PreparedRun, tmp_path: Path) -> None:
    """It stays as it is; `fresh` is the way."""
    other = answered(tmp_path / "run", {"hnsw": {1: [1, 2, 3, 4]}})
    before = every_file(other.path)
    with (
        pytest.raises(VbenchError, match="holds a run on other data: made with"),
        claim(other.path, prepared, fresh=False),
    ):
        pass
    assert every_file(other.path) == before


def test_a_folder_is_held_by_one_call(prepared: PreparedRun, run: Run) -> None:
    """The second is refused, and can have it afterwards."""
    with (
        claim(run.path, prepared, fresh=False),
        pytest.raises(VbenchError, match="another vbench run"),
        claim(run.path, prepared, fresh=False),
    ):
        pass
    with claim(run.path, prepared, fresh=False):
        pass


K = 5
INDEX = """
from pathlib import Path
import numpy as np, vbench
from order import sign
class Mine(vbench.Index):
    metrics = frozenset({"l2"})
    sweep = {"effort": [1, 2]}
    def fit(self, base, metric, *, seed, threads):
        self.base = base
    def set(self, effort: int = 1):
        self.effort = effort
    def version(self):
        path = Path(__file__).with_name("version.txt")
        return {"server": path.read_text()} if path.exists() else {}
    def search(self, queries, k):
        distances = ((queries[:, None] - self.base[None]) ** 2).sum(-1)
        return np.argsort(sign * distances, axis=1)[:, :k]
"""


def made(seed: int = 0) -> Dataset:
    return Dataset("tiny", *gaussian_pair(200, 30, 6, seed), "l2")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an index of the user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.py").write_text(INDEX)
    (tmp_path / "order.py").write_text("sign = 1\n")
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name in ("mine", "order"):
            del sys.modules[name]
    load_class.cache_clear()


def measured(
    *indexes: str, out: str | None = "run", **changes: Any
) -> tuple[vbench.Run, list[str]]:
    """A run, and what was said while it was made."""
    options: dict[str, Any] = {"k": K, "builds": 1, "repeats": 1} | changes
    data = options.pop("data", None) or made()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = vbench.run(data, list(indexes), out=out, **options)
    return run, [str(each.message) for each in caught if each.category is VbenchWarning]


def stamps(run: vbench.Run) -> dict[str, int]:
    folder = run.path / files.TRIALS
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def recalls(run: vbench.Run) -> list[float]:
    return run.measure(f"Recall@{K}")["value"].to_list()


def test_an_edited_index_is_measured_anew(place: Path) -> None:
    """Its module, or one that it imports; what changed is said, the old results are kept aside."""
    run, said = measured("mine:Mine", out=None)
    assert (recalls(run), said) == ([1.0, 1.0], [])
    (place / "order.py").write_text("sign = -1\n")
    importlib.invalidate_caches()
    again, said = measured("mine:Mine", out=None)
    assert again.path == run.path
    assert recalls(again) == [0.0, 0.0]
    assert len(said) == 1
    assert "mine:Mine: " in said[0]
    assert "measured anew" in said[0]
    assert len(list((run.path / files.OLD).glob("*.parquet"))) == 2
    (later,) = again.manifest.later
    assert (later.remeasured, later.added) == (0, 2)
    assert "changed since" in later.why[0]


def test_an_upgraded_library_is_measured_anew(
    place: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its version is in the key and in run.json, and both versions are told."""
    library = tmp_path_factory.mktemp("library")
    monkeypatch.syspath_prepend(library)
    (place / "order.py").write_text("from mylib import sign\n")

    def install(version: str, sign: int) -> None:
        info = library / "mylib.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mylib\nVersion: {version}\n")
        (info / "RECORD").write_text("mylib.py,,\n")
        (library / "mylib.py").write_text(f"sign = {sign}\n")
        importlib.invalidate_caches()
        code._distributions.cache_clear()

    install("1.0", 1)
    run, _ = measured("mine:Mine")
    assert run.manifest.builds[0].requires == {"mylib": "1.0", "numpy": np.__version__}
    install("2.0", -1)
    again, said = measured("mine:Mine")
    assert recalls(again) == [0.0, 0.0]
    assert "mylib is 2.0, was 1.0" in said[0]
    assert again.manifest.builds[0].requires == {"mylib": "2.0", "numpy": np.__version__}


def test_where_nothing_is_measured_that_is_said(place: Path) -> None:
    """With the time of the run, and how to measure again."""
    first, _ = measured("flat")
    again, said = measured("flat")
    assert stamps(again) == stamps(first)
    assert len(said) == 1
    assert said[0].startswith("nothing was measured: taken from the run of 2")
    assert "fresh=True" in said[0]
    assert measured("flat", fresh=True)[1] == []


def test_a_run_grows_by_settings_k_builds_and_indexes(place: Path) -> None:
    """Each call measures what is missing, and all is shown together, in order."""
    run, _ = measured("hnsw", settings={"ef": [32]})
    before = stamps(run)
    for changes in (
        {"settings": {"ef": [8, 32]}},
        {"settings": {"ef": [32]}, "k": [K, 3]},
        {"settings": {"ef": [8, 32]}, "builds": 2},
    ):
        run, said = measured("hnsw", **changes)
        assert said == []
        assert before.items() <= stamps(run).items()
        assert len(stamps(run)) > len(before)
        before = stamps(run)
    run, _ = measured("flat")
    assert before.items() < stamps(run).items()
    frame = run.measure(f"Recall@{K}")
    assert frame.select("index", "setting", "builds").rows() == [
        ("hnsw", "ef=8", 2),
        ("hnsw", "ef=32", 2),
        ("flat", "", 1),
    ]
    assert run.measure("Recall@3")["builds"].to_list() == [1]
    assert (run.manifest.options.k, run.manifest.options.builds) == ([3, K], 2)
    assert [later.added for later in run.manifest.later] == [1, 1, 2, 1]
    assert run.ground_truth.ids.shape == (30, 2 * K)


def test_other_data_or_options_are_refused(place: Path) -> None:
    """The message names the difference; nothing is touched."""
    run, _ = measured("flat")
    before = stamps(run)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"repeats": 2}, "repeats 1, this call has 2"),
        ({"seed": 3}, "seed 0, this call has 3"),
        ({"recall_rule": "id"}, "recall_rule exact-tie, this call has id"),
        ({"at_recall": 0.9}, r"at_recall none, this call has 0\.9"),
        ({"data": made(1)}, "on other data: tiny with 200 × 6 and 30 queries, fingerprint"),
    ]
    for changes, says in refused:
        with pytest.raises(VbenchError, match=says):
            measured("flat", **changes)
    assert stamps(run) == before


def test_a_damaged_trial_is_measured_again(place: Path) -> None:
    """It is told in a line and kept aside; the others stay."""
    run, _ = measured("hnsw", settings={"ef": [8, 32]})
    before = stamps(run)
    path = files.trial_path(run.path, run.manifest.trials[0].key)
    path.write_bytes(path.read_bytes()[:-40])
    again, said = measured("hnsw", settings={"ef": [8, 32]})
    assert len(said) == 1
    assert path.name in said[0]
    after = stamps(again)
    assert after.pop(path.name) != before.pop(path.name)
    assert after == before
    assert (run.path / files.OLD / path.name).is_file()


@pytest.mark.parametrize("damage", ["gone", "edited", "cut"])
def test_a_damaged_manifest_is_made_anew(place: Path, damage: str) -> None:
    """What was measured is kept: trials say themselves what they are."""
    run, _ = measured("flat")
    before, path = stamps(run), run.path / files.MANIFEST
    if damage == "gone":
        path.unlink()
    else:
        text = path.read_text()
        path.write_text(text.replace('"flat"', '"flit"') if damage == "edited" else text[:100])
    again, said = measured("flat")
    assert stamps(again) == before
    assert again.manifest.builds[0].index == "flat"
    assert any("run.json is damaged" in line for line in said) == (damage != "gone")
    assert measured("flat", fresh=True)[0].path == run.path


def test_a_damaged_table_is_made_anew(place: Path) -> None:
    """Missing or not whole: the same call writes it again, and measures nothing."""
    run, _ = measured("flat")
    before = stamps(run)
    for name in ("queries.parquet", "ground_truth/static.parquet"):
        for content in (None, b"PAR1"):
            (run.path / name).unlink()
            if content:
                (run.path / name).write_bytes(content)
            again, _ = measured("flat")
            assert stamps(again) == before
            assert again.ground_truth.ids.shape == (30, 2 * K)
            assert again.queries.height == 30


class Unruled(vbench.Index):
    """Each time it is built it keeps another part of the base, whatever the seed."""

    metrics = frozenset({"l2"})
    sweep: ClassVar[dict[str, list[int]]] = {"effort": [1, 2]}

    def fit(self, base: Any, metric: str, *, seed: int, threads: int) -> None:
        seen = Path("fits")
        count = len(seen.read_text()) if seen.exists() else 0
        seen.write_text("x" * (count + 1))
        self.base = base[: len(base) // 2 + 20 * count]

    def set(self, effort: int = 1) -> None:
        pass

    def search(self, queries: Any, k: int) -> Any:
        distances = ((queries[:, None] - self.base[None]) ** 2).sum(-1)
        return np.argsort(distances, axis=1)[:, :k]


def test_a_build_that_is_another_one_is_measured_whole(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of its results must not be of one index and half of another."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    run, _ = measured("test_folder:Unruled", settings={"effort": [1]})
    before = run.facts(run.done[0]).answers
    again, said = measured("test_folder:Unruled", settings={"effort": [1, 2]})
    assert "answers otherwise" in said[0]
    assert again.facts(again.done[0]).answers != before
    assert again.facts(again.done[0]).answers == again.facts(again.done[1]).answers


def test_a_server_of_another_version_is_another_index(place: Path) -> None:
    """What `version` says after fit belongs to the result."""
    (place / "version.txt").write_text("1")
    run, _ = measured("mine:Mine", settings={"effort": [1]})
    assert run.manifest.builds[0].server == {"server": "1"}
    (place / "version.txt").write_text("2")
    again, said = measured("mine:Mine", settings={"effort": [1, 2]})
    assert "it is of version server 2 now, was server 1" in said[0]
    assert again.manifest.builds[0].server == {"server": "2"}
    before = stamps(again)
    assert "nothing was measured" in measured("mine:Mine", settings={"effort": [1, 2]})[1][0]
    assert stamps(again) == before
    (place / "version.txt").write_text("3")
    last, said = measured("mine:Mine", settings={"effort": [1, 2]})
    assert "it is of version server 3 now, was server 2" in said[0]
    assert not before.items() & stamps(last).items()


def test_the_call_is_kept(place: Path) -> None:
    """In Python, as it can be written; the environment and the libraries beside it."""
    run, _ = measured("hnsw", settings={"ef": [8]})
    manifest = run.manifest
    assert manifest.call.python is not None
    expected = "vbench.run(tiny, ['hnsw'], settings={'ef': [8]}, k=[5], builds=1, "
    assert manifest.call.python.startswith(expected)
    (environment,) = manifest.environments.values()
    assert {"hnswlib", "numpy", "click", "vbench-ann"} <= set(environment.packages)
    assert any("BLAS" in name for name in environment.kernels)
    (build,) = manifest.builds
    assert build.requires is not None
    assert set(build.requires) == {"hnswlib", "numpy"}
    assert build.code
    assert build.order_seed not in (None, build.seed)
    document = json.loads((run.path / files.MANIFEST).read_text())
    assert document["schema"] == "vbench.run/2"


def test_a_run_at_one_recall_grows_too(place: Path) -> None:
    """Another index is brought there beside the first; the same call measures nothing."""
    run, _ = measured("hnsw", at_recall=0.9, builds=2)
    before = stamps(run)
    run, said = measured("ivf-flat", at_recall=0.9, builds=2)
    assert said == []
    assert before.items() <= stamps(run).items()
    assert [level.index for level in run.manifest.levels] == ["hnsw", "ivf-flat"]
    before = stamps(run)
    run, said = measured("hnsw", at_recall=0.9, builds=2)
    assert "nothing was measured" in said[0]
    assert stamps(run) == before
    assert [level.index for level in run.manifest.levels] == ["hnsw", "ivf-flat"]


def planned(settings: list[int], index: str = "tunable:Kept", **changes: Any) -> PreparedRun:
    asked = MeasureOptions(**{"k": K, "builds": 2, "repeats": 1} | changes)
    return prepare(made(), index, {"keep": settings} if settings else None, asked)


def manifest_of(prepared: PreparedRun, **changes: Any) -> Manifest:
    return Manifest(
        vbench="0",
        created="2026-01-02T03:04:05+00:00",
        dataset=dataset_facts(30),
        options=prepared.options,
        **{"builds": prepared.plan.builds, "trials": prepared.plan.trials} | changes,
    )


def test_what_failed_is_tried_again_where_it_is_planned_again() -> None:
    """Its failure is no more; that of another setting stays, but where it has its result now."""
    before = planned([8, 9, 10])
    failures = [Failure(trial=trial.key, reason="no") for trial in before.plan.trials[:3]]
    now = planned([8])
    done = {before.plan.trials[1].key}
    found = grow(manifest_of(before, failures=failures), now.plan, now.options, done)
    assert [each.trial for each in found.failures] == [before.plan.trials[2].key]


def test_what_was_never_reached_and_is_not_planned_now_goes() -> None:
    """What left a result stays, in the order of the settings."""
    before, now = planned([30, 4]), planned([9])
    kept = [trial for trial in before.plan.trials if trial.setting["keep"] == 30]
    done = {trial.key for trial in kept}
    found = grow(manifest_of(before), now.plan, now.options, done)
    assert [(trial.build, trial.setting["keep"]) for trial in found.trials] == [
        (build.key, keep) for build in before.plan.builds for keep in (9, 30)
    ]
    assert (found.added, found.stale, found.why) == (2, [], [])
    assert found.builds == before.plan.builds


def test_levels_of_an_index_that_changed_go() -> None:
    """Those of the others stay; all trials of its builds are stale, whatever is planned."""
    before = planned([8, 9])
    old = [msgspec.structs.replace(build, code="old") for build in before.plan.builds]
    old = [msgspec.structs.replace(build, key=f"o{build.number}") for build in old]
    keys = dict(zip((build.key for build in before.plan.builds), old, strict=True))
    trials = [
        msgspec.structs.replace(trial, build=keys[trial.build].key) for trial in before.plan.trials
    ]
    levels = [
        Level(
            index=index, build={}, fixed={}, k=K, target=0.9, tune_parameter=None, tried=[],
            chosen=[], reached=True,
        )
        for index in ("tunable:Kept", "flat")
    ]  # fmt: skip
    manifest = manifest_of(before, builds=old, trials=trials, levels=levels)
    now = planned([8])
    found = grow(manifest, now.plan, now.options, {trial.key for trial in trials})
    assert found.stale == trials
    assert found.trials == now.plan.trials
    assert [level.index for level in found.levels] == ["flat"]
    assert len(found.why) == 1
    assert found.why[0].startswith("tunable:Kept: ")
    assert "changed since 2026-01-02" in found.why[0]
