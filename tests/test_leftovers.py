"""Temporary files and folders that do not outlive their process for good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vbench._leftovers import TemporaryFolder, sweep, temporary_file
from vbench._locks import hold_lock
from vbench.data.files import whole_file

_DIES = """
import os, sys
from pathlib import Path
from vbench.data.files import whole_file
from vbench._leftovers import TemporaryFolder
from vbench._locks import hold_lock
target = Path(sys.argv[1])
with hold_lock(target, "dying"), whole_file(target) as stream:
    kept = TemporaryFolder(target), TemporaryFolder(purpose="spool")
    (kept[0].path / "base.npy").write_bytes(b"half")
    stream.write(b"half")
    stream.flush()
    print("ready", flush=True)
    os._exit(9)
"""


def _died(target: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _DIES, str(target)], capture_output=True)
    assert (done.returncode, done.stdout) == (9, b"ready\n"), done.stderr


@pytest.fixture
def spool(tmp_path, monkeypatch):
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def test_what_a_dead_process_left_is_swept(tmp_path, spool):
    """Half files, half folders, locks and spools go; nothing else does."""
    target = tmp_path / "x.bin"
    others = [".x.bin.part", ".lock", ".x.lock", ".x.bin.12-abc.part", "vbench-notes", "y.part"]
    for name in others:
        (tmp_path / name).write_bytes(b"")
    _died(target)
    assert len(list(tmp_path.iterdir())) == len(others) + 4  # half file, half folder, lock, spool
    assert len(list(spool.iterdir())) == 1
    assert len(sweep(tmp_path)) == 3
    assert len(sweep(spool)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "spool"])
    assert not list(spool.iterdir())


def test_what_a_live_process_writes_is_let_be(tmp_path, spool):
    """A sweep takes nothing from who is still writing; that takes its name afterwards."""
    target = tmp_path / "x.bin"
    with (
        hold_lock(target, "writing"),
        TemporaryFolder(target) as half,
        TemporaryFolder() as spooled,
        whole_file(target) as stream,
    ):
        (half / "part").write_bytes(b"1")
        stream.write(b"whole")
        assert sweep(tmp_path) == sweep(spool) == []
        assert half.is_dir()
        assert spooled.parent == spool
    assert target.read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir() if path != spool] == ["x.bin"]
    assert not list(spool.iterdir())


def test_the_next_file_in_a_folder_sweeps_it(tmp_path, monkeypatch, spool):
    """A process sweeps a folder when it first writes there."""
    monkeypatch.setattr("vbench._leftovers._swept", set())
    _died(tmp_path / "x.bin")
    with whole_file(tmp_path / "other.bin"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.bin", "spool"]


def test_a_temporary_folder_can_take_its_name(tmp_path):
    """It lies beside its target; once renamed it is not removed."""
    target = tmp_path / "data"
    with TemporaryFolder(target) as half:
        (half / "x").write_bytes(b"1")
        half.rename(target)
    assert (target / "x").read_bytes() == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_names_as_long_as_the_file_system_allows(tmp_path):
    """A target's name may have 255 bytes, of any alphabet."""
    for name in ("x" * 255, "ä" * 127):
        with whole_file(tmp_path / name) as stream, hold_lock(tmp_path / name, "writing"):
            stream.write(b"1")
        assert (tmp_path / name).read_bytes() == b"1"


def test_links_are_not_followed(tmp_path):
    """A link of a left-over's name neither goes nor takes its target with it."""
    kept = tmp_path / "kept"
    kept.write_bytes(b"1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".x.1-00000000.part").symlink_to(kept)
    (tmp_path / "sub" / ".y.1-00000000.part").symlink_to(tmp_path)
    assert sweep(tmp_path / "sub") == []
    assert kept.read_bytes() == b"1"


def test_a_folder_that_is_not_there_is_swept(tmp_path):
    """Nothing is there to be removed."""
    assert sweep(tmp_path / "nowhere") == []


def test_temporary_files_do_not_meet(tmp_path):
    """Two for one target have names of their own."""
    made = [temporary_file(tmp_path / "x") for _ in range(3)]
    assert len({path for _, path in made}) == 3
    for stream, _ in made:
        stream.close()
