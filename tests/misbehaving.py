"""Indexes that do wrong, each in one way: what the runner and the conformance kit must survive.

Named on the command line as `misbehaving:Name` where this folder is importable. All but the
named fault is exact search, so that nothing else can be at fault.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil

import vbench
from vbench.metric import Metric


class Exact(vbench.Index):
    """Exact search in numpy: well behaved."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        self.base = base
        self.metric = metric

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k)

    def nearest(self, queries: Any, k: int) -> Any:
        """Exact ids, int64 (m, k), −1 pads."""
        scores = -(queries @ self.base.T)
        if self.metric == "l2":
            scores = 2.0 * scores + (self.base**2).sum(axis=1)
        elif self.metric == "cosine":
            scores = scores / np.linalg.norm(self.base, axis=1)
        found = np.argsort(scores, axis=1, kind="stable")[:, :k]
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        ids[:, : found.shape[1]] = found
        return ids


class Swept(Exact):
    """Well behaved, with a search parameter that matters: `keep` of the base is looked at."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"keep": [0.5, 0.75, 1.0]}
    tune_parameter = "keep"
    keep = 1.0

    def set(self, keep: float = 1.0) -> None:
        self.keep = keep

    def search(self, queries: Any, k: int) -> Any:
        whole = self.base
        self.base = whole[: max(1, int(len(whole) * self.keep))]
        try:
            return self.nearest(queries, k)
        finally:
            self.base = whole


class Slow(Swept):
    """Well behaved and slow: time enough to be killed."""

    def search(self, queries: Any, k: int) -> Any:
        time.sleep(0.005)
        return super().search(queries, k)


class Deaf(Swept):
    """Looks at half of the base, whatever it is told."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [10, 100]}
    tune_parameter = "ef"
    keep = 0.5

    def set(self, ef: int = 10) -> None:
        pass


class NoEffect(Exact):
    """Takes a search parameter and ignores it."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [10, 100]}
    tune_parameter = "ef"

    def set(self, ef: int = 10) -> None:
        pass


class Floats(Exact):
    """Returns its ids as floats."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k).astype(np.float64)


class Lists(Exact):
    """Returns lists of Python integers, which is allowed."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k).tolist()


class WrongShape(Exact):
    """Returns one long row for all queries."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k).ravel()


class TooWide(Exact):
    """Returns k + 1 ids a query."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k + 1)


class TooFewRows(Exact):
    """Forgets the last query."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k)[: max(1, len(queries) - 1)] if len(queries) > 1 else None


class WithDistances(Exact):
    """Returns distances and ids, as many libraries do."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        return np.zeros(ids.shape), ids


class Nothing(Exact):
    """Returns None."""

    def search(self, queries: Any, k: int) -> Any:
        return None


class OutOfRange(Exact):
    """Its last id of each query is n."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        ids[:, -1] = len(self.base)
        return ids


class Negative(Exact):
    """Its last id of each query is −7."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        ids[:, -1] = -7
        return ids


class Duplicates(Exact):
    """Returns the nearest k times."""

    def search(self, queries: Any, k: int) -> Any:
        return np.repeat(self.nearest(queries, 1), k, axis=1)


class Pads(Exact):
    """Pads the second half of each row, which is allowed and costs recall."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        ids[:, (k + 1) // 2 :] = -1
        return ids


class ShortRows(Exact):
    """Returns fewer than k ids a query, without pads."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, max(1, k // 2))


class ChangesQueries(Exact):
    """Writes over the queries, even where they are marked read-only."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        ctypes.memset(queries.ctypes.data, 0, queries.nbytes)
        return ids


class ChangesBase(Exact):
    """Tries to write to the base while it builds."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        base[0] = 0.0
        super().fit(base, metric, seed=seed, threads=threads)


class WritesToItsInput(Exact):
    """Normalizes base and queries where they lie, as it says that it does."""

    metrics: ClassVar[frozenset[Metric]] = frozenset({"cosine"})
    writes = True

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        base /= np.linalg.norm(base, axis=1, keepdims=True)
        super().fit(base, "ip", seed=seed, threads=threads)

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        queries *= -1.0
        return ids


class CrashesInFit(Exact):
    """A segmentation fault while building."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        ctypes.string_at(0)


class CrashesInSearch(Exact):
    """A segmentation fault while searching."""

    def search(self, queries: Any, k: int) -> Any:
        return ctypes.string_at(0)


def hang() -> None:
    """Never return; the file `hanging` says that it has come to this."""
    Path("hanging").touch()
    while True:
        time.sleep(0.05)


class LateClock:
    """Stands for the module `time` of who watches: a day later at each look while something hangs.

    Who looks for the first time when it hangs already sees the next day too.
    """

    days = 0

    @classmethod
    def monotonic(cls) -> float:
        cls.days += Path("hanging").exists()
        return time.monotonic() + 86_400 * cls.days


class HangsInFit(Exact):
    """Never finishes building."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        hang()


class HangsInSearch(Exact):
    """Never answers."""

    def search(self, queries: Any, k: int) -> Any:
        hang()


class EatsMemory(Exact):
    """Takes memory until it is stopped, or at most `gigabytes`."""

    def __init__(self, gigabytes: float = 64.0) -> None:
        self.blocks = int(gigabytes * 16)

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        self.hoard = [np.ones(8 << 20) for _ in range(self.blocks)]
        super().fit(base, metric, seed=seed, threads=threads)


class RaisesInInit(Exact):
    """Raises where it is made."""

    def __init__(self) -> None:
        raise RuntimeError("no license found")


class RaisesInFit(Exact):
    """Raises while building."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        raise RuntimeError("the index server is not there")


class RaisesInSearch(Exact):
    """Raises while searching."""

    def search(self, queries: Any, k: int) -> Any:
        raise ValueError("cannot search today")


class RaisesAtSetting(Swept):
    """Raises at one setting, `keep=0.75`, and is well at the others."""

    def search(self, queries: Any, k: int) -> Any:
        if self.keep == 0.75:
            raise RuntimeError("unlucky setting")
        return super().search(queries, k)


class CrashesAtSetting(Swept):
    """A segmentation fault at one setting, `keep=0.75`."""

    def search(self, queries: Any, k: int) -> Any:
        return ctypes.string_at(0) if self.keep == 0.75 else super().search(queries, k)


class HangsAtSetting(Swept):
    """Never answers at one setting, `keep=0.75`."""

    def search(self, queries: Any, k: int) -> Any:
        while self.keep == 0.75:
            time.sleep(0.05)
        return super().search(queries, k)


class Fickle(Exact):
    """Different ids at every call, whatever the seed."""

    def search(self, queries: Any, k: int) -> Any:
        rng = np.random.default_rng(time.perf_counter_ns())
        return rng.integers(0, len(self.base), size=(len(queries), k))


class BatchDiffers(Exact):
    """Answers worse when asked for many at once."""

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        if len(queries) > 1:
            ids[:, -1] = -1
        return ids


class Unseeded(Exact):
    """Keeps half of the base, another half in each build, whatever the seed."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        rng = np.random.default_rng(time.perf_counter_ns())
        self.kept = np.sort(rng.permutation(len(base))[: (len(base) + 1) // 2])

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, len(self.base))
        return np.stack([row[np.isin(row, self.kept)][:k] for row in ids])


class ByPosition(Exact):
    """Takes a parameter of the build that cannot be given by name."""

    def __init__(self, scale: float = 1.0, /) -> None:
        pass


class NegativeSize(Exact):
    """Says how much it takes, wrongly."""

    def size_bytes(self) -> int:
        return -3


class WritesFolder(Exact):
    """Is saved as a folder with two files, of 8 and 2 bytes."""

    def save(self, path: Path) -> None:
        path.mkdir()
        (path / "vectors").write_bytes(b"8 bytes.")
        (path / "more").write_bytes(b"2.")

    def load(self, path: Path) -> None:
        pass


class StartsServer(Exact):
    """Leaves a process behind that has left its group; its number goes into the file `server`."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        server = subprocess.Popen(["sleep", "600"], start_new_session=True)
        with Path("server").open("a") as file:
            file.write(f"{server.pid}\n")


class ServesForever(Exact):
    """Starts a child and a daemon, notes both in the file `server`, and never gets further."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        child = subprocess.Popen(["sleep", "600"])
        command = "setsid sleep 600 >/dev/null 2>&1 & echo $!"
        daemon = subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout
        fresh = Path("server.new")
        fresh.write_text(f"{child.pid}\n{daemon}")
        fresh.rename("server")
        time.sleep(600)


def servers() -> list[psutil.Process]:
    """What `StartsServer` started and is still there when a minute has passed."""
    found = []
    for number in Path("server").read_text().split():
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(int(number)))
    _, left = psutil.wait_procs(found, timeout=60)
    return [each for each in left if each.status() != psutil.STATUS_ZOMBIE]


class WrongMetric(Exact):
    """Claims all metrics and always searches by inner product."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, "ip", seed=seed, threads=threads)


class Quits(Exact):
    """Ends the process while searching, with a farewell on stderr."""

    def search(self, queries: Any, k: int) -> Any:
        raise SystemExit("goodbye from the index")


class NoSearch:
    """Has no `search`."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        pass


class Plain:
    """Well behaved without being a `vbench.Index`: fit and search, nothing else."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        self.exact = Exact()
        self.exact.fit(base * np.float32(self.scale), metric, seed=seed, threads=threads)

    def search(self, queries: Any, k: int) -> Any:
        return self.exact.nearest(queries, k)


class HangsInClose(Exact):
    """Never lets go."""

    def close(self) -> None:
        time.sleep(600)


class RaisesInClose(Exact):
    """Raises where it should clean up."""

    def close(self) -> None:
        raise RuntimeError("the server would not stop")


class ExitsInClose(Exact):
    """Ends the process where it should clean up."""

    def close(self) -> None:
        os._exit(5)


class HangsAtExit(Exact):
    """Something is left that never ends, when all else has."""

    def close(self) -> None:
        atexit.register(time.sleep, 600)


class Says(Exact):
    """Raises with a text of one's choice where it is made."""

    def __init__(self, text: Any) -> None:
        raise RuntimeError(text)


class BusyChild(Exact):
    """Lets another process compute while it builds."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        burn = "import time\nwhile time.process_time() < 0.5: pass"
        subprocess.run([sys.executable, "-c", burn])
        super().fit(base, metric, seed=seed, threads=threads)


class FromOne(Exact):
    """Counts vectors from 1, round the end."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, k) % (len(self.base) - 1) + 1


class Farthest(Exact):
    """Turns the sign of the distance."""

    def search(self, queries: Any, k: int) -> Any:
        return self.nearest(queries, len(self.base))[:, ::-1][:, :k]


class Lengths(Exact):
    """Takes any metric for inner product."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, "ip", seed=seed, threads=threads)


class OwnRows(Exact):
    """Returns row numbers of a file of its own, whatever `fit` is given."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(np.load(os.environ["OWN_ROWS"]), metric, seed=seed, threads=threads)


class Empty(Exact):
    """Finds nothing."""

    def search(self, queries: Any, k: int) -> Any:
        return np.full((len(queries), k), -1)


class Saturated(Swept):
    """Looks at all from `keep` = 0.75 on, and says that 0.75 is the most."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"keep": [0.5, 0.75, 1.0]}

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"keep": 0.75}

    def set(self, keep: float = 1.0) -> None:
        self.keep = min(keep, 0.75)


class Lists4(Exact):
    """Takes the usual parameters of an inverted file, and looks at some of the base."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"nprobe": [1, 4]}

    def __init__(self, nlist: int = 4) -> None:
        self.nlist = nlist
        self.nprobe = 1

    def set(self, nprobe: int = 1) -> None:
        self.nprobe = nprobe

    def search(self, queries: Any, k: int) -> Any:
        found = self.nearest(queries, len(self.base))
        share = min(1.0, self.nprobe / self.nlist)
        kept = found < max(k, share * len(self.base))
        return np.stack([row[keep][:k] for row, keep in zip(found, kept, strict=True)])
