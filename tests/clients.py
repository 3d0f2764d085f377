"""Indexes that several clients ask, by threads or by processes, well behaved or not.

Named as `clients:Name` where this folder is importable.
"""

from __future__ import annotations

import ctypes
import os
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from misbehaving import Exact

_BARRIER = threading.Barrier(2)


class Shared(Exact):
    """Searched by several threads at once; keeps what it is asked, and by which thread."""

    clients = "threads"

    def __init__(self) -> None:
        self.asked: list[tuple[int, bytes]] = []
        self.sizes: list[int] = []

    def search_one(self, query: Any, k: int) -> Any:
        self.asked.append((threading.get_ident(), query.tobytes()))
        return self.nearest(query[np.newaxis], k)[0]

    def search(self, queries: Any, k: int) -> Any:
        self.sizes.append(len(queries))
        return self.nearest(queries, k)


class Together(Shared):
    """Answers no query of two threads before both ask: one after the other they would wait."""

    def search_one(self, query: Any, k: int) -> Any:
        if threading.current_thread() is not threading.main_thread():
            _BARRIER.wait(timeout=60)
        return super().search_one(query, k)


class Slow(Shared):
    """Takes two thousandths of a second for each query."""

    def search_one(self, query: Any, k: int) -> Any:
        time.sleep(0.002)
        return super().search_one(query, k)


class OneBuffer(Exact):
    """Says that threads may share it, and answers all of them in the same memory."""

    clients = "threads"

    def search_one(self, query: Any, k: int) -> Any:
        if not hasattr(self, "row") or len(self.row) != k:
            self.row = np.empty(k, dtype=np.int64)
        self.row[:] = self.nearest(query[np.newaxis], k)[0]
        time.sleep(0)
        return self.row


class Handles(OneBuffer):
    """The same, with a handle of its own for every client."""

    closed = 0

    @classmethod
    def connect(cls, server: Handles) -> Handles:
        handle = cls()
        handle.base, handle.metric, handle.parent = server.base, server.metric, server
        return handle

    def close(self) -> None:
        if hasattr(self, "parent"):
            self.parent.closed += 1


class Fails(Shared):
    """Raises in the threads of clients."""

    def search_one(self, query: Any, k: int) -> Any:
        if threading.current_thread() is not threading.main_thread():
            raise OSError("too many connections")
        return super().search_one(query, k)


class OwnThread(Exact):
    """Searches by a thread of its own, which no fork has."""

    def fit(self, base: Any, metric: Any, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.pool = ThreadPoolExecutor(1)
        self.pool.submit(int).result()

    def search(self, queries: Any, k: int) -> Any:
        return self.pool.submit(self.nearest, queries, k).result()


class Writes(Exact):
    """Writes over what it is asked."""

    writes = True

    def search(self, queries: Any, k: int) -> Any:
        found = self.nearest(queries, k)
        queries[:] = 0
        return found


class Alone(OwnThread):
    """The same, and says so."""

    forks = False


class InForks(Exact):
    """Does something else where the process is a fork of that which built it."""

    def fit(self, base: Any, metric: Any, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.pid = os.getpid()

    def search(self, queries: Any, k: int) -> Any:
        if os.getpid() != self.pid:
            self.misbehave()
        return self.nearest(queries, k)

    def misbehave(self) -> None:
        """What is done there."""


class Dies(InForks):
    """Is killed there."""

    def misbehave(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Raises(InForks):
    """Raises there."""

    def misbehave(self) -> None:
        raise OSError("too many files")


class Other(InForks):
    """Answers with other ids there."""

    def misbehave(self) -> None:
        self.base = self.base[::-1]


class Heavy(InForks):
    """Holds 64 MB, and tells in a file how much memory of its own the process has at most."""

    def fit(self, base: Any, metric: Any, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.told = tempfile.mkdtemp()
        self.held = np.ones(16 << 20, dtype=np.float32)

    def misbehave(self) -> None:
        assert self.held[:: 1 << 10].all()
        counted = Path("/proc/self/smaps_rollup").read_text().split("Private_Dirty:")[1]
        Path(self.told, str(os.getpid())).write_text(counted.split()[0])


class Changes(Shared):
    """Writes into the queries of a batch, which it makes writeable."""

    def search(self, queries: Any, k: int) -> Any:
        pointer = queries.ctypes.data
        ctypes.c_float.from_address(pointer).value += 1.0
        return super().search(queries, k)


class Service(Exact):
    """What was built lies in a file; clients of other processes read it from there."""

    local = False

    def server(self) -> Any:
        handle, path = tempfile.mkstemp(suffix=".npy")
        os.close(handle)
        np.save(path, self.base)
        self.path = path
        return {"path": path, "metric": self.metric}

    @classmethod
    def connect(cls, server: Any) -> Service:
        found = cls()
        found.base, found.metric = np.load(server["path"], mmap_mode="r"), server["metric"]
        return found

    def close(self) -> None:
        if hasattr(self, "path"):
            Path(self.path).unlink(missing_ok=True)


class Refusing(Service):
    """Lets nobody connect."""

    @classmethod
    def connect(cls, server: Any) -> Service:
        raise ConnectionError("no more than 1 client")


class Unsendable(Service):
    """Says that clients connect to what no other process can have."""

    def server(self) -> Any:
        return threading.Lock()


class OneQuery(Exact):
    """Says that threads may share it, and copies every query to the same place first."""

    clients = "threads"

    def search_one(self, query: Any, k: int) -> Any:
        if not hasattr(self, "query"):
            self.query = np.empty_like(query)
        self.query[:] = query
        time.sleep(0)
        return self.nearest(self.query[np.newaxis], k)[0]


class Locked(Exact):
    """Says that threads may share it, and lets none of them work while it searches."""

    clients = "threads"

    def search(self, queries: Any, k: int) -> Any:
        ctypes.PyDLL(None).usleep(5000 * len(queries))
        return self.nearest(queries, k)

    def search_one(self, query: Any, k: int) -> Any:
        return self.nearest(query[np.newaxis], k)[0]


class Elsewhere(Service):
    """Lets clients connect to something else than what was built."""

    @classmethod
    def connect(cls, server: Any) -> Service:
        found = super().connect(server)
        found.base = np.asarray(found.base)[::-1]
        return found


class Conditional(Service):
    """A service whose clients search under a condition, each by its own handle."""

    mask: Any = None

    def allow(self, filter: Any) -> None:  # noqa: A002  # as the protocol has it
        self.mask = None if filter is None else filter.mask

    def search(self, queries: Any, k: int) -> Any:
        if self.mask is None:
            return self.nearest(queries, k)
        whole, rows = self.base, np.flatnonzero(self.mask)
        self.base = np.asarray(whole)[rows]
        try:
            found = self.nearest(queries, k)
        finally:
            self.base = whole
        return np.where(found < 0, -1, rows[found])
