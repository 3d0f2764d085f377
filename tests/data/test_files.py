"""Files that are whole or not there."""

from __future__ import annotations

import errno

import pytest

from vbench import _paths
from vbench.data.files import whole_file
from vbench.errors import VbenchError


def test_file_takes_its_name_when_it_is_complete(tmp_path):
    """Until the end the old content is there, and nothing else is left behind."""
    path = tmp_path / "deep" / "x.bin"
    with whole_file(path) as stream:
        stream.write(b"one")
    with whole_file(path) as stream:
        stream.write(b"two")
        assert path.read_bytes() == b"one"
    assert path.read_bytes() == b"two"
    assert [found.name for found in path.parent.iterdir()] == ["x.bin"]


def test_failure_leaves_the_old_file(tmp_path):
    """An error in between changes nothing and passes through."""
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as stream:
        stream.write(b"new" * (1 // 0))
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_full_disk_and_other_errors_are_told_apart(tmp_path):
    """A full disk is a message for a person; an error of what is read is not blamed on the disk."""
    with pytest.raises(VbenchError, match="No space left"), whole_file(tmp_path / "x"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="bad chunk"), whole_file(tmp_path / "x"):
        raise OSError("bad chunk")


def test_folder_that_cannot_be_made(tmp_path):
    """A path through a file is told."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(VbenchError, match="cannot be written"), whole_file(tmp_path / "file" / "x"):
        pass


def test_the_remedy_is_that_of_the_fault(tmp_path, monkeypatch):
    """Where the cache cannot be written it is VBENCH_HOME; a full disk wants room."""
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))
    for folder, code, words in (
        ("home", errno.EROFS, "set VBENCH_HOME"),
        ("else", errno.EROFS, "choose a folder"),
        ("home", errno.ENOSPC, "make room"),
    ):
        with pytest.raises(VbenchError, match=words), whole_file(tmp_path / folder / "x"):
            raise OSError(code, "no")


def test_a_user_without_a_folder_is_told_what_to_set(monkeypatch):
    """As in a container that runs under a bare number."""

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.home", homeless)
    for name in ("VBENCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(VbenchError, match=r"home directory\. Set VBENCH_HOME"):
        _paths.home()
