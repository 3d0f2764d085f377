"""Workers that hold a built index each: started when first needed, kept while memory admits."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Callable, Sequence
from types import TracebackType

import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray

from vbench._leftovers import TemporaryFolder
from vbench._process.cores import Cores
from vbench.bench import wire
from vbench.bench.files import array_file
from vbench.bench.kept import KeptIndexes, NotKeptError, can_be_kept
from vbench.bench.live import Live, fit, keep, load
from vbench.bench.prepare import WARMUP
from vbench.bench.session import ChangeError, Closing, Session, TrialError
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError, warn
from vbench.runs.schema import Build, Options, Overhead
from vbench.workloads.allowed import Allowed
from vbench.workloads.views import Change

_NULL = "vbench.bench.clock:Null"
_FEW_ROWS = 1000
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

    Attributes
    ----------
    are_apart : whether each age of a build has a worker of its own, so that none is built again
        where searches go back and forth between ages
    cores : the cores held against other runs: one for each thread, and for each client of a load
    pinned : those that all of them are pinned to
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
    ) -> None:
        self.dataset = dataset
        self.options = options
        self._fitted_rows = fitted
        self._is_kept = is_kept
        self._are_apart = are_apart
        # Of an index whose base changes, or that took a part of it, no other use is known.
        self._kept = None if is_kept else kept
        self._not_kept: set[str] = set()
        self._live: dict[str, Live] = {}
        self._files: tuple[wire.ArrayFile, wire.ArrayFile] | None = None
        self._learn_file: wire.ArrayFile | None = None
        self._spool = TemporaryFolder()
        self.cores = Cores(max(options.threads, clients))
        self.pinned = self.cores.numbers[-options.threads :]
        self.on_close: Callable[[str, Closing], None] = _warn_of
        self._untold = list(self.cores.shared)
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
            ask = wire.Alter(op=change.op, rows=self._rows_file(change.rows))
            try:
                done, _ = live.session.ask(
                    ask, wire.Altered, timeout=self.options.timeout, doing=change.op
                )
            except TrialError as error:
                self.release(build)
                raise ChangeError(error.reason, error.log, kind=error.kind, fatal=True) from None
            live = live._replace(altered=(*live.altered, done))
            self._live[key] = live
        return live

    def release(self, build: Build) -> None:
        """Let go of a build's worker, if there is one, or of those of all its ages."""
        for key in [each for each in self._live if each.partition(" ")[0] == build.key]:
            self._close(key, self._live.pop(key).session)

    def condition_file(self, view: str, allowed: Allowed) -> str:
        """Where workers read the condition of a view: written once."""
        path = self._spool.path / f"{view}.npz"
        if not path.is_file():
            allowed.save(path)
        return str(path)

    def _rows_file(self, rows: NDArray[np.int64]) -> str:
        path = self._spool.path / f"{hashlib.sha256(rows.tobytes()).hexdigest()}.npy"
        if not path.is_file():
            np.save(path, rows)
        return str(path)

    def version(self, build: Build) -> dict[str, str]:
        """What an index says of itself before it is built; nothing where it cannot."""
        try:
            with self._session(self._memory_limit) as session:
                limit = self.options.timeout
                order = self._order(build, self._few())
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
                fit(session, self._order(null, self._few()), _NULL_SECONDS)
                ask = wire.Search(setting={}, k=self.options.k[0], repeats=3, warmup=WARMUP)
                done, (_, latency, *_) = session.ask(
                    ask, wire.Searched, timeout=_NULL_SECONDS, doing="null"
                )
        except TrialError:
            return None
        return Overhead(inside_ns=float(np.mean(latency.min(axis=1))), outside_ns=done.overhead_ns)

    def _session(self, memory_limit: int | None = None) -> Session:
        return Session(threads=self.options.threads, memory_limit=memory_limit, cores=self.pinned)

    def _start(self, build: Build) -> Live:
        while self._untold:
            told = f"{self._untold.pop()}; each disturbs the other's times"
            warn(told)
        self._make_room()
        return self._loaded(build) or self._fitted(build)

    def _fitted(self, build: Build) -> Live:
        """Fit a build; where it may be kept, keep it."""
        live = self._made(build, fit)
        kept = self._kept
        if kept is None or build.index in self._not_kept or not can_be_kept(build):
            return live
        try:
            return keep(live, build, kept, self.options.timeout)
        except (NotKeptError, VbenchError, TrialError) as error:
            warn(f"{build.index} is not kept for later runs: {error}")
            self._not_kept.add(build.index)
            if isinstance(error, TrialError) and error.fatal:
                return self._made(build, fit)
            return live

    def _loaded(self, build: Build) -> Live | None:
        """A build from where it was kept; None where it is not there, or is of no use."""
        kept = self._kept
        if kept is None or (found := kept.find(build)) is None:
            return None
        try:
            with kept.hold(build):
                live = self._made(build, functools.partial(load, found=found))
        except TrialError as error:
            which = f"{build.index} build {build.number + 1}"
            warn(f"{which}: its kept index is of no use ({error}); built again")
            kept.discard(build)
            return None
        kept.note_use(build)
        return live

    def _made(self, build: Build, make: Callable[[Session, wire.Open, float | None], Live]) -> Live:
        """Make a build in a session of its own, which ends where that fails."""
        session = self._session(self._memory_limit)
        try:
            order = self._order(build, self._arrays())
            order.is_kept = self._is_kept
            order.fitted = None if self._fitted_rows is None else self._rows_file(self._fitted_rows)
            return make(session, order, self.options.timeout)
        except BaseException as error:
            if not isinstance(error, Exception):
                session.kill()
            self._close(build.key, session)
            raise

    def _order(self, build: Build, arrays: tuple[wire.ArrayFile, wire.ArrayFile]) -> wire.Open:
        base, queries = arrays
        return wire.Open(
            adapter=build.adapter,
            params=build.params,
            transform=build.transform,
            metric=self.dataset.metric,
            base=base,
            queries=queries,
            seed=build.seed,
            # The first version drew the order of insertion from the seed itself.
            order_seed=build.seed if build.order_seed is None else build.order_seed,
            threads=self.options.threads,
            sys_path=sys.path,
            left_out=[row for row in self.dataset.zero_row_ids.tolist() if row < base.shape[0]],
            learn=None if build.learn is None else self._learn(),
        )

    def _few(self) -> tuple[wire.ArrayFile, wire.ArrayFile]:
        """The first rows of the base, and the queries."""
        base, queries = self._arrays()
        few = min(_FEW_ROWS, self.dataset.n), base.shape[1]
        return msgspec.structs.replace(base, shape=few), queries

    def _arrays(self) -> tuple[wire.ArrayFile, wire.ArrayFile]:
        if self._files is None:
            self._files = (
                array_file(self.dataset.base, self._spool.path),
                array_file(self.dataset.queries, self._spool.path),
            )
        return self._files

    def _learn(self) -> wire.ArrayFile | None:
        if self._learn_file is None and self.dataset.learn is not None:
            self._learn_file = array_file(self.dataset.learn.vectors, self._spool.path)
        return self._learn_file

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
            for key, live in self._live.items():
                if kind is not None and not issubclass(kind, Exception):
                    live.session.kill()
                self._close(key, live.session)
        finally:
            # A signal may have come while one of them was closed.
            for live in self._live.values():
                live.session.kill()
            self._live.clear()
            self.cores.close()
            self._spool.close()


def _warn_of(key: str, closing: Closing) -> None:
    if closing.error is not None:
        warn(f"closing an index went wrong: {closing.error}")
