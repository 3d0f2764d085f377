"""Servers that indexes are built in: started for a run, or reached where they run already.

An index whose class names a :class:`Service` gets a :class:`Server` in ``fit``: how the service is
reached, and the name of a place of its own there, such as a table or a collection.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import msgspec
import psutil

from vbench._invocation import argv
from vbench._plugins import installed_version
from vbench.errors import MissingExtraError, VbenchError

_PREFIX = "vbench"
_NAME = re.compile(rf"{_PREFIX}_([0-9a-f]{{8}})_(\d+)_(\d+)_[0-9a-f]{{6}}")
_NOBODY = 65534
_END_SECONDS = 3.0
_SET_PARENT_DEATH_SIGNAL = 1


class Server(msgspec.Struct, frozen=True):
    """Where one build lives: what reaches the service, and a name that nothing else there has.

    Letters, digits and underscores, at most 63: it can name a table, a collection, a database.
    """

    address: str
    namespace: str


class Service:
    """A server that holds indexes. One is started for all builds of a run.

    A class of which no ``start`` is written is reached by its address alone.
    """

    name: ClassVar[str]
    """What `--connect NAME=URL` calls it."""

    extra: ClassVar[str | None] = None
    """The extra of vbench-ann that installs a server to be started; None where there is none."""

    server_requires: ClassVar[tuple[str, ...]] = ()
    """Distributions without which no server can be started."""

    def start(self, folder: Path, *, threads: int) -> str:
        """Start the server, all its files in `folder`; its address.

        It is started below this process, which is pinned already, and ends with it.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """End the server, as :func:`end` does; what is left of it is killed."""

    def namespaces(self, address: str) -> Sequence[str]:
        """Names of what is there, also of what is not vbench's; raises where nobody answers."""
        raise NotImplementedError

    def drop(self, address: str, namespace: str) -> None:
        """Remove a namespace, if it is there."""
        raise NotImplementedError


def can_start(service: type[Service]) -> bool:
    """Whether a server can be started, and not only be reached."""
    return service.start is not Service.start


def is_startable(service: type[Service]) -> bool:
    """Whether what a server needs to be started is installed."""
    return all(map(installed_version, service.server_requires))


def check_reachable(kind: type[Service] | None, connect: str | None, index: str) -> None:
    """Refuse an index whose server can neither be started nor was given an address.

    Raises
    ------
    VbenchError
    """
    if kind is None:
        if connect is not None:
            raise VbenchError(f"index {index!r} is built in no server; leave out connect")
    elif connect is None and not can_start(kind):
        option = f"connect={{{kind.name!r}: URL}}" if argv.get() is None else ""
        option = option or f"--connect {kind.name}=URL"
        raise VbenchError(
            f"index {index!r}: no server of {kind.name} is started here; give the address of one "
            f"that runs: {option}"
        )
    elif connect is None and not is_startable(kind):
        raise MissingExtraError(f"a server of {kind.name}", kind.extra or kind.name)


@contextlib.contextmanager
def hosted(kind: type[Service], connect: str | None) -> Iterator[Callable[[], Server]]:
    """Start a server below this process, or reach one; gives a new place there each time."""
    service, made = kind(), list[Server]()
    # Removed with all else that this process left.
    folder = Path(tempfile.mkdtemp(prefix=f"{kind.name}-"))
    address = service.start(folder, threads=1) if connect is None else connect
    if connect is not None:
        drop_left_over(service, address)

    def new_server() -> Server:
        for server in made:
            service.drop(server.address, server.namespace)
        made[:] = [Server(address, new_namespace())]
        return made[0]

    try:
        yield new_server
    finally:
        with contextlib.suppress(Exception):
            for server in made:
                service.drop(server.address, server.namespace)
        service.stop()
        shutil.rmtree(folder, ignore_errors=True)


def new_namespace() -> str:
    """A name that no other build has, and that tells which process made it."""
    born = int(psutil.Process().create_time())
    return f"{_PREFIX}_{_host()}_{os.getpid()}_{born}_{secrets.token_hex(3)}"


def is_left_over(namespace: str) -> bool:
    """Whether a namespace is of a run of this machine that is no longer there."""
    found = _NAME.fullmatch(namespace)
    if found is None or found[1] != _host():
        return False
    try:
        return bool(abs(psutil.Process(int(found[2])).create_time() - int(found[3])) > 2)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def drop_left_over(service: Service, address: str) -> list[str]:
    """Remove what runs left that were killed; the names of what was removed."""
    found = [name for name in service.namespaces(address) if is_left_over(name)]
    for name in found:
        service.drop(address, name)
    return found


def _host() -> str:
    # Containers may share a name, and number their processes alike.
    space = ""
    with contextlib.suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def spawn(
    command: Sequence[object], folder: Path, *, unprivileged: bool = False
) -> subprocess.Popen[bytes]:
    """Start a server below this process, in `folder`, and let it die with it.

    What it prints goes where this process prints.

    Parameters
    ----------
    unprivileged
        As another user where this one is root, for a server that refuses to run as that. The
        folder becomes that user's.
    """
    user = None
    if unprivileged and _is_root():
        os.chown(folder, _NOBODY, _NOBODY)
        _open_to_all(folder.parent)
        user = _NOBODY
    return subprocess.Popen(
        [str(each) for each in command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        env={**_environment(), "LC_ALL": "C", "HOME": str(folder)},
        preexec_fn=_die_with_parent,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def is_open_to_all(path: Path) -> bool:
    """Whether the user that an unprivileged server runs as comes as far as a path."""
    return not _is_root() or not any(_is_closed(each) for each in (path, *path.parents))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _is_closed(folder: Path) -> bool:
    return not folder.stat().st_mode & 0o001


def _open_to_all(folder: Path) -> None:
    """Let others pass through a temporary folder of this process."""
    own = Path(tempfile.gettempdir())
    for each in (folder, *folder.parents):
        if _is_closed(each):
            if not each.is_relative_to(own):
                raise VbenchError(
                    f"the server refuses to run as root, and others may not enter {each}: set "
                    "TMPDIR to a folder that they may, such as /tmp"
                )
            each.chmod(each.stat().st_mode | 0o011)


def _environment() -> dict[str, str]:
    """Without what would tell PostgreSQL's programs of another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _die_with_parent() -> None:
    # A process that becomes another user forgets this, so it comes last.
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def wait_for(
    is_ready: Callable[[], object], process: subprocess.Popen[bytes], *, seconds: float = 60.0
) -> None:
    """Wait until a server answers: until `is_ready` raises no longer.

    Raises
    ------
    VbenchError
        The server ended, or does not answer in time.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            is_ready()
            return
        # Each client has errors of its own for a server that is not up yet.
        except Exception as error:
            if process.poll() is not None:
                raise VbenchError(f"the server ended with exit code {process.returncode}") from None
            if time.monotonic() > until:
                raise VbenchError(
                    f"no answer from the server within {seconds:g} s: {error}"
                ) from None
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes] | None, how: int = signal.SIGTERM) -> None:
    """End a server by a signal; kill it where that does not help at once."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Phases:
    """Seconds of a build by phase: what ``fit`` of an index in a service returns.

    Attributes
    ----------
    seconds : by phase: `load`, `index`, `optimize`
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        spent = time.perf_counter() - began
        self.seconds[phase] = self.seconds.get(phase, 0.0) + spent
