"""Sixty and more ways to go wrong in a worker, each an index `zoo:NAME` that is else exact search.

KINDS has them all, with what they cost: ``fails``, the trial has no result; ``passes``, it has one
all the same, for what was done harms nobody else; ``either``, as the worker goes about it.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import faulthandler
import gc
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from misbehaving import Exact

Cost = Literal["fails", "passes", "either"]
KINDS: dict[str, Cost] = {}
MEGABYTE = 1 << 20


def kind(method: str, cost: Cost = "fails", **attributes: Any) -> Callable[[Any], Any]:
    """Make an index of a function, which is called first in `method`.

    What the function returns is returned, unless it is None.
    """

    def made(function: Callable[[Any], Any]) -> type:
        def instead(self: Any, *args: Any, **kwargs: Any) -> Any:
            done = function(self)
            return getattr(Exact, method)(self, *args, **kwargs) if done is None else done

        KINDS[function.__name__] = cost
        body = {"__doc__": function.__doc__, "__module__": __name__, method: instead}
        return type(function.__name__, (Exact,), body | attributes)

    return made


def harness() -> int:
    """The descriptor of the harness's socket."""
    return int(sys.argv[1])


def frame(head: bytes, size: int = 0) -> bytes:
    """A message as the harness would send it."""
    return struct.pack("<4sIQI", b"\x93vb2", len(head), size, zlib.crc32(head)) + head


# How it ends


@kind("search")
def real_time_signal(index: Exact) -> None:
    os.kill(os.getpid(), 37)


@kind("search")
def segmentation_fault(index: Exact) -> None:
    ctypes.string_at(0)


@kind("search")
def silent_segmentation_fault(index: Exact) -> None:
    faulthandler.disable()
    ctypes.string_at(0)


@kind("fit")
def aborts(index: Exact) -> None:
    os.abort()


@kind("search")
def kills_itself(index: Exact) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@kind("search")
def terminates_itself(index: Exact) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@kind("search")
def kills_its_group(index: Exact) -> None:
    os.killpg(0, signal.SIGKILL)


@kind("search")
def stops_itself(index: Exact) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@kind("search")
def sets_an_alarm(index: Exact) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(600)


@kind("search")
def exits_without_a_word(index: Exact) -> None:
    os._exit(0)


@kind("fit")
def exits_with_a_code(index: Exact) -> None:
    os._exit(3)


@kind("search")
def kills_the_supervisor(index: Exact) -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


@kind("search", "passes")
def stops_the_supervisor(index: Exact) -> None:
    os.kill(os.getppid(), signal.SIGSTOP)


@kind("search", "passes")
def terminates_the_supervisor(index: Exact) -> None:
    os.kill(os.getppid(), signal.SIGTERM)


@kind("search")
def overflows_the_stack(index: Exact) -> None:
    def deeper(level: int) -> int:
        return deeper(level + 1)

    deeper(0)


# What it raises


class Strange(BaseException):
    """Not an `Exception`."""


class UnshowableError(Exception):
    def __str__(self) -> str:
        raise Strange


class SlowError(Exception):
    def __str__(self) -> str:
        time.sleep(600)
        return ""


class TextlessError(Exception):
    def __str__(self) -> str:
        return 3  # type: ignore[return-value]


def raising(name: str, error: Callable[[], BaseException], method: str = "search") -> None:
    """One more kind: raises this error."""

    def raises(index: Exact) -> None:
        raise error()

    raises.__name__ = name
    globals()[name] = kind(method)(raises)


raising("raises_system_exit", lambda: SystemExit(0))
raising("raises_system_exit_in_fit", lambda: SystemExit("bye"), "fit")
raising("raises_system_exit_in_init", SystemExit, "__init__")
raising("raises_keyboard_interrupt", KeyboardInterrupt)
raising("raises_generator_exit", GeneratorExit)
raising("raises_its_own_base", Strange)
raising("raises_unshowable", UnshowableError)
raising("raises_slowly_shown", SlowError)
raising("raises_textless", TextlessError)
raising("raises_megabytes", lambda: RuntimeError("x" * 30 * MEGABYTE))
raising("raises_half_a_character", lambda: RuntimeError("\ud800"))
raising("raises_control_characters", lambda: RuntimeError("\x1b[2J\0\r\n\a"))
raising("raises_memory_error", MemoryError)
raising("raises_stop_iteration", StopIteration)
raising("raises_eof", EOFError)
raising("raises_broken_pipe", BrokenPipeError)
raising("raises_timeout", TimeoutError)
raising("raises_a_group", lambda: ExceptionGroup("many", [ValueError(str(i)) for i in range(500)]))
raising("raises_in_set", ValueError, "set")
raising("raises_in_size", ValueError, "size_bytes")
raising("raises_in_work", SystemExit, "work")


# What it does to the harness's socket


@kind("search")
def writes_to_the_socket(index: Exact) -> None:
    os.write(harness(), b"a line of a library's own\n")


@kind("fit")
def writes_half_a_message(index: Exact) -> None:
    os.write(harness(), frame(b"0123456789")[:15])
    time.sleep(600)


@kind("search")
def promises_gigabytes(index: Exact) -> None:
    os.write(harness(), struct.pack("<4sIQI", b"\x93vb2", 1 << 31, 10 << 30, 0))


@kind("search")
def writes_another_message(index: Exact) -> None:
    os.write(harness(), frame(msgspec.msgpack.encode(({"type": "Opened", "space": "l2"}, []))))


@kind("search")
def writes_another_array(index: Exact) -> None:
    heads = [("<f8", [1 << 30, 1 << 30])]
    told = {"type": "Inspected", "graph": True, "lists": False}
    os.write(harness(), frame(msgspec.msgpack.encode((told, heads)), 1 << 62))


@kind("search")
def writes_what_is_no_text(index: Exact) -> None:
    os.write(harness(), frame(b"\x92\x82\xa4type\xa3\xff\xfe\xfd\xa1x\xa1y\x90"))


@kind("search")
def closes_the_socket(index: Exact) -> None:
    os.close(harness())


@kind("search")
def closes_everything(index: Exact) -> None:
    os.closerange(0, 4096)


@kind("search")
def shuts_the_socket_down(index: Exact) -> None:
    socket.socket(fileno=harness()).shutdown(socket.SHUT_RDWR)


@kind("search")
def replaces_the_socket(index: Exact) -> None:
    os.dup2(os.open(os.devnull, os.O_RDWR), harness())


@kind("search", "passes")
def forks_and_both_go_on(index: Exact) -> None:
    if not hasattr(index, "forked"):
        index.forked = os.fork()  # type: ignore[attr-defined]


@kind("search")
def leaves_a_child_with_the_socket(index: Exact) -> None:
    if not os.fork():
        time.sleep(600)
    os._exit(4)


# What it holds and keeps


@kind("fit")
def hangs(index: Exact) -> None:
    time.sleep(600)


@kind("__init__")
def hangs_in_init(index: Exact) -> None:
    time.sleep(600)


@kind("search")
def hangs_deaf_to_signals(index: Exact) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(600)


@kind("fit")
def eats_memory(index: Exact) -> None:
    index.hoard = [np.ones(MEGABYTE) for _ in range(8000)]  # type: ignore[attr-defined]


@kind("fit")
def lets_children_eat_memory(index: Exact) -> None:
    hoard = f"hoard = b'x' * {300 * MEGABYTE}; import time; time.sleep(600)"
    for _ in range(3):
        subprocess.Popen([sys.executable, "-c", hoard])
    time.sleep(600)


@kind("save")
def hangs_in_save(index: Exact) -> None:
    time.sleep(600)


@kind("fit", "passes")
def leaves_a_child(index: Exact) -> None:
    subprocess.Popen(["sleep", "600"])


@kind("fit", "passes")
def leaves_a_daemon(index: Exact) -> None:
    subprocess.run(["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 &"], check=True)


@kind("fit", "passes")
def leaves_a_deaf_daemon(index: Exact) -> None:
    script = "trap '' TERM HUP INT; while :; do sleep 1; done"
    subprocess.run(["sh", "-c", f'setsid sh -c "{script}" &'], check=True)


@kind("fit", "passes")
def leaves_many_children(index: Exact) -> None:
    script = "while :; do sleep 0.01 & wait; done"
    for _ in range(10):
        subprocess.Popen(["sh", "-c", script], start_new_session=True)


@kind("search")
def exits_and_leaves_a_daemon(index: Exact) -> None:
    subprocess.run(["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 &"], check=True)
    os._exit(1)


@kind("fit", "passes")
def leaves_a_thread(index: Exact) -> None:
    threading.Thread(target=time.sleep, args=(600,)).start()


@kind("fit", "passes")
def leaves_files(index: Exact) -> None:
    Path(tempfile.mkdtemp(), "large").write_bytes(bytes(MEGABYTE))


@kind("fit", "passes")
def floods_its_output(index: Exact) -> None:
    for _ in range(200):
        os.write(1, b"x" * MEGABYTE)


# How it lets go


@kind("close", "passes")
def hangs_in_close(index: Exact) -> None:
    time.sleep(600)


@kind("close", "passes")
def raises_in_close(index: Exact) -> None:
    raise SystemExit(3)


@kind("close", "passes")
def exits_in_close(index: Exact) -> None:
    os._exit(5)


@kind("close", "passes")
def hangs_at_exit(index: Exact) -> None:
    atexit.register(time.sleep, 600)


@kind("close", "passes")
def crashes_in_close(index: Exact) -> None:
    ctypes.string_at(0)


# What it does to the process


@kind("fit", "passes")
def goes_elsewhere(index: Exact) -> None:
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    shutil.rmtree(folder)


@kind("fit", "passes")
def removes_its_temporary_folder(index: Exact) -> None:
    shutil.rmtree(tempfile.gettempdir())


@kind("fit", "passes")
def handles_all_signals(index: Exact) -> None:
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, lambda *_: None)


@kind("fit", "passes")
def blocks_all_signals(index: Exact) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


@kind("fit", "passes")
def clears_the_environment(index: Exact) -> None:
    os.environ.clear()


@kind("fit", "passes")
def takes_all_cores(index: Exact) -> None:
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


@kind("fit", "passes")
def is_nice(index: Exact) -> None:
    os.nice(5)


@kind("search", "passes")
def closes_its_output(index: Exact) -> None:
    with contextlib.suppress(OSError):
        os.closerange(0, 3)


@kind("search", "passes")
def replaces_its_output(index: Exact) -> None:
    sys.stdout = sys.stderr = None  # type: ignore[assignment]


@kind("search", "passes")
def turns_the_collector_on(index: Exact) -> None:
    gc.enable()


@kind("search", "passes")
def makes_warnings_errors(index: Exact) -> None:
    warnings.simplefilter("error")
    np.seterr(all="raise")


@kind("fit", "either")
def allows_no_more_files(index: Exact) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


@kind("search")
def allows_no_more_memory(index: Exact) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTE, MEGABYTE))
    index.hoard = np.ones(100 * MEGABYTE)  # type: ignore[attr-defined]


@kind("search")
def allows_no_more_time(index: Exact) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    while True:
        pass


# What it answers


class Hostile:
    """Raises where numpy asks for its numbers."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Strange


class Endless(Sequence[int]):
    """Has no end."""

    def __len__(self) -> int:
        return 1 << 60

    def __getitem__(self, place: Any) -> Any:
        return 0


def answering(name: str, answer: Callable[[Exact], Any], method: str = "search") -> None:
    """One more kind: answers this, which is not None."""

    def answers(index: Exact) -> Any:
        return answer(index)

    answers.__name__ = name
    globals()[name] = kind(method)(answers)


answering("answers_hostile", lambda index: Hostile())
answering("answers_endless", lambda index: Endless())
answering("answers_text", lambda index: "ids")
answering("answers_a_number", lambda index: 3)
answering("answers_a_generator", lambda index: (number for number in range(3)))
answering("answers_objects", lambda index: np.array([[object()]]))
answering("answers_floats", lambda index: np.full((1, 1), np.nan))
answering("answers_out_of_range", lambda index: np.full((1, 1), 1 << 62))
answering("is_of_negative_size", lambda index: -1, "size_bytes")
answering("is_of_no_size", lambda index: float("nan"), "size_bytes")
answering("is_of_endless_size", lambda index: 10**400, "size_bytes")
answering("is_of_too_many_bytes", lambda index: 1 << 80, "size_bytes")
answering("works_nan", lambda index: float("nan"), "work")
answering("works_text", lambda index: "much", "work")


class raises_in_a_property(Exact):  # noqa: N801 (named as the others)
    """Its methods are code that is run to find them."""

    @property
    def work(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no method today")


KINDS["raises_in_a_property"] = "fails"
