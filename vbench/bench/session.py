"""The parent's side of a worker: start it, ask, watch its time and memory, tell how it died."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from types import TracebackType
from typing import IO, Any, TypeVar

import psutil
from numpy.typing import NDArray

from vbench import processes
from vbench.bench import wire
from vbench.results.schema import FailureKind

_LOOK_EVERY = 0.1
_LAST_LINES = 12
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
)
Reply = TypeVar("Reply", bound=wire.Message)


class TrialError(Exception):
    """A trial, or a whole build, left no result. `log` holds the last lines the worker printed.

    `fatal` tells that the worker is gone.
    """

    def __init__(
        self, reason: str, log: str = "", *, fatal: bool, kind: FailureKind = "error"
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.log = log
        self.fatal = fatal
        self.kind = kind


class Session:
    """One worker process, in its own process group, with its own threads and cores."""

    def __init__(self, *, threads: int, memory_limit: int | None = None) -> None:
        self.memory_limit = memory_limit
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "vbench.bench.worker"),
                    *(str(theirs.fileno()), str(os.getpid())),
                    ",".join(map(str, cores(threads))),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env=_environment(os.environ, threads),
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        self._watched = psutil.Process(self._process.pid)

    def ask(
        self, message: wire.Message, expected: type[Reply], *, timeout: float | None, doing: str
    ) -> tuple[Reply, list[NDArray[Any]]]:
        """Send a message and wait for its answer.

        Raises
        ------
        TrialError
            When the worker raises, dies, takes longer than `timeout` seconds or more memory
            than its limit. In the last three cases it is gone afterwards.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            wire.send(self._connection, message)
            while not self._connection.poll(_LOOK_EVERY):
                self._watch(deadline, timeout, doing)
            reply, arrays = wire.receive(self._connection)
        except (EOFError, OSError):
            raise self._dead(doing) from None
        if isinstance(reply, wire.Raised):
            raise TrialError(f"{reply.reason} (in {doing})", reply.trace, fatal=False)
        if not isinstance(reply, expected):
            raise TypeError(f"worker answered {reply!r} to {message!r}")
        return reply, arrays

    def _watch(self, deadline: float | None, timeout: float | None, doing: str) -> None:
        if deadline is not None and time.monotonic() > deadline:
            log = self.kill()
            raise TrialError(f"no result after {timeout:g} s (in {doing})", log, fatal=True)
        if self.memory_limit is None:
            return
        with contextlib.suppress(psutil.Error):
            used = self._watched.memory_info().rss
            if used > self.memory_limit:
                log = self.kill()
                raise TrialError(
                    f"used {used / 1e9:.2f} GB, more than the limit of "
                    f"{self.memory_limit / 1e9:.2f} GB (in {doing})",
                    log,
                    fatal=True,
                )

    def _dead(self, doing: str) -> TrialError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=60)
        code = self._process.poll()
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            often = " (often the system, out of memory)" if name == "SIGKILL" else ""
            reason = f"the worker was killed by {name}{often}"
        else:
            reason = f"the worker ended with exit code {code}"
        return TrialError(f"{reason} (in {doing})", self.kill(), fatal=True)

    def kill(self) -> str:
        """End the worker and all it started; the last lines that it printed."""
        processes.end(self._process)
        return self.last_lines()

    def memory(self) -> int:
        """Bytes that the worker holds; 0 when it is gone."""
        with contextlib.suppress(psutil.Error):
            return int(self._watched.memory_info().rss)
        return 0

    def last_lines(self) -> str:
        """The last lines that the worker printed."""
        if self._log.closed:
            return ""
        self._log.flush()
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 8192))
        return "\n".join(
            self._log.read().decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
        )

    def close(self) -> None:
        """Let the worker end by itself; kill it when it does not."""
        started = processes.started_by(self._process)
        self._connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        processes.end(self._process, started)
        self._log.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self.kill()
        self.close()


def cores(threads: int) -> list[int]:
    """The cores that a worker with `threads` threads is pinned to: the last ones we may use."""
    allowed = usable_cores()
    return allowed[-threads:]


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _environment(given: Mapping[str, str], threads: int) -> dict[str, str]:
    limits = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    # A worker is started from any folder, so it finds the package where its parent found it.
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**given, **limits, "PYTHONPATH": path, "PYTHONFAULTHANDLER": "1"}
