"""Indexes that are kept: found again, never half there, within their room, the oldest go first."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from vectors import gaussian_pair

import vbench
from vbench.analysis.rebuild import explain_internals
from vbench.bench import kept as module
from vbench.bench import wire
from vbench.bench.kept import KeptIndex, KeptIndexes, NotKeptError, can_be_kept, describe
from vbench.data.dataset import Dataset
from vbench.data.prune import FACTS_OF_INDEX
from vbench.errors import VbenchWarning
from vbench.runs.schema import Build


@pytest.fixture
def fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that counts fits."""
    path = tmp_path / "fits"
    monkeypatch.setenv("KEEPING_FITS", str(path))
    return path


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("tiny", *gaussian_pair(200, 20, 6, seed=5), "l2")


def build_of(number: int) -> Build:
    return Build(key=f"b{number}", index="x", adapter="keeping:Keeps", number=number)


def facts_of(build: Build) -> KeptIndex:
    return KeptIndex(
        build=build,
        opened=wire.Opened(space="none"),
        fitted=wire.Fitted(1.0, 1.0, 10, 20, "adapter"),
        fit_cores=1.0,
        files=[wire.KeptFile("index", 3, 7)],
    )


def put(kept: KeptIndexes, build: Build, size: int = 3) -> None:
    with kept.make_room(build, None) as folder:
        (folder / "index").write_bytes(b"x" * size)
        describe(folder, facts_of(build))


def run(dataset: Dataset, index: str, out: Path, **changes: object) -> vbench.Run:
    options: dict = {"k": 5, "builds": 1, "repeats": 1, "out": out}
    return vbench.run(dataset, index, **options | changes)


def count(fits: Path) -> int:
    return len(fits.read_text().split()) if fits.exists() else 0


def test_what_was_built_is_loaded(dataset: Dataset, fits: Path, tmp_path: Path) -> None:
    """For another setting, K, folder or filter, at the cost of the build, which the run tells."""
    first = run(dataset, "keeping:Keeps", tmp_path / "a")
    assert count(fits) == 1
    run(dataset, "keeping:Keeps", tmp_path / "a", k=3, settings={"ef": [10, 20]})
    other = run(dataset, "keeping:Keeps", tmp_path / "b", filters="random:0.5")
    assert count(fits) == 1
    old, new = first.facts(first.done[0]), other.facts(other.done[0])
    assert (old.built, old.phases.keys()) == (None, {"fit"})
    assert new.built is not None
    assert new.phases.keys() == {"fit", "load"}
    assert (new.build_seconds, new.peak_bytes) == (old.build_seconds, old.peak_bytes)
    assert new.answers == old.answers
    assert {each.code for each in other.manifest.warnings} >= {"kept-indexes"}
    again = vbench.open(tmp_path / "a")
    assert "kept-indexes" not in {each.code for each in again.manifest.warnings}
    assert len(again.done) == 1 + 2


def test_without_keeping_all_is_built(dataset: Dataset, fits: Path, tmp_path: Path) -> None:
    """And nothing kept; `fresh` builds again, and its builds take the place of the old ones."""
    run(dataset, "keeping:Keeps", tmp_path / "a", keep_indexes=False)
    assert not (vbench._paths.home() / "indexes").exists()
    run(dataset, "keeping:Keeps", tmp_path / "b")
    run(dataset, "keeping:Keeps", tmp_path / "b", fresh=True)
    assert count(fits) == 3
    run(dataset, "keeping:Keeps", tmp_path / "c")
    assert count(fits) == 3


def test_an_index_whose_base_changes_is_built(fits: Path, tmp_path: Path) -> None:
    """Its builds are neither kept nor loaded."""
    data = Dataset("tiny", *gaussian_pair(200, 20, 6, seed=5), "l2")
    for name in "ab":
        run(data, "hnsw", tmp_path / name, workload="churn", settings={"ef": [20]})
    assert not list((vbench._paths.home() / "indexes").glob("*"))


@pytest.mark.parametrize(
    ("index", "said", "expected"),
    [
        ("RaisesInSave", "is not kept for later runs: OSError: .* No space left", 2),
        ("DiesInSave", "is not kept for later runs: the worker was killed by SIGKILL", 3),
        ("RaisesInLoad", "its kept index is of no use .ValueError: of another version", 2),
    ],
)
def test_what_cannot_be_kept_is_built(
    dataset: Dataset, fits: Path, tmp_path: Path, index: str, said: str, expected: int
) -> None:
    """A line says why, and the run is as it would be without."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for name in "ab":
            done = run(dataset, f"keeping:{index}", tmp_path / name)
            assert len(done.done) == 1
            assert done.manifest.failures == []
    assert any(re.search(said, str(each.message)) for each in told)
    assert count(fits) >= expected
    left = [path for path in (vbench._paths.home() / "indexes").glob("*") if path.is_file()]
    assert not left


@pytest.mark.parametrize("damage", ["changed", "short", "gone", "facts"])
def test_damaged_files_are_not_believed(
    dataset: Dataset, fits: Path, tmp_path: Path, damage: str
) -> None:
    """A byte, the end or a file is missing: it is built again, and kept instead."""
    run(dataset, "keeping:Keeps", tmp_path / "a")
    (folder,) = (vbench._paths.home() / "indexes").glob("*")
    file = folder / ("index/base.npy" if damage != "facts" else FACTS_OF_INDEX)
    content = file.read_bytes()
    middle = len(content) // 2
    spoilt = {
        "changed": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "short": content[:-8],
        "facts": content[:-8],
    }
    file.write_bytes(spoilt[damage]) if damage != "gone" else file.unlink()
    told = contextlib.nullcontext()
    if damage != "facts":
        told = pytest.warns(VbenchWarning, match="not those that were saved")
    with told:
        run(dataset, "keeping:Keeps", tmp_path / "b")
    run(dataset, "keeping:Keeps", tmp_path / "c")
    assert count(fits) == 2


def test_other_kernels_make_another_index(dataset: Dataset, fits: Path, tmp_path: Path) -> None:
    """What building costs is theirs: it is built again."""
    run(dataset, "keeping:Keeps", tmp_path / "a")
    (folder,) = (vbench._paths.home() / "indexes").glob("*")
    path = folder / FACTS_OF_INDEX
    text = module.files.read_json(path)
    text["fitted"]["kernels"] = dict.fromkeys(text["fitted"]["kernels"], "of 1998")
    module.files.write_json(path, text)
    with pytest.warns(VbenchWarning, match="was of 1998 when it was built"):
        run(dataset, "keeping:Keeps", tmp_path / "b")
    assert count(fits) == 2


def test_a_folder_is_there_whole_or_not_at_all() -> None:
    """Whatever ends the saving."""
    kept = KeptIndexes()
    stack = contextlib.ExitStack()
    folder = stack.enter_context(kept.make_room(build_of(1), 10))
    (folder / "index").write_bytes(b"half")
    stack.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert kept.find(build_of(1)) is None
    assert [path for path in kept.folder.iterdir() if path.is_dir()] == []
    put(kept, build_of(1))
    found = kept.find(build_of(1))
    assert found is not None
    assert found.facts.build == build_of(1)
    kept.discard(build_of(1))
    assert kept.find(build_of(1)) is None


def test_what_was_used_longest_ago_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as is needed, and not what another process holds or what is too large for all."""
    # The disk has 100,000 bytes without what is kept: a fifth of it is 20,000.
    kept = KeptIndexes()
    monkeypatch.setattr(
        module.shutil,
        "disk_usage",
        lambda _: SimpleNamespace(free=100_000 - module.size_of(kept.folder)),
    )
    for number in (1, 2, 3):
        put(kept, build_of(number), 5_000)
        facts = kept.folder / module._key(build_of(number)) / FACTS_OF_INDEX
        os.utime(facts, (1_000_000.0 + number,) * 2)
    kept.note_use(build_of(1))
    put(kept, build_of(4), 5_000)
    assert [kept.find(build_of(each)) is not None for each in (1, 2, 3, 4)] == [
        True,
        False,
        True,
        True,
    ]
    with kept.hold(build_of(3)):
        put(KeptIndexes(), build_of(5), 5_000)
    assert kept.find(build_of(3)) is not None
    with (
        pytest.raises(NotKeptError, match=r"takes 20.1 kB.* may take 20.0 kB together, 20%"),
        kept.make_room(build_of(6), 20_100),
    ):
        pass
    with pytest.raises(NotKeptError):
        put(kept, build_of(6), 20_100)
    assert kept.find(build_of(6)) is None


def test_the_key_knows_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that another machine built is another one: its cost is not that of this one."""
    kept = KeptIndexes()
    put(kept, build_of(1))
    monkeypatch.setattr(module.platform, "node", lambda: "elsewhere")
    assert kept.find(build_of(1)) is None


def test_classes_that_cannot_load_are_left_out() -> None:
    """Saving alone tells the size."""
    assert can_be_kept(build_of(1))
    assert not can_be_kept(Build(key="k", index="x", adapter="odd_indexes:SavesOnly"))
    assert not can_be_kept(Build(key="k", index="x", adapter="misbehaving:Exact"))


def test_graphs_are_explained_from_kept_indexes(dataset: Dataset, tmp_path: Path) -> None:
    """`tail --graph` looks into what was measured."""
    done = run(dataset, "hnsw", tmp_path / "run", settings={"ef": [20]})
    (setting,) = done.settings()
    found = explain_internals(setting, dataset, 0.9, lambda number: None)
    assert found.same.value == 1.0
    assert found.graph is not None
