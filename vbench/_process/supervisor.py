"""The process between vbench and one that runs third-party code: ends all when either is gone.

Run by its path, with nothing but the standard library::

    python -I -S supervisor.py LEASH PARENT KEPT FOLDERS COMMAND...

LEASH is a socket to the parent. Once the parent writes to it or is gone, or the command has ended
by itself, whatever the command started is killed: on Linux this process is their subreaper, so
that also a daemon that has left its group, session and parent is found. Through LEASH goes the
command's process number at first, in four bytes; and at the end its wait status, a space, the
length of what it printed at last, a newline, and that text.
KEPT is a descriptor that the command inherits under the same number. FOLDERS, with a colon between
them, are removed where the parent is gone and cannot.

While the command runs, this process sleeps: it wakes for what is printed, of which it keeps the
end, and for processes that end.
"""

import contextlib
import os
import select
import signal
import sys
import time

LAST_BYTES = 8192
_AT_ONCE = 1 << 16
_PATIENCE_SECONDS = 10.0
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Start the command, wait until it or the parent is gone, end all, report."""
    leash, parent, kept = map(int, sys.argv[1:4])
    os.set_inheritable(leash, False)
    woken = _wake_for_children()
    _control(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent process is gone")
    _control(_SET_CHILD_SUBREAPER, 1)
    said, printed = os.pipe()
    child = _start(sys.argv[5:], printed)
    os.close(kept)
    os.close(printed)
    os.write(leash, child.to_bytes(4, "big"))
    for descriptor in (leash, said):
        os.set_blocking(descriptor, False)
    family = _Family(child)
    last = _attend(leash, said, woken, parent, family)
    family.end()
    # What the kernel says of a crash is printed when the process is already gone.
    while piece := _read(said):
        last = (last + piece)[-LAST_BYTES:]
    with contextlib.suppress(OSError):
        os.set_blocking(leash, True)
        os.write(leash, b"%d %d\n" % (family.status, len(last)) + last)
    if _is_alone(leash, parent):
        _remove(sys.argv[4].split(os.pathsep))


def _is_alone(leash: int, parent: int) -> bool:
    """Whether the parent is gone; one that lives holds the leash until this process ends.

    The leash alone does not tell: a thread of the parent that ends last, or a copy of it, holds it
    for some time more.
    """
    if os.getppid() != parent:
        return True
    os.set_blocking(leash, False)
    try:
        while os.read(leash, _AT_ONCE):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _remove(folders: list[str]) -> None:
    import shutil

    for folder in filter(None, folders):
        shutil.rmtree(folder, ignore_errors=True)


def _wake_for_children() -> int:
    """Let signals end a `poll` by a byte in the pipe that is returned; none of them ends us."""
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    return woken


def _control(what: int, value: int) -> None:
    """`prctl`, where there is one."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def _start(command: list[str], printed: int) -> int:
    supervisor = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        for number in signal.valid_signals():
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        _control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() == supervisor:
            os.execv(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(127)


class _Family:
    """The command and what it started."""

    def __init__(self, child: int) -> None:
        self.child = child
        self.status = 0
        self.has_ended = False

    def bury(self) -> bool:
        """Take note of those that have ended; False once nobody is left."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == self.child:
                    self.status, self.has_ended = status, True
                if not pid:
                    return True
        return False

    def end(self) -> None:
        """Kill all, those too that are started meanwhile."""
        # Where there is no subreaper, this is all that can be done.
        with contextlib.suppress(OSError):
            os.killpg(self.child, signal.SIGKILL)
        until = time.monotonic() + _PATIENCE_SECONDS
        while self.bury() and time.monotonic() < until:
            for pid in descendants(os.getpid()):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)


def _attend(leash: int, said: int, woken: int, parent: int, family: _Family) -> bytes:
    """Sleep until the command or the parent is gone; the last that was printed."""
    last = b""
    poll = select.poll()
    for descriptor in (leash, said, woken):
        poll.register(descriptor, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if said in ready:
            piece = _read(said)
            last = (last + piece)[-LAST_BYTES:]
            if not piece:
                poll.unregister(said)
        if woken in ready:
            _read(woken)
            family.bury()
        if family.has_ended or leash in ready or os.getppid() != parent:
            return last


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _AT_ONCE)
    except OSError:
        return b""


def descendants(root: int) -> list[int]:
    """All that `root` started and they in turn, from one look at all processes."""
    children: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    parent = int(_content(f"{entry.path}/stat").rpartition(b")")[2].split()[1])
                    children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def _content(path: str) -> bytes:
    # Not pathlib: this process is to be small.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _AT_ONCE)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
