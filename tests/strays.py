"""Processes that a command has left behind, found by a mark in their environment."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil

_NAME = "VBENCH_TEST_MARK"
_PATIENCE_SECONDS = 60.0
_HEEDING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "signal.signal(signal.SIGQUIT, signal.SIG_DFL); "
    "signal.signal(signal.SIGHUP, signal.SIG_DFL); "
)
"""All are ignored by what a shell runs in the background or by nohup, and by what that starts."""
_STARTED: list[Command] = []


def end_commands() -> None:
    """End those that a test has left, so that none of the next ones meets them."""
    while _STARTED:
        process = _STARTED.pop().process
        if process.poll() is None:
            process.kill()
        with process:
            pass


class Command:
    """The `vbench` command, started; all that it starts carries its mark."""

    def __init__(self, *arguments: str, before: str = "") -> None:
        self._mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"{_HEEDING}{before}from vbench.cli import main; main()",
                *arguments,
            ],
            env={**os.environ, _NAME: self._mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        _STARTED.append(self)

    def made(self, place: Path, pattern: str, seconds: float = 120.0) -> None:
        """Wait until a path like that is there; the command still runs.

        Folders come and go while they are looked through.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.ended()
            with contextlib.suppress(OSError):
                if any(place.rglob(pattern)):
                    return
            time.sleep(0.01)
        raise AssertionError(f"no {pattern} within {seconds:g} s")

    def ended(self, seconds: float = 600.0) -> tuple[int, str, str]:
        """Exit code and what was printed, once it has ended."""
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err

    def strays(self) -> list[psutil.Process]:
        """Processes that are left when some time has passed; the command itself has ended."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while (found := self._marked()) and time.monotonic() < end:
            time.sleep(0.01)
        return found

    def _marked(self) -> list[psutil.Process]:
        found = []
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if each.environ().get(_NAME) == self._mark:
                    found.append(each)
        return found
