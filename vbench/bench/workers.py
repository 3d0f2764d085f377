"""Workers that hold a built index each: started when first needed, kept while memory admits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

import numpy as np
import psutil
from numpy.typing import NDArray

from vbench._process.cores import Cores
from vbench.bench import wire
from vbench.bench.kept import KeptIndexes
from vbench.bench.live import Live, fit
from vbench.bench.making import Maker, Tell, threads_of
from vbench.bench.orders import Orders
from vbench.bench.prepare import WARMUP
from vbench.bench.services import Services
from vbench.bench.session import ChangeError, Closing, Session, TrialError, finish
from vbench.data.dataset import Dataset
from vbench.errors import warn
from vbench.runs.schema import Build, Options, Overhead
from vbench.workloads.views import Change

_NULL = "vbench.bench.worker.clock:Null"
_NULL_SECONDS = 120.0
_MEMORY_SHARE = 0.9
_SPARE = 1.5
"""Free memory, in terms of the largest worker, without which another one gives way first."""


class Workers:
    """The live workers of a run, by the key of their build.

    Only one of them works at a time; the others sleep in a read and hold nothing but memory. One
    setting can so be asked of all builds of an index before the next is chosen, and each index is
    built once. Where memory runs short, the worker that was asked longest ago is let go: its
    index is built again, from the same seed, when it is needed again.

    With several jobs, builds are made side by side before they are asked for, each on its own
    cores; while one is asked, the others sleep all the same.

    Attributes
    ----------
    are_apart : whether each age of a build has a worker of its own, so that none is built again
        where searches go back and forth between ages
    orders : what workers are told to open
    cores : the cores held against other runs: one for each thread of each job, and for each
        client of a load
    on_close
        Called with the key of a build and what `close` of its index met, once it is closed.
    """

    def __init__(
        self,
        dataset: Dataset,
        options: Options,
        clients: int = 1,
        *,
        fitted: NDArray[np.int64] | None = None,
        is_kept: bool = False,
        are_apart: bool = False,
        kept: KeptIndexes | None = None,
        connect: Mapping[str, str] | None = None,
    ) -> None:
        self.options = options
        self._are_apart = are_apart
        self._live: dict[str, Live] = {}
        self._ahead: dict[str, Live | TrialError] = {}
        self.orders = Orders(dataset, options, fitted=fitted, is_kept=is_kept)
        each = threads_of(options)
        self.cores = Cores(max(options.jobs * each, clients))
        self._groups = _divide(self.cores.numbers, each, options.jobs)
        self.on_close: Callable[[str, Closing], None] = _warn_of
        self._untold = list(self.cores.shared)
        free = int(psutil.virtual_memory().available * _MEMORY_SHARE)
        self._memory_limit = options.memory_limit or free // options.jobs
        self._services = Services(
            connect or {},
            threads=options.threads,
            cores=self.cores.numbers,
            memory_limit=self._memory_limit,
        )
        self._maker = Maker(
            self.orders,
            self._groups,
            # Of an index whose base changes, or that took a part of it, no other use is known.
            None if is_kept else kept,
            self._services,
            self._memory_limit,
            lambda key, closing: self.on_close(key, closing),
        )

    def has(self, build: Build) -> bool:
        """Whether the build's index is ready to be asked."""
        return build.key in self._live

    def make(self, builds: Sequence[Build], tell: Tell) -> None:
        """Make builds side by side where there are several jobs, before they are asked for.

        What goes wrong is raised when a build is asked for.
        """
        # Side by side in one server, none has a memory of its own.
        new = [
            each
            for each in builds
            if not (self.has(each) or each.key in self._ahead or each.service)
        ]
        if self.options.jobs > 1 and len(new) > 1:
            self._tell_sharers()
            self._make_room()
            self._ahead |= self._maker.make_several(new, tell)

    def of(self, build: Build) -> Live:
        """The worker of a build.

        Raises
        ------
        TrialError
            When the index cannot be built.
        """
        return self._of(build, build.key)

    def _of(self, build: Build, key: str) -> Live:
        live = self._live.pop(key, None) or self._start(build)
        self._live[key] = live
        return live

    def after(self, build: Build, changes: Sequence[Change]) -> Live:
        """The worker of a build whose base was changed so.

        Of what it has been through these are the next; where they are not, it is built again.

        Raises
        ------
        ChangeError
            The index cannot be changed so, and is let go.
        TrialError
            It cannot be built again.
        """
        key = f"{build.key} {len(changes)}" if self._are_apart and changes else build.key
        live = self._of(build, key)
        if len(live.altered) > len(changes):
            self.release(build)
            live = self._of(build, key)
        for change in changes[len(live.altered) :]:
            ask = wire.Alter(op=change.op, rows=self.orders.rows_file(change.rows))
            try:
                done, _ = live.session.ask(
                    ask, wire.Altered, timeout=self.options.timeout, doing=change.op
                )
            except TrialError as error:
                self.release(build)
                raise ChangeError(error.reason, error.log, kind=error.kind, fatal=True) from None
            if live.session.service is not None:
                live.session.service.wait_until_quiet()
            live = live._replace(altered=(*live.altered, done))
            self._live[key] = live
        return live

    def release(self, build: Build) -> None:
        """Let go of a build's worker, if there is one, or of those of all its ages."""
        for key in [each for each in self._live if each.partition(" ")[0] == build.key]:
            self._close(key, self._live.pop(key).session)

    def version(self, build: Build) -> dict[str, str]:
        """What an index says of itself before it is built; nothing where it cannot."""
        try:
            with self._session(self._memory_limit) as session:
                limit = self.options.timeout
                order = self.orders.few_of(build)
                session.ask(order, wire.Opened, timeout=limit, doing="loading")
                said, _ = session.ask(
                    wire.Version(), wire.Versioned, timeout=limit, doing="version"
                )
        except TrialError:
            return {}
        return said.version

    def overhead(self) -> Overhead | None:
        """The harness's own cost per query, measured in a worker like the others."""
        try:
            with self._session() as session:
                null = Build(key="", index="null", adapter=_NULL)
                finish(fit(session, self.orders.few_of(null), _NULL_SECONDS))
                ask = wire.Search(setting={}, k=self.options.k[0], repeats=3, warmup=WARMUP)
                done, (_, latency, *_) = session.ask(
                    ask, wire.Searched, timeout=_NULL_SECONDS, doing="null"
                )
        except TrialError:
            return None
        return Overhead(inside_ns=float(np.mean(latency.min(axis=1))), outside_ns=done.overhead_ns)

    def _session(self, memory_limit: int | None = None) -> Session:
        cores = self._groups[-1]
        return Session(threads=threads_of(self.options), memory_limit=memory_limit, cores=cores)

    def _start(self, build: Build) -> Live:
        found = self._ahead.pop(build.key, None)
        if isinstance(found, TrialError):
            raise found
        if found is not None:
            return found
        self._tell_sharers()
        self._make_room()
        return finish(self._maker.make(build, self._groups[-1]))

    def _tell_sharers(self) -> None:
        while self._untold:
            told = f"{self._untold.pop()}; each disturbs the other's times"
            warn(told)

    def _make_room(self) -> None:
        while self._live:
            largest = max(live.session.memory() for live in self._live.values())
            if psutil.virtual_memory().available >= _SPARE * largest:
                return
            oldest = next(iter(self._live))
            self._close(oldest, self._live.pop(oldest).session)

    def _close(self, key: str, session: Session) -> None:
        closing = session.close()
        if closing is not None:
            self.on_close(key.partition(" ")[0], closing)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for key, found in self._ahead.items():
                if isinstance(found, Live):
                    self._live.setdefault(key, found)
            self._ahead.clear()
            for key, live in self._live.items():
                if kind is not None and not issubclass(kind, Exception):
                    live.session.kill()
                self._close(key, live.session)
        finally:
            # A signal may have come while one of them was closed.
            for live in self._live.values():
                live.session.kill()
            self._live.clear()
            self._services.close()
            self.cores.close()
            self.orders.close()


def _divide(cores: list[int], size: int, jobs: int) -> list[list[int]]:
    """The cores of each job, so many from the end; where there are fewer, jobs share them."""
    ends = [max(len(cores) - size * job, min(size, len(cores))) for job in range(jobs)]
    return [cores[max(0, end - size) : end] for end in ends][::-1]


def _warn_of(key: str, closing: Closing) -> None:
    if closing.error is not None:
        warn(f"closing an index went wrong: {closing.error}")
