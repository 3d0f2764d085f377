"""Workers that hold a built index each: started when first needed, kept while memory admits."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import psutil

from vbench.bench import wire
from vbench.bench.files import array_file
from vbench.bench.options import WARMUP
from vbench.bench.session import Session, TrialError
from vbench.data.dataset import Dataset
from vbench.results.schema import Build, Options, Overhead

_NULL = "vbench.bench.null:Null"
_MEMORY_SHARE = 0.9
_SPARE = 1.5
"""Free memory, in terms of the largest worker, without which another one gives way first."""


class Live(NamedTuple):
    """A worker whose index is built."""

    session: Session
    opened: wire.Opened
    fitted: wire.Fitted


class Workers:
    """The live workers of a run, by the key of their build.

    Only one of them works at a time; the others sleep in a read and hold nothing but memory. One
    setting can so be asked of all builds of an index before the next is chosen, and each index is
    built once. Where memory runs short, the worker that was asked longest ago is let go: its
    index is built again, from the same seed, when it is needed again.
    """

    def __init__(self, dataset: Dataset, options: Options) -> None:
        self.dataset = dataset
        self.options = options
        self._live: dict[str, Live] = {}
        self._files: tuple[wire.ArrayFile, wire.ArrayFile] | None = None
        self._spool = tempfile.TemporaryDirectory(prefix="vbench-")
        self._memory_limit = options.memory_limit or int(
            psutil.virtual_memory().available * _MEMORY_SHARE
        )

    def has(self, build: Build) -> bool:
        """Whether the build's index is ready to be asked."""
        return build.key in self._live

    def of(self, build: Build) -> Live:
        """The worker of a build.

        Raises
        ------
        TrialError
            When the index cannot be built.
        """
        live = self._live.pop(build.key, None) or self._start(build)
        self._live[build.key] = live
        return live

    def release(self, build: Build) -> None:
        """Let go of a build's worker, if there is one."""
        live = self._live.pop(build.key, None)
        if live is not None:
            live.session.close()

    def overhead(self) -> Overhead | None:
        """The harness's own cost per query, measured in a worker like the others."""
        try:
            with Session(threads=self.options.threads) as session:
                self._prepare(session, _NULL, {}, "none", 0, None)
                ask = wire.Search(setting={}, k=self.options.k[0], repeats=3, warmup=WARMUP)
                done, (_, latency) = session.ask(ask, wire.Searched, timeout=None, doing="null")
        except TrialError:
            return None
        return Overhead(inside_ns=float(np.mean(latency.min(axis=1))), outside_ns=done.overhead_ns)

    def _start(self, build: Build) -> Live:
        self._make_room()
        session = Session(threads=self.options.threads, memory_limit=self._memory_limit)
        try:
            opened, fitted = self._prepare(
                session,
                build.adapter,
                build.params,
                build.transform,
                build.seed,
                self.options.timeout,
            )
        except BaseException:
            session.__exit__(*sys.exc_info())
            raise
        return Live(session, opened, fitted)

    def _prepare(
        self,
        session: Session,
        adapter: str,
        params: dict[str, Any],
        transform: str,
        seed: int,
        timeout: float | None,
    ) -> tuple[wire.Opened, wire.Fitted]:
        base, queries = self._arrays()
        order = wire.Open(
            adapter=adapter,
            params=params,
            transform=transform,
            metric=self.dataset.metric,
            base=base,
            queries=queries,
            seed=seed,
            threads=self.options.threads,
            sys_path=sys.path,
        )
        opened, _ = session.ask(order, wire.Opened, timeout=timeout, doing="loading")
        fitted, _ = session.ask(wire.Fit(), wire.Fitted, timeout=timeout, doing="fit")
        return opened, fitted

    def _arrays(self) -> tuple[wire.ArrayFile, wire.ArrayFile]:
        if self._files is None:
            folder = Path(self._spool.name)
            self._files = (
                array_file(self.dataset.base, folder),
                array_file(self.dataset.queries, folder),
            )
        return self._files

    def _make_room(self) -> None:
        while self._live:
            largest = max(live.session.memory() for live in self._live.values())
            if psutil.virtual_memory().available >= _SPARE * largest:
                return
            oldest = next(iter(self._live))
            self._live.pop(oldest).session.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for live in self._live.values():
            live.session.__exit__(kind, error, trace)
        self._live.clear()
        self._spool.cleanup()
