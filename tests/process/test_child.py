"""A process that runs third-party code: whatever it does, it is told, and nothing is left."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from vbench._process import child as module
from vbench._process.channel import Arrays
from vbench._process.child import Child, ChildError, Deadline
from vbench._process.text import signal_name

LONG = 120.0
TESTS = Path(__file__).parents[1]


@pytest.fixture
def child() -> Iterator[Child]:
    """A child that does what it is asked."""
    made = Child("obedient", threads=1)
    yield made
    made.kill()


def text(head: bytes) -> tuple[str, Arrays]:
    return head.decode(), []


def ask(child: Child, code: str, seconds: float = LONG) -> str:
    deadline = Deadline.after(seconds)
    child.send(code.encode(), deadline=deadline)
    return child.receive(text, deadline=deadline)[0]


def failure(child: Child, code: str, seconds: float = LONG) -> ChildError:
    with pytest.raises(ChildError) as caught:
        ask(child, code, seconds)
    assert child.has_ended
    return caught.value


def is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def gone(pid: int) -> bool:
    """Whether a process ends, sooner or later."""
    end = time.monotonic() + LONG
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_alive(pid)


def test_it_answers_again_and_again(child: Child) -> None:
    """In an environment of its own: threads and a folder for temporary files."""
    assert ask(child, "answer = os.getpid()") == str(child.pid)
    assert ask(child, "answer = os.environ['OMP_NUM_THREADS']") == "1"
    folder = ask(child, "answer = os.environ['TMPDIR']")
    assert Path(folder).is_dir()
    child.kill()
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("os.kill(os.getpid(), 11)", "signal", "killed by SIGSEGV"),
        ("os.kill(os.getpid(), 37)", "signal", "killed by SIGRTMIN+3"),
        ("os.kill(os.getpid(), 9)", "signal", "SIGKILL (often the system, out of memory)"),
        ("signal.alarm(1); time.sleep(600)", "signal", "SIGALRM"),
        ("os._exit(3)", "lost", "ended with exit code 3"),
        ("os.closerange(3, 100); time.sleep(600)", "protocol", "closed its connection"),
        ("os.closerange(0, 100); os._exit(0)", "lost", "ended with exit code 0"),
        ("os.write(channel.fileno(), b'hello, this is a library')", "protocol", "no message"),
        ("os.fork() or time.sleep(600); os._exit(4)", "lost", "exit code 4"),
        ("os.kill(os.getppid(), 9); time.sleep(600)", "lost", "supervisor"),
    ],
)
def test_how_it_ended_is_told(
    child: Child, monkeypatch: pytest.MonkeyPatch, code: str, kind: str, reason: str
) -> None:
    """Signals, exit codes, a closed or misused socket, a copy that holds the socket open."""
    monkeypatch.setattr(module, "_DIE_WITHIN_SECONDS", 0.5)
    error = failure(child, code)
    assert (error.kind, reason in error.reason) == (kind, True), error.reason
    assert gone(child.pid)


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(600)",
        "os.write(channel.fileno(), b'\\0\\0'); time.sleep(600)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); time.sleep(600)",
    ],
)
def test_the_time_limit_holds(child: Child, code: str) -> None:
    """Asleep, in the middle of a message, stopped, deaf to signals."""
    error = failure(child, code, 0.5)
    assert (error.kind, error.reason) == ("timeout", "no result after 0.5 s")
    assert not is_alive(child.pid)


def test_a_stopped_process_is_not_waited_for(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a time limit too."""
    monkeypatch.setattr(module, "_STOPPED_SECONDS", 0.0)
    assert failure(child, "os.kill(os.getpid(), signal.SIGSTOP)").kind == "signal"


def test_what_came_unasked_fails_the_next_question(child: Child) -> None:
    """As when a thread of a library writes to the socket later."""
    ask(child, "channel.send(b''); os.write(channel.fileno(), b'and more')")
    select.select([child._channel], [], [], LONG)
    error = failure(child, "answer = 1")
    assert error.kind == "protocol"


@pytest.mark.parametrize(
    "end",
    [
        "os._exit(0)",
        "os.kill(os.getpid(), 9)",
        "os.kill(os.getppid(), 9); time.sleep(600)",
        "time.sleep(600)",
    ],
)
def test_what_it_started_ends_with_it(child: Child, end: str) -> None:
    """A daemon too; however the process ends, and its supervisor."""
    daemon = int(ask(child, "answer = daemon()"))
    assert is_alive(daemon)
    failure(child, end, 0.5)
    assert gone(daemon)


def test_what_it_started_ends_with_a_kill(child: Child) -> None:
    """At once: when the call returns, all are gone."""
    pids = [int(ask(child, "answer = daemon()")) for _ in range(3)]
    pids.append(int(ask(child, "answer = subprocess.Popen(['sleep', '600']).pid")))
    child.kill()
    assert not any(map(is_alive, [*pids, child.pid]))
    assert child.kill() == ""


def test_several_threads_may_end_it(child: Child) -> None:
    """All of them hear the same: who watches the memory of a server, and who waits for it."""
    ask(child, "print('farewell', flush=True)")
    ready = threading.Barrier(8)

    def end(_: int) -> str:
        ready.wait(LONG)
        return child.kill()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(end, range(8))) == {"farewell"}


_SCRIPT = """
import os, sys, time
sys.path.insert(0, {tests!r})
from vbench._process.child import Child
child = Child("obedient", threads=1)
child.send(b"answer = daemon()")
daemon, _ = child.receive(lambda head: (head.decode(), []))
print(child.pid, daemon, child._supervisor.pid, child._folder.path, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_all_end_when_the_parent_is_killed(how: signal.Signals) -> None:
    """The process, its daemon, and the supervisor itself; its temporary folder goes too."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT.format(tests=str(TESTS))],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    *pids, folder = parent.stdout.readline().split()
    assert all(is_alive(int(pid)) for pid in pids)
    assert Path(folder).is_dir()
    parent.send_signal(how)
    parent.communicate()
    assert all(gone(int(pid)) for pid in pids)
    assert not Path(folder).exists()


_COPY = """
if not os.fork():
    os.closerange(0, 3)
    time.sleep(600)
print(max(each.pid for each in psutil.Process().children()), flush=True)
time.sleep(600)
"""


def test_a_part_of_the_parent_that_ends_later_keeps_nothing() -> None:
    """A copy of it, or a thread that ends last, has the same files open."""
    script = _SCRIPT.format(tests=str(TESTS)).replace("time.sleep(600)", "import psutil" + _COPY)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    *pids, folder = parent.stdout.readline().split()
    copy = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.communicate()
        assert all(gone(int(pid)) for pid in pids)
        assert is_alive(copy)
        assert not Path(folder).exists()
    finally:
        os.kill(copy, signal.SIGKILL)


def test_a_flood_of_output_leaves_its_last_lines(child: Child) -> None:
    """Nothing of it goes to disk; the log is short."""
    code = "print('x' * 30_000_000); print('\\n'.join(map(str, range(999))), flush=True)"
    error = failure(child, f"{code}; os._exit(1)")
    assert error.log.splitlines()[-1] == "998"
    assert len(error.log) < 8192


def test_memory_is_that_of_all_processes() -> None:
    """What children hold counts."""
    child = Child("obedient", threads=1, memory_limit=300_000_000)
    hoard = "import sys,time; hoard = bytearray(b'x' * 100_000_000); print(1, flush=True)"
    start = f"[sys.executable, '-c', {hoard + '; time.sleep(600)'!r}]"
    code = f"import sys\nfor _ in range(4): subprocess.Popen({start})\ntime.sleep(600)"
    error = failure(child, code)
    assert error.kind == "memory"
    assert "more than the limit of 0.30 GB" in error.reason


def test_pages_that_are_shared_count_once() -> None:
    """Copies of a process share what neither has written to."""
    child = Child("obedient", threads=1)
    try:
        ask(child, "hoard = bytearray(b'x' * 200_000_000)")
        ask(child, "for _ in range(3):\n if not os.fork(): time.sleep(600)")
        child.tree.members(now=True)
        assert child.tree.memory() > 600_000_000
        assert child.tree.memory_above(500_000_000) is None
        child.tree._share_at = 0.0
        used = child.tree.memory_above(100_000_000)
        assert used is not None
        assert 150_000_000 < used < 450_000_000
    finally:
        child.kill()


def test_cpu_time_is_that_of_all_processes(child: Child) -> None:
    """Also of those that have ended, and of orphans."""
    before = child.tree.cpu_seconds()
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    ask(child, f"import sys; subprocess.run([sys.executable, '-c', {burn!r}])")
    ask(child, "subprocess.run(['sh', '-c', 'true & true'])")
    assert child.tree.cpu_seconds() - before > 0.4


@pytest.mark.parametrize(
    ("number", "name"), [(2, "SIGINT"), (37, "SIGRTMIN+3"), (33, "signal 33"), (64, "SIGRTMAX")]
)
def test_every_signal_has_a_name(number: int, name: str) -> None:
    """Those too that Python has none for."""
    assert signal_name(number) == name


def test_a_child_that_is_gone_says_so(child: Child) -> None:
    """In place of an error of the system."""
    child.kill()
    assert failure(child, "answer = 1").kind == "lost"
    assert child.wait(0.0)


def test_a_parent_that_is_gone_before_the_start_starts_nothing(tmp_path: Path) -> None:
    """The supervisor sees that its parent is another process than the one that it was told."""
    from vbench._process import supervisor

    command = [sys.executable, "-I", "-S", supervisor.__file__, "0", str(os.getpid() + 1), "0"]
    done = subprocess.run([*command, "/bin/touch", str(tmp_path / "started")], capture_output=True)
    assert done.returncode == 1
    assert not (tmp_path / "started").exists()


def test_a_start_that_is_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a process nor a folder."""
    started: list[subprocess.Popen[bytes]] = []
    start = module._supervised

    def interrupted(*args: Any) -> subprocess.Popen[bytes]:
        started.append(start(*args))
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_supervised", interrupted)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        Child("obedient", threads=1)
    (supervisor,) = started
    supervisor.wait(LONG)
    assert not list(tmp_path.iterdir())
