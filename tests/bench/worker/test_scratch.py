"""Memory for vectors that are read once: in a file where they are many."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from vbench.bench.worker import scratch
from vbench.bench.worker.scratch import make_scratch


@pytest.mark.parametrize("room", [True, False])
def test_large_arrays_lie_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: bool
) -> None:
    """Which has no name; where the disk has no room, in memory."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "_LARGE_BYTES", 1 << 20)

    def refuse(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if not room:
        monkeypatch.setattr(os, "posix_fallocate", refuse)
    large, small = make_scratch((1 << 14, 16)), make_scratch((3, 16))
    assert [each.flags.owndata for each in (large, small)] == [not room, True]
    values = np.arange(large.size, dtype=np.float32).reshape(large.shape)
    large[:] = values
    assert np.array_equal(large, values)
    assert large.flags.writeable
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_pages_of_a_file_are_not_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are what the system may put away."""
    monkeypatch.setattr(scratch, "_LARGE_BYTES", 1 << 20)
    before = anonymous_bytes()
    array = make_scratch((1 << 18, 16))
    array[:] = 1.0
    assert anonymous_bytes() - before < array.nbytes / 4


def anonymous_bytes() -> int:
    """Memory of this process that lies in no file."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("Anonymous:"))
    return 1024 * int(size)
