"""A process that runs third-party code: started, asked within a time and a memory, ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import psutil
from numpy.typing import NDArray

from vbench._leftovers import TemporaryFolder, held_folders
from vbench._process import supervisor
from vbench._process.channel import Arrays, Channel, ChannelError, ClosedError
from vbench._process.text import FailureKind, signal_name
from vbench._process.tree import Tree, is_stopped

Message = TypeVar("Message")

_LOOK_EVERY_SECONDS = 0.1
_LONGEST_HEAD = 1 << 20
_END_WITHIN_SECONDS = 15.0
"""How long the supervisor may take to kill and report."""
_DIE_WITHIN_SECONDS = 5.0
"""How long a process may take to end that has closed its socket."""
_STOPPED_SECONDS = 10.0
_LAST_LINES = 60
_MARK = "VBENCH_CHILD"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
)


class ChildError(Exception):
    """The process gave no answer, and is gone. `log` holds the last lines that it printed."""

    def __init__(self, kind: FailureKind, reason: str, log: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.log = log


class Deadline(NamedTuple):
    """A moment on the monotonic clock, and how many seconds ahead it was when it was set."""

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float | None) -> Deadline | None:
        """In so many seconds; never, if that is None."""
        return None if seconds is None else cls(time.monotonic() + seconds, seconds)


class Child:
    """A process under a supervisor, which ends it and all it started when we or it are gone.

    Parameters
    ----------
    module
        What it runs, as ``python -m MODULE FD ARGUMENTS...``; FD is its end of the channel.
    threads
        What the pools of threads of the usual libraries are told.
    memory_limit
        Bytes that it may hold together with all that it started.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        threads: int,
        memory_limit: int | None = None,
    ) -> None:
        self.memory_limit = memory_limit
        self._folder = TemporaryFolder()
        self._mark = secrets.token_hex(8)
        ours, theirs = socket.socketpair()
        self._leash, held = socket.socketpair()
        self._channel = Channel(ours, self._pause, longest_head=_LONGEST_HEAD)
        self._poll = select.poll()
        self._poll.register(self._leash, select.POLLIN)
        self._report: tuple[int, str] | None = None
        self._ended = False
        # Who watches its memory and who waits for its answer may both want it to end.
        self._ending = threading.RLock()
        self._deadline: Deadline | None = None
        self._stopped_since: float | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        try:
            with theirs, held:
                kept = theirs.fileno()
                command = [sys.executable, "-P", "-m", module, str(kept), *arguments]
                environment = self._environment(os.environ, threads)
                self._supervisor = _supervised(command, held.fileno(), kept, environment)
            self.pid = int.from_bytes(self._leash.recv(4, socket.MSG_WAITALL), "big")
            self.tree = Tree(self._supervisor.pid)
        # A signal may come here too.
        except BaseException:
            self.kill()
            raise

    @property
    def has_ended(self) -> bool:
        """Whether it is gone, and all that it started."""
        return self._ended

    def send(self, head: bytes, *, deadline: Deadline | None = None) -> None:
        """Send a message."""
        with self._within(deadline):
            self._channel.refuse_input()
            self._channel.send(head)

    def fileno(self) -> int:
        """What gets readable when a message begins to come, or none will."""
        return self._channel.fileno()

    def is_ready(self, *, deadline: Deadline | None = None) -> bool:
        """Whether a message has begun to come. It is to be asked some times a second.

        Raises
        ------
        ChildError
            As :meth:`receive`.
        """
        with self._within(deadline):
            return self._look(select.POLLIN, 0)

    def receive(
        self,
        prepare: Callable[[bytes], tuple[Message, Arrays]],
        *,
        deadline: Deadline | None = None,
    ) -> tuple[Message, list[NDArray[Any]]]:
        """Wait for a message; `prepare` as in `Channel.receive`.

        Raises
        ------
        ChildError
            The process died, closed its socket, sent something else, took longer than until
            `deadline` or more memory than its limit. It is gone afterwards.
        """
        with self._within(deadline):
            return self._channel.receive(prepare)

    @contextlib.contextmanager
    def _within(self, deadline: Deadline | None) -> Iterator[None]:
        if self._ended:
            raise ChildError("lost", "the worker is gone", "")
        self._deadline = deadline
        try:
            yield
        except ClosedError:
            raise self._death() from None
        except ChannelError as error:
            raise self._failure("protocol", str(error)) from None

    def _pause(self, event: int) -> None:
        """Sleep until the channel is ready or it is time to look again; raise to give up."""
        self._look(event, _LOOK_EVERY_SECONDS)

    def _look(self, event: int, seconds: float) -> bool:
        """Whether the channel gets ready within so many seconds; raise to give up."""
        self._poll.register(self._channel, event)
        ready = {descriptor for descriptor, _ in self._poll.poll(seconds * 1000)}
        self._poll.unregister(self._channel)
        if self._channel.fileno() in ready:
            return True
        if self._leash.fileno() in ready:
            raise ClosedError("the supervisor ended")
        if self._deadline is not None and time.monotonic() > self._deadline.at:
            raise self._failure("timeout", f"no result after {self._deadline.seconds:g} s")
        if self.memory_limit is not None:
            used = self.tree.memory_above(self.memory_limit)
            if used is not None:
                limit = self.memory_limit
                raise self._failure(
                    "memory",
                    f"used {used / 1e9:.2f} GB, more than the limit of {limit / 1e9:.2f} GB",
                )
        if self._has_stopped():
            raise self._failure("signal", "the worker was stopped by a signal, and stayed so")
        return False

    def _has_stopped(self) -> bool:
        """Whether the process was stopped a while ago, as by SIGSTOP, and is still."""
        if not is_stopped(self.pid):
            self._stopped_since = None
            return False
        self._stopped_since = self._stopped_since or time.monotonic()
        return time.monotonic() - self._stopped_since > _STOPPED_SECONDS

    def _failure(self, kind: FailureKind, reason: str) -> ChildError:
        return ChildError(kind, reason, self.kill())

    def _death(self) -> ChildError:
        """Why there is nothing more to hear: it died, or closed its end and went on."""
        by_itself = bool(self._poll.poll(_DIE_WITHIN_SECONDS * 1000))
        log = self.kill()
        if self._report is None:
            return ChildError("lost", "the supervisor of the worker was killed", log)
        code = os.waitstatus_to_exitcode(self._report[0])
        if not by_itself and code == -signal.SIGKILL:
            return ChildError("protocol", "the worker closed its connection to vbench", log)
        if code < 0:
            name = signal_name(-code)
            often = " (often the system, out of memory)" if name == "SIGKILL" else ""
            return ChildError("signal", f"the worker was killed by {name}{often}", log)
        return ChildError("lost", f"the worker ended with exit code {code}", log)

    def kill(self) -> str:
        """End the process and all that it started; the last lines that it printed."""
        with self._ending:
            if not self._ended:
                with contextlib.suppress(OSError):
                    self._leash.send(b"end")
                self._conclude(_END_WITHIN_SECONDS)
        return "" if self._report is None else self._report[1]

    def wait(self, seconds: float) -> bool:
        """Let the process end by itself; whether it did. `kill` is to follow."""
        if not self._ended:
            self._channel.close()
            return bool(self._poll.poll(seconds * 1000))
        return True

    def _conclude(self, seconds: float) -> None:
        """Read the supervisor's report, and let nothing be left."""
        said = b""
        self._leash.settimeout(seconds)
        with contextlib.suppress(OSError):
            while piece := self._leash.recv(1 << 16):
                said += piece
        self._report = _report_in(said)
        if self._supervisor is not None:
            self._supervisor.kill()
            self._supervisor.wait()
        # Something killed or stopped the supervisor, or it cannot be the parent of orphans: then
        # those whom it watched over are found by a mark.
        if self._report is None or sys.platform != "linux":
            _kill_marked(self._mark)
        self._leash.close()
        self._channel.close()
        self._folder.close()
        self._ended = True

    def _environment(self, given: Mapping[str, str], threads: int) -> dict[str, str]:
        limits = dict.fromkeys(THREAD_VARIABLES, str(threads))
        own = {"TMPDIR": str(self._folder.path), _MARK: self._mark, "PYTHONFAULTHANDLER": "1"}
        # It is started from any folder, so it finds the package where we found it.
        package = str(Path(__file__).parents[2])
        path = os.pathsep.join(dict.fromkeys([*filter(None, sys.path), package]))
        return {**given, **limits, **own, "PYTHONPATH": path}


def _supervised(
    command: Sequence[str], leash: int, kept: int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start the supervisor of a command; temporary folders go where this process is killed."""
    folders = os.pathsep.join(map(str, held_folders()))
    return subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", supervisor.__file__),
            *(str(leash), str(os.getpid()), str(kept)),
            *(folders, *command),
        ],
        pass_fds=[kept, leash],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def _report_in(said: bytes) -> tuple[int, str] | None:
    head, _, last = said.partition(b"\n")
    try:
        status, length = map(int, head.split())
    except ValueError:
        return None
    text = last[:length].decode(errors="replace").strip()
    return status, "\n".join(text.splitlines()[-_LAST_LINES:])


def _kill_marked(mark: str) -> None:
    """Kill every process in whose environment this mark stands."""
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if each.environ().get(_MARK) == mark:
                each.kill()
