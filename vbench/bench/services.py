"""The servers of a run: each started when the first index needs it, or reached at an address."""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote, urlsplit

import msgspec

from vbench._process.child import Child, ChildError, Deadline
from vbench._process.text import FailureKind
from vbench._process.tree import Tree
from vbench.bench import host
from vbench.errors import warn
from vbench.indexes.registry import resolve
from vbench.indexes.service import Server, Service, new_namespace

_START_SECONDS = 120.0
_DROP_SECONDS = 60.0
_STOP_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 0.1
_LOOKS_A_LIST = 5
"""After so many looks at the memory, new processes are looked for."""
_QUIET_SHARE = 0.05
_QUIET_SECONDS = 1.0
_QUIET_WITHIN_SECONDS = 60.0
_MASK = "…"


class ServiceError(Exception):
    """A server cannot be started or reached, or does not do what it is told. `log` is its own."""

    def __init__(self, reason: str, log: str = "", kind: FailureKind = "error") -> None:
        super().__init__(reason)
        self.reason = reason
        self.log = log
        self.kind = kind


class Peak:
    """Bytes that a server held at most in a while, less what it held before; None: not known."""

    bytes: int | None = None


class RunningService:
    """A server, ours or somebody's, and what is known of it.

    Attributes
    ----------
    is_ours
        Whether it was started for this run: of another one, processes and memory are not seen.
    pid
        The process that it runs below, and `tree` all of these; None where it is not ours.
    """

    def __init__(
        self,
        kind: type[Service],
        adapter: str,
        *,
        threads: int,
        cores: Sequence[int],
        connect: str | None,
        memory_limit: int | None,
    ) -> None:
        self.name = kind.name
        self.is_ours = connect is None
        self._connect = connect
        self._limit = memory_limit
        self._excess: str | None = None
        self._child = Child("vbench.bench.host", [",".join(map(str, cores))], threads=threads)
        self._namespaces: set[str] = set()
        start = host.Start(adapter, connect, threads, sys.path)
        try:
            done = self._ask(start, _START_SECONDS)
        except BaseException:
            self._child.kill()
            raise
        self._address = done.address
        self.pid = self._child.pid if self.is_ours else None
        self.tree = None if self.pid is None else Tree(self.pid)
        if done.dropped:
            warn(
                f"{self.name}: {', '.join(done.dropped)} was left by a run that was killed: dropped"
            )

    @property
    def has_ended(self) -> bool:
        """Whether our server is gone."""
        if self._child.has_ended or self.tree is None:
            return self._child.has_ended
        # Its host sleeps on when the server below it has ended, of which a number may stay.
        self.tree.members(now=True)
        return self.tree.memory() == 0

    def why_ended(self) -> ServiceError:
        """What is to be said of a server that is gone."""
        log = self._child.kill()
        if self._excess is not None:
            return ServiceError(self._excess, log, "memory")
        return ServiceError(f"the server of {self.name} ended", self.mask(log), "lost")

    def new_server(self) -> Server:
        """A place for another build."""
        namespace = new_namespace()
        self._namespaces.add(namespace)
        return Server(self._address, namespace)

    def drop(self, server: Server) -> str | None:
        """Remove a build's place; what went wrong, if anything did."""
        self._namespaces.discard(server.namespace)
        if self._child.has_ended:
            return None
        try:
            self._ask(host.Drop(server.address, server.namespace), _DROP_SECONDS)
        except ServiceError as error:
            if self.is_ours and self.has_ended:
                return None
            return f"{server.namespace} was left on the server: {error.reason}"
        return None

    @contextlib.contextmanager
    def watch(self) -> Iterator[Peak]:
        """Watch the server's memory; one that exceeds the limit is ended."""
        peak, tree = Peak(), self.tree
        if tree is None:
            yield peak
            return
        before, done = tree.memory_once(), threading.Event()
        peak.bytes = 0

        def look() -> None:
            for number in itertools.count():
                is_last = done.wait(_LOOK_EVERY_SECONDS)
                held = tree.memory_once(now=is_last or number % _LOOKS_A_LIST == 0)
                peak.bytes = max(peak.bytes or 0, held - before)
                if self._limit is not None and held > self._limit:
                    self._excess = (
                        f"the server used {held / 1e9:.2f} GB, more than the limit of "
                        f"{self._limit / 1e9:.2f} GB"
                    )
                    self._child.kill()
                    return
                if is_last:
                    return

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield peak
        finally:
            done.set()
            watcher.join()

    def wait_until_quiet(self) -> None:
        """Wait for merges and vacuums of our server that go on behind an answer."""
        if self.tree is None:
            return
        until = time.monotonic() + _QUIET_WITHIN_SECONDS
        before = self.tree.cpu_seconds()
        while time.monotonic() < until:
            time.sleep(_QUIET_SECONDS)
            now = self.tree.cpu_seconds()
            if now - before < _QUIET_SHARE * _QUIET_SECONDS:
                return
            before = now
        warn(
            f"the server of {self.name} still works {_QUIET_WITHIN_SECONDS:g} s after it was given "
            "nothing to do; that disturbs the times"
        )

    def mask(self, text: str) -> str:
        """A text without the address that was given, and without any part of it."""
        for secret in _parts(self._connect or ""):
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _MASK, text)
        return text

    def close(self) -> None:
        """Leave nothing: end our server; of another one, drop what is ours."""
        if not self.is_ours:
            for namespace in sorted(self._namespaces):
                problem = self.drop(Server(self._address, namespace))
                if problem is not None:
                    warn(f"{self.name}: {problem}")
        try:
            self._child.wait(_STOP_SECONDS)
        finally:
            self._child.kill()

    def _ask(self, message: host.Start | host.Drop, seconds: float) -> host.Done:
        deadline = Deadline.after(seconds)
        try:
            self._child.send(msgspec.msgpack.encode((message,)), deadline=deadline)
            said, _ = self._child.receive(host.answer, deadline=deadline)
        except ChildError as error:
            raise ServiceError(error.reason, self.mask(error.log), error.kind) from None
        if isinstance(said, host.Failed):
            raise ServiceError(self.mask(said.reason), self.mask(said.trace))
        return said


class Services:
    """The services of a run, by their class.

    Parameters
    ----------
    connect
        Addresses by the name of the service; for others one is started.
    """

    def __init__(
        self,
        connect: Mapping[str, str],
        *,
        threads: int,
        cores: Sequence[int],
        memory_limit: int | None,
    ) -> None:
        self._connect = connect
        self._threads = threads
        self._cores = cores
        self._limit = memory_limit
        self._running: dict[type[Service], RunningService] = {}

    def of(self, adapter: str) -> RunningService | None:
        """The service that an adapter's indexes are built in; None where they need none.

        Raises
        ------
        ServiceError
            It cannot be started or reached.
        """
        kind = resolve(adapter).service
        if kind is None:
            return None
        running = self._running.get(kind)
        if running is not None and not running.has_ended:
            return running
        if running is not None:
            self._running.pop(kind).close()
        url = self._connect.get(kind.name)
        try:
            made = RunningService(
                kind,
                adapter,
                threads=self._threads,
                cores=self._cores,
                connect=url,
                memory_limit=self._limit,
            )
        except ServiceError as error:
            how = "started" if url is None else "reached"
            reason = f"{kind.name} cannot be {how}: {error.reason}"
            raise ServiceError(reason, error.log, error.kind) from None
        self._running[kind] = made
        return made

    def close(self) -> None:
        """End all."""
        while self._running:
            self._running.popitem()[1].close()


def _parts(url: str) -> list[str]:
    """The address and all that it tells, the longest first."""
    try:
        split = urlsplit(url)
        found = [split.netloc, split.hostname, split.username, split.password, split.path[1:]]
    except ValueError:
        found = []
    whole = [url, *(each for each in found if each)]
    whole += [unquote(each) for each in whole]
    return sorted({each for each in whole if len(each) > 2}, key=len, reverse=True)
