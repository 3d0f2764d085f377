"""Files at addresses are copied here: one, a folder, a pattern; what fails is named."""

from __future__ import annotations

import sys

import pytest
from buckets import bucket
from exports import N, save_exports

import vbench
from vbench.data.importing import remote
from vbench.data.importing.imported import import_dataset
from vbench.errors import DataError, MissingExtraError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def store():
    """A file system in memory, with two parts in a folder."""
    files = fsspec.filesystem("memory")
    for name in ("part-0.csv", "part-1.csv", "deep/part-2.csv"):
        files.pipe(f"/lake/t/{name}", name.encode())
    yield files
    files.rm("/lake", recursive=True)


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("memory://lake/t/part-1.csv", {"part-1.csv"}),
        ("memory://lake/t", {"part-0.csv", "part-1.csv", "deep/part-2.csv"}),
        ("memory://lake/t/", {"part-0.csv", "part-1.csv", "deep/part-2.csv"}),
        ("memory://lake/t/part-*.csv", {"part-0.csv", "part-1.csv"}),
    ],
)
def test_what_an_address_names_is_copied(store, tmp_path, address, names):
    """Files keep their names and what is in them; progress ends with all bytes."""
    seen = []
    found = remote.bring(address, tmp_path, lambda done, total: seen.append((done, total)))
    there = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path).as_posix() for path in there} == names
    assert all(path.read_text() == path.relative_to(tmp_path).as_posix() for path in there)
    assert found == (tmp_path / "part-1.csv" if len(names) == 1 else tmp_path)
    assert seen[-1][0] == seen[-1][1] == sum(map(len, names))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("memory://lake/none", "no such file"),
        ("memory://lake/x*.csv", "no such file"),
        ("nope://lake/t", "nope://lake/t"),
    ],
)
def test_what_is_not_there_is_named(store, tmp_path, address, message):
    """The address stands in the message."""
    with pytest.raises(DataError, match=message):
        remote.bring(address, tmp_path)


def test_a_missing_extra_is_one_line(tmp_path, monkeypatch):
    """Without fsspec, what to install is said."""
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"vbench-ann\[remote\]"):
        remote.bring("s3://bucket/t", tmp_path)


def test_paths_are_no_addresses():
    """What has no scheme is a path."""
    assert remote.is_remote("s3://bucket/x")
    assert not any(map(remote.is_remote, ("a/b.csv", "C:\\x", "/tmp/x")))


def test_an_import_out_of_a_bucket(tmp_path):
    """A real server of the S3 protocol: items from a folder of parts, users from a file."""
    made = save_exports(tmp_path)
    with bucket("lake") as lake:
        files = fsspec.filesystem("s3")
        for part in (0, 1):
            half = made.items[part * N // 2 : (part + 1) * N // 2]
            half.write_parquet(tmp_path / "half.parquet")
            files.put(str(tmp_path / "half.parquet"), f"lake/items/part-{part}.parquet")
        files.put(str(tmp_path / "users.parquet"), "lake/users.parquet")
        found = import_dataset(
            "shop", items=f"{lake}/items/", users=f"{lake}/users.parquet", metric="ip"
        )
        with pytest.raises(DataError, match="s3://lake/none"):
            import_dataset("other", items=f"{lake}/none", users=f"{lake}/users.parquet")
    assert found.items.rows == N
    assert (vbench.load("shop").base == made.vectors[0]).all()
