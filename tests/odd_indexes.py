"""Indexes that are odd, each in one way: what the conformance kit must find, allow, or bear.

Beside `misbehaving`, whose faults concern runs too. All else is exact search.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from misbehaving import Exact, Swept

from vbench.metric import Metric

_BUSY = "import time\nend = time.time() + 0.6\nwhile time.time() < end: pass"


class SameList(Exact):
    """Fills one list again for each answer."""

    def __init__(self) -> None:
        self.row: list[int] = []

    def search_one(self, query: Any, k: int) -> Any:
        self.row[:] = self.search(query[np.newaxis], k)[0].tolist()
        return self.row


class SameBuffer(Exact):
    """Answers a batch with a view into memory that it uses again."""

    def __init__(self) -> None:
        self.buffer = np.empty((4096, 512), dtype=np.int64)

    def search(self, queries: Any, k: int) -> Any:
        found = self.nearest(queries, k)
        view = self.buffer[: len(queries), :k]
        view[:] = found
        return view

    def search_one(self, query: Any, k: int) -> Any:
        return self.nearest(query[np.newaxis], k)[0]


class Lazy(Exact):
    """Answers with an object that looks the ids up when it is made an array."""

    def search_one(self, query: Any, k: int) -> Any:
        self.last = self.nearest(query[np.newaxis], k)[0]
        return _Late(self)


class _Late:
    def __init__(self, index: Lazy) -> None:
        self.index = index

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.index.last

    def __len__(self) -> int:
        return len(self.index.last)


class Ragged(Exact):
    """Rows are short by different amounts where fewer are found."""

    def search_one(self, query: Any, k: int) -> Any:
        ids = self.nearest(query[np.newaxis], k)[0]
        return ids[: max(1, len(ids) - int(abs(query[0]) * 10) % 3)] if k > len(self.base) else ids

    def search(self, queries: Any, k: int) -> Any:
        return [self.search_one(query, k) for query in queries]


class OneByOne:
    """A plain class that answers one query at a time, by a list without pads."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        self.exact = Exact()
        self.exact.fit(base, metric, seed=seed, threads=threads)

    def search_one(self, query: Any, k: int) -> list[int]:
        row = self.exact.nearest(query[np.newaxis], k)[0]
        return [int(each) for each in row if each >= 0]


class Squeezes(Exact):
    """Answers a batch of one by a row alone."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        return ids[0] if len(ids) == 1 else ids


class BatchDiffersABit(Exact):
    """Misses the last id of one query of a batch in twenty."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        if len(queries) > 1:
            ids[::20, -1] = -1
        return ids


class Unsigned(Exact):
    """Ids are unsigned, and so are its pads."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k).astype(np.uint64)


class Text(Exact):
    """Ids are text, as a store of documents has them."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k).astype(str).tolist()


class Generator(Exact):
    """Answers when somebody looks, so that the call itself takes no time."""

    def search(self, queries: Any, k: int) -> Any:
        return (row for row in self.nearest(queries, k))


class ScoresFirst(Exact):
    """Scores and ids of one query in a tuple."""

    def search_one(self, query: Any, k: int) -> Any:
        ids = self.nearest(query[np.newaxis], k)[0]
        return np.zeros(len(ids)), ids


class RaisesTheUnspeakable(Exact):
    """Raises what fails at showing itself."""

    def search(self, queries: Any, k: int) -> Any:
        raise UnspeakableError


class UnspeakableError(BaseException):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("not shown")


class RepeatsTheFirst(Exact):
    """Fills up with the nearest what it does not have."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        return np.where(ids < 0, ids[:, :1], ids)


class NoBatch(Exact):
    """Cannot do without queries."""

    def search(self, queries: Any, k: int) -> Any:
        return np.stack([self.nearest(query[np.newaxis], k)[0] for query in queries])


class SaysUnseeded(Exact):
    """Drops a tenth of the base at random, and says so."""

    seeded = False

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        rng = np.random.default_rng(int.from_bytes(os.urandom(4), "little"))
        self.rows = np.sort(rng.permutation(len(base))[: max(1, len(base) * 9 // 10)])
        super().fit(base[self.rows], metric, seed=seed, threads=threads)

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        return np.where(ids < 0, -1, self.rows[ids])


class Forgets(Swept):
    """Goes back to its default after each search."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"keep": [0.5, 1.0]}

    def search(self, queries: Any, k: int) -> Any:
        ids = super().search(queries, k)
        self.keep = 1.0
        return ids


class WritesUnsaid(Exact):
    """Takes only arrays that can be written to, as wrappers of C++ do."""

    def search(self, queries: Any, k: int) -> Any:
        if not queries.flags.writeable:
            raise ValueError("buffer source array is read-only")
        return self.nearest(queries, k)


class WritesSaid(WritesUnsaid):
    """The same, and says so."""

    writes = True


class EightsUnsaid(Exact):
    """Takes vectors of multiples of eight dimensions."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        if base.shape[1] % 8:
            raise ValueError("dimension must be a multiple of 8")
        super().fit(base, metric, seed=seed, threads=threads)


class EightsSaid(EightsUnsaid):
    """The same, and says so."""

    dimensions = range(8, 65, 8)


class EightsByL2(EightsSaid):
    """The same, by Euclidean distance alone."""

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2"})


class EightsSaidWrongly(EightsUnsaid):
    """The same, and says something else."""

    dimensions = range(2, 65)


class OneDimension(Exact):
    """Numbers on a line."""

    dimensions: ClassVar = {1}


class BusyChildren(Exact):
    """Builds in two processes whatever it is told."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        if len(base) >= 5000:
            command = [sys.executable, "-S", "-c", _BUSY]
            for child in [subprocess.Popen(command) for _ in range(2)]:
                child.wait()


class Spins(Exact):
    """A thread that never sleeps stays when the base is built."""

    goes_on = False

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.goes_on = True
        threading.Thread(target=self._spin, daemon=True).start()

    def _spin(self) -> None:
        while self.goes_on:
            pass

    def close(self) -> None:
        self.goes_on = False


class OldFit(Exact):
    """Knows neither seed nor threads."""

    def fit(self, base: Any, metric: Metric) -> None:  # type: ignore[override]  # what is wrong
        self.base, self.metric = base, metric


class CountsOpen(Exact):
    """Counts those that are made and not closed, whatever has been done with them."""

    made: ClassVar[list[CountsOpen]] = []
    closed: ClassVar[list[CountsOpen]] = []

    def __init__(self) -> None:
        self.made.append(self)

    def close(self) -> None:
        self.closed.append(self)


class CountsOpenAndFails(CountsOpen):
    """The same, and search raises."""

    def search(self, queries: Any, k: int) -> Any:
        raise RuntimeError("no answer")


class CloseRaises(Exact):
    """Cannot be closed."""

    def close(self) -> None:
        raise RuntimeError("port still in use")


class CloseHangs(Exact):
    """Waits for ever when it is closed, and lets no exception out."""

    def close(self) -> None:
        while True:
            try:
                time.sleep(60)
            except Exception:
                continue


class CloseNeedsFit(Exact):
    """Can be closed only once."""

    def close(self) -> None:
        del self.base


class LeavesServer(Exact):
    """Starts a server and forgets it."""

    server: int | None = None

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        self.close()
        super().fit(base, metric, seed=seed, threads=threads)
        # Not by fork, which JAX warns of where an earlier test has imported it.
        self.server = os.posix_spawnp("sleep", ["sleep", "600"], os.environ)


class EndsServer(LeavesServer):
    """Starts a server and ends it."""

    def close(self) -> None:
        if self.server is not None:
            os.kill(self.server, signal.SIGKILL)
            os.waitpid(self.server, 0)
            self.server = None


class SavesOnly(Exact):
    """Can be written to a file, and not be read."""

    def save(self, path: Path) -> None:
        np.save(path, self.base)


class SavesNothing(SavesOnly):
    """Writes nothing."""

    def save(self, path: Path) -> None:
        pass


class LoadsOnly(Exact):
    """Reads what nothing writes."""

    def load(self, path: Path) -> None:
        pass


class LoadsByName(SavesOnly):
    """Writes vectors alone; the rest comes when it is read."""

    def save(self, path: Path) -> None:
        self.base.tofile(path)

    def load(self, path: Path, *, d: int, n: int, metric: Metric, threads: int) -> None:
        base = np.fromfile(path, dtype=np.float32).reshape(n, d)
        self.fit(base, metric, seed=0, threads=threads)


class LoadsOneSetting(LoadsByName):
    """Answers otherwise after load, but not at its widest setting."""

    sweep: ClassVar[dict[str, list[float]]] = {"keep": [0.5, 1.0]}

    def set(self, keep: float = 1.0) -> None:
        self.keep = keep

    def load(self, path: Path, *, d: int, n: int, metric: Metric, threads: int) -> None:
        super().load(path, d=d, n=n, metric=metric, threads=threads)
        self.keep_always = True

    def search(self, queries: Any, k: int) -> Any:
        found = super().search(queries, k)
        return found[:, ::-1] if hasattr(self, "keep_always") and self.keep < 1.0 else found
