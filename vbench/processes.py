"""The end of a process that runs other people's code, and of all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from typing import Any

import psutil


def started_by(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    """Processes that it started and they in turn; none once it has ended."""
    with contextlib.suppress(psutil.Error):
        return list(psutil.Process(process.pid).children(recursive=True))
    return []


def end(process: subprocess.Popen[Any], started: Iterable[psutil.Process] = ()) -> None:
    """Kill its group, those that left the group, and `started`, which it may have left behind."""
    family = [*started, *started_by(process)]
    # Also when it has ended by itself: what it started may still be there.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for each in family:
        with contextlib.suppress(psutil.Error):
            each.kill()
