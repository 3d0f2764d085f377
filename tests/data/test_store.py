"""Files at an address, on a real server of S3 here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from buckets import bucket

from vbench.data.store import Store, check_name
from vbench.errors import DataError, MissingExtraError


@pytest.fixture(scope="module")
def sea() -> Iterator[str]:
    with bucket("sea") as address:
        yield address


def test_files_come_and_go(sea: str, tmp_path: Path) -> None:
    """Each by its name below the address, with a mark that changes with what it holds."""
    store = Store(f"{sea}/run")
    assert store.marks() == {}
    assert store.read("a/b.bin") is None
    mark = store.write("a/b.bin", b"one")
    Store(f"{sea}/running").write("other.bin", b"")
    (tmp_path / "c.bin").write_bytes(b"two")
    other = store.put(tmp_path / "c.bin", "c.bin")
    assert store.marks() == {"a/b.bin": mark, "c.bin": other}
    assert store.marks("a") == {"a/b.bin": mark}
    assert store.write("a/b.bin", b"ten") != mark
    store.bring("a/b.bin", tmp_path / "there" / "b.bin")
    assert (tmp_path / "there" / "b.bin").read_bytes() == store.read("a/b.bin") == b"ten"
    store.remove(["a/b.bin", "c.bin", "never.bin"])
    assert store.marks() == {}


def test_of_two_that_create_a_file_one_does(sea: str) -> None:
    """The store is the judge."""
    store = Store(f"{sea}/held")
    assert store.create("x", b"mine")
    assert not store.create("x", b"yours")
    assert store.read("x") == b"mine"


def test_what_a_store_refuses_is_one_line(sea: str, tmp_path: Path) -> None:
    """With the address, and why."""
    gone = Store("s3://none/run")
    with pytest.raises(DataError, match=r"s3://none/run: cannot be written: there is no such buc"):
        gone.write("x", b"")
    with pytest.raises(DataError, match=r"s3://none/run: cannot be written: there is no such buc"):
        gone.create("x", b"")
    with pytest.raises(DataError, match="s3://sea/run: cannot be read"):
        Store(f"{sea}/run").bring("x", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    with pytest.raises(DataError, match=r"nosuch://x: cannot be read: ValueError: Protocol"):
        Store("nosuch://x").marks()
    with pytest.raises(DataError, match="leads out of its folder"):
        check_name("a/../../b", sea)


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed."""
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"vbench-ann\[remote\]"):
        Store("s3://sea/run").marks()
