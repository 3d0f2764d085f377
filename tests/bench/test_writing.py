"""Runs that are written to an address, on a real server of S3 here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from vectors import gaussian_pair

import vbench
from vbench.bench import writing
from vbench.bench.writing import writing_to
from vbench.data.dataset import Dataset
from vbench.data.store import Store
from vbench.errors import VbenchError
from vbench.runs import files
from vbench.runs.mirror import LEASE, Mirror


@pytest.fixture(scope="module")
def lake() -> Iterator[str]:
    from buckets import bucket

    with bucket("lake") as address:
        yield address


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of this test alone."""
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "other"))


def measure(address: str, efs: list[int]) -> vbench.Run:
    made = Dataset("made", *gaussian_pair(200, 20, 6, seed=3), "l2")
    return vbench.run(
        made, "hnsw", k=3, builds=1, repeats=1, settings={"ef": efs}, out=address, progress=False
    )


def test_a_run_lies_at_its_address(
    lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole; another machine reads it, and goes on with it."""
    first = measure(f"{lake}/one", [4])
    there = Store(f"{lake}/one").marks()
    here = {
        path.relative_to(first.path).as_posix() for path in first.path.rglob("*") if path.is_file()
    }
    assert there.keys() == here
    another_machine(tmp_path, monkeypatch)
    read = vbench.open(f"{lake}/one")
    assert read.path != first.path
    assert read.manifest == first.manifest
    grown = measure(f"{lake}/one", [4, 8])
    assert len(grown.done) == 2
    assert vbench.open(f"{lake}/one").manifest == grown.manifest


def test_only_what_changed_is_moved(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what is here is brought again, nor what is there put again; what is gone goes."""
    mirror = Mirror(f"{lake}/two/")
    assert mirror.folder.name == "two"
    (mirror.folder / files.TRIALS).mkdir(parents=True)
    (mirror.folder / files.TRIALS / "x.parquet").write_bytes(b"x")
    (mirror.folder / files.MANIFEST).write_bytes(b"{}")
    mirror.put()
    moved: list[str] = []
    bring, put = Store.bring, Store.put
    monkeypatch.setattr(Store, "bring", lambda *of: (moved.append(of[1]), bring(*of))[1])
    monkeypatch.setattr(Store, "put", lambda *of: (moved.append(of[2]), put(*of))[1])
    assert mirror.bring()
    mirror.put()
    assert moved == []
    files.set_aside(mirror.folder, mirror.folder / files.TRIALS / "x.parquet")
    mirror.put()
    assert moved == ["old/x.parquet"]
    assert mirror.store.marks().keys() == {"old/x.parquet", files.MANIFEST}
    (mirror.folder / moved.pop()).write_bytes(b"spoilt")
    assert mirror.bring()
    assert moved == ["old/x.parquet"]
    Store(f"{lake}/two").remove(["old/x.parquet", files.MANIFEST])
    Store(f"{lake}/two").write("trials/x.parquet", b"of no run any more")
    assert not mirror.bring()
    assert not mirror.folder.exists()


def test_what_is_measured_is_there_before_the_run_ends(
    lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every few seconds; a manifest after the trials that it tells of."""
    monkeypatch.setattr(writing, "_PUT_EVERY_SECONDS", 0.02)
    order: list[str] = []
    put, write = Store.put, Store.write
    come = threading.Event()

    def noting(store: Store, path: Path, name: str) -> str:
        order.append(name)
        return put(store, path, name)

    def writing_one(store: Store, name: str, content: bytes) -> str:
        found = write(store, name, content)
        if name == files.MANIFEST:
            order.append(name)
            come.set()
        return found

    monkeypatch.setattr(Store, "put", noting)
    monkeypatch.setattr(Store, "write", writing_one)
    with writing_to(f"{lake}/three") as place:
        assert place.folder is not None
        (place.folder / files.TRIALS).mkdir(parents=True)
        (place.folder / files.TRIALS / "a.parquet").write_bytes(b"a")
        (place.folder / files.PARTS).mkdir()
        (place.folder / files.PARTS / "b.parquet").write_bytes(b"b")
        (place.folder / files.MANIFEST).write_bytes(b"{}")
        assert come.wait(60)
        assert order == ["trials/a.parquet", files.MANIFEST]
    assert Store(f"{lake}/three").marks().keys() == set(order)


def test_one_call_writes_at_a_time(
    lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On this machine and on another; what a killed one held is taken over."""
    monkeypatch.setattr(writing, "_RENEW_EVERY_SECONDS", 0.02)
    address = f"{lake}/four"
    with writing_to(address):
        with pytest.raises(VbenchError, match="another vbench run is writing s3://lake/four; wait"):
            measure(address, [4])
        another_machine(tmp_path, monkeypatch)
        with pytest.raises(
            VbenchError, match=r"another vbench run \(.+\) is writing s3://lake/four"
        ):
            measure(address, [4])
    assert Store(address).marks() == {}
    # Nobody renews this one.
    dead = msgspec.json.encode({"place": "gone", "host": "far", "token": "t", "beat": 3})
    Store(address).write(LEASE, dead)
    monkeypatch.setattr(writing, "_DEAD_SECONDS", 0.1)
    with (
        pytest.warns(vbench.VbenchWarning, match="goes on with a run of far that was killed"),
        writing_to(address),
    ):
        pass
    place = Mirror(address).place
    dead = msgspec.json.encode(
        {"place": (place / "id").read_text(), "host": "here", "token": "t", "beat": 3}
    )
    Store(address).write(LEASE, dead)
    monkeypatch.setattr(writing, "_DEAD_SECONDS", 600)
    with writing_to(address):
        assert b"gone" not in (Store(address).read(LEASE) or b"gone")


def test_a_run_that_was_taken_over_says_so(lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And puts nothing there any more."""
    monkeypatch.setattr(writing, "_RENEW_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(writing, "_PUT_EVERY_SECONDS", 600)
    address = f"{lake}/five"
    read, seen = writing._read, threading.Event()

    def watched(store: Store) -> writing._Lease | None:
        found = read(store)
        if found is not None and found.token == "theirs":
            seen.set()
        return found

    monkeypatch.setattr(writing, "_read", watched)

    def write_while_another_does() -> None:
        with writing_to(address) as place:
            assert place.folder is not None
            place.folder.mkdir()
            (place.folder / files.MANIFEST).write_bytes(b"{}")
            theirs = {"place": "x", "host": "y", "token": "theirs", "beat": 0}
            while not seen.wait(0.1):
                Store(address).write(LEASE, msgspec.json.encode(theirs))

    with pytest.raises(VbenchError, match="took s3://lake/five over"):
        write_while_another_does()
    assert Store(address).marks().keys() == {LEASE}


def test_what_is_no_run_is_refused(lake: str) -> None:
    """One line, and nothing is left there; nor are other commands given an address."""
    Store(f"{lake}/data").write("base.npy", b"x")
    with pytest.raises(VbenchError, match=r"s3://lake/data holds no run, but base\.npy; give the"):
        measure(f"{lake}/data", [4])
    assert Store(f"{lake}/data").marks().keys() == {"base.npy"}
    with pytest.raises(VbenchError, match="s3://lake/nothing holds no run"):
        vbench.open(f"{lake}/nothing")
    with pytest.raises(VbenchError, match="s3://none/run: cannot be written: there is no such"):
        measure("s3://none/run", [4])
    made = Dataset("made", *gaussian_pair(60, 40, 4, seed=0), "l2")
    with pytest.raises(VbenchError, match="s3://… is an address, which only `vbench run` writes"):
        vbench.tune(made, "hnsw", "Recall@3>=0.5", builds=1, out=f"{lake}/tuned")
