"""The folder of a run: claimed by one call at a time, and nothing else is ever thrown away."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from run_folder import answered
from vectors import gaussian_pair

from vbench.bench.folder import claim
from vbench.bench.prepare import MeasureOptions, PreparedRun, prepare
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError, VbenchWarning
from vbench.runs import files
from vbench.runs.run import Run


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
        ("file", "is a file; give --out a folder"),
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
