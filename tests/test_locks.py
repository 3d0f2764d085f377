"""One process at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from vbench._locks import hold_lock, is_held

_ADDS = """
import sys
from pathlib import Path
from vbench._locks import hold_lock, is_held
path = Path(sys.argv[1])
for _ in range(20):
    with hold_lock(path, "adding"):
        path.write_text(str(int(path.read_text()) + 1))
"""


def test_nobody_else_writes_meanwhile(tmp_path):
    """Four processes that each add 20 make 80, and leave no lock."""
    path = tmp_path / "number"
    path.write_text("0")
    calls = [subprocess.Popen([sys.executable, "-c", _ADDS, str(path)]) for _ in range(4)]
    assert [call.wait() for call in calls] == [0] * 4
    assert path.read_text() == "80"
    assert [each.name for each in tmp_path.iterdir()] == ["number"]


def test_who_waits_says_for_whom(tmp_path, monkeypatch):
    """After a while, the process that holds the lock is named, and what it does."""
    monkeypatch.setattr("vbench._locks._PATIENCE_SECONDS", 0.0)
    told, said = threading.Event(), []
    monkeypatch.setattr("vbench._locks.tell", lambda text: (said.append(text), told.set()))

    def wait():
        with hold_lock(tmp_path / "x", "second"):
            return True

    with ThreadPoolExecutor() as pool:
        with hold_lock(tmp_path / "x", "converting x"):
            other = pool.submit(wait)
            assert told.wait(30)
        assert other.result(30)
    assert len(said) == 1
    assert "waiting for process" in said[0]
    assert "converting x" in said[0]


def test_where_nothing_can_be_written_there_is_no_lock(tmp_path):
    """What can only be read needs none; the error is that of the writing."""
    (tmp_path / "file").write_bytes(b"")
    with hold_lock(tmp_path / "file" / "x", "reading"):
        pass


def test_a_lock_that_may_only_be_read(tmp_path, monkeypatch):
    """That of another user is waited for like one's own."""
    opened = os.open
    ready, done = threading.Event(), []

    def refusing(path, flags, *mode):
        if flags & os.O_RDWR and ready.is_set():
            raise PermissionError(13, "of another user")
        return opened(path, flags, *mode)

    monkeypatch.setattr("vbench._locks.os.open", refusing)

    def second():
        with hold_lock(tmp_path / "x", "second"):
            done.append("second")

    with ThreadPoolExecutor() as pool:
        with hold_lock(tmp_path / "x", "first"):
            ready.set()
            assert is_held(tmp_path / "x")
            other = pool.submit(second)
            done.append("first")
        other.result(30)
    assert done == ["first", "second"]
    assert not is_held(tmp_path / "x")
