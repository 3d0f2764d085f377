"""Builds come to be: one after another, or several side by side, each on cores of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import psutil

from vbench.bench import wire
from vbench.bench.kept import KeptIndexes, NotKeptError, can_be_kept
from vbench.bench.live import Live, fit, keep, load
from vbench.bench.orders import Orders
from vbench.bench.services import ServiceError, Services
from vbench.bench.session import Closing, Session, Steps, TrialError, wait_for_any
from vbench.errors import VbenchError, warn
from vbench.runs.schema import Build, Options

Tell = Callable[[Sequence[Build]], None]
"""Called with the builds that are being made."""
_SPARE_BASES = 2.5
"""Free memory, in terms of the base, without which no other build is begun beside those at work."""


def threads_of(options: Options) -> int:
    """Threads, and cores, of a worker: those that its build or its searches take."""
    return max(options.threads, options.build_threads or 1)


class Maker:
    """Makes builds of one dataset.

    Parameters
    ----------
    groups
        The cores of each job.
    kept
        Where indexes are kept and loaded from; None: nowhere.
    services
        The servers of the run.
    memory_limit
        Bytes that one worker may hold.
    on_close
        Called with the key of a build that was not made, and what closing its worker met.
    """

    def __init__(
        self,
        orders: Orders,
        groups: Sequence[list[int]],
        kept: KeptIndexes | None,
        services: Services,
        memory_limit: int | None,
        on_close: Callable[[str, Closing], None],
    ) -> None:
        self._orders = orders
        self._options = orders.options
        self._groups = groups
        self._kept = kept
        self._services = services
        self._memory_limit = memory_limit
        self._on_close = on_close
        self._not_kept: set[str] = set()
        self._beside: dict[str, int] = {}

    def make_several(self, builds: Sequence[Build], tell: Tell) -> dict[str, Live | TrialError]:
        """Make builds, as many side by side as there are groups of cores; what became of each."""
        waiting, free = list(builds), list(self._groups)
        active: dict[str, tuple[Build, list[int], Steps[Live]]] = {}
        done: dict[str, Live | TrialError] = {}
        try:
            while waiting or active:
                while waiting and free and (not active or self._has_room()):
                    build, cores = waiting.pop(0), free.pop()
                    active[build.key] = build, cores, self.make(build, cores)
                    tell([each for each, _, _ in active.values()])
                    for key in active:
                        self._beside[key] = max(self._beside.get(key, 0), len(active) - 1)
                asked, at_work = list(active.items()), []
                for key, (_, cores, steps) in asked:
                    try:
                        at_work.append(next(steps))
                        continue
                    except StopIteration as end:
                        done[key] = end.value
                    except TrialError as error:
                        done[key] = error
                    del active[key]
                    free.append(cores)
                    tell([each for each, _, _ in active.values()])
                if len(at_work) == len(asked):
                    wait_for_any(at_work)
        except BaseException:
            for _, _, steps in active.values():
                steps.close()
            for each in done.values():
                if isinstance(each, Live):
                    each.session.kill()
            raise
        return done

    def make(self, build: Build, cores: list[int]) -> Steps[Live]:
        """Load a build, or fit and keep it.

        Raises
        ------
        TrialError
            It cannot be built.
        """
        return (yield from self._load(build, cores)) or (yield from self._fit(build, cores))

    def _fit(self, build: Build, cores: list[int]) -> Steps[Live]:
        """Fit a build; where it may be kept, keep it."""
        live = yield from self._in_session(build, cores, fit)
        live = live._replace(beside=self._beside.get(build.key, 0))
        kept = self._kept
        if kept is None or build.index in self._not_kept or not can_be_kept(build):
            return live
        try:
            return (yield from keep(live, build, kept, self._options.timeout))
        except (NotKeptError, VbenchError, TrialError) as error:
            warn(f"{build.index} is not kept for later runs: {error}")
            self._not_kept.add(build.index)
            if isinstance(error, TrialError) and error.fatal:
                return (yield from self._in_session(build, cores, fit))
            return live

    def _load(self, build: Build, cores: list[int]) -> Steps[Live | None]:
        """A build from where it was kept; None where it is not there, or is of no use."""
        kept = self._kept
        if kept is None or (found := kept.find(build)) is None:
            return None
        try:
            with kept.hold(build):
                make = functools.partial(load, found=found)
                live = yield from self._in_session(build, cores, make)
        except TrialError as error:
            which = f"{build.index} build {build.number + 1}"
            warn(f"{which}: its kept index is of no use ({error}); built again")
            kept.discard(build)
            return None
        kept.note_use(build)
        return live

    def _in_session(
        self,
        build: Build,
        cores: list[int],
        make: Callable[[Session, wire.Open, float | None], Steps[Live]],
    ) -> Steps[Live]:
        """Make a build in a session of its own, which ends where that fails."""
        try:
            service = self._services.of(build.adapter)
        except ServiceError as error:
            raise TrialError(error.reason, error.log, kind=error.kind, fatal=True) from None
        session = Session(
            threads=threads_of(self._options),
            memory_limit=self._memory_limit,
            cores=cores,
            service=service,
        )
        try:
            order = self._orders.of(build)
            order.server = session.server
            order.server_pid = None if service is None else service.pid
            return (yield from make(session, order, self._options.timeout))
        except BaseException as error:
            if not isinstance(error, Exception):
                session.kill()
            closing = session.close()
            if closing is not None:
                self._on_close(build.key, closing)
            raise

    def _has_room(self) -> bool:
        """Whether memory is likely to hold another build beside those that are at work."""
        n, d = self._orders.dataset.base.shape
        return bool(psutil.virtual_memory().available >= _SPARE_BASES * 4 * n * d)
