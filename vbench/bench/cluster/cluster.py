"""A Dask cluster: started here or reached by its address, and looked at before it is used."""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vbench._invocation import spell_option
from vbench._leftovers import TemporaryFolder
from vbench._process.cores import usable_cores
from vbench.bench import machine
from vbench.data.files import write_whole
from vbench.data.importing.remote import is_remote
from vbench.data.store import Store
from vbench.errors import MissingExtraError, VbenchError

LOCAL = "local"
RESOURCE = "vbench"
"""What a worker offers as often as tasks may be timed there at once, each on cores of its own."""
_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")
_REACH_WITHIN_SECONDS = 10
_WORKERS_WITHIN_SECONDS = 60
_LOST_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 1.0
_NOTHING_BESIDE = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.system-monitor.gil.enabled": False,
}
"""What takes a tenth of a core while something is timed there: not of workers started here."""
_START = "dask worker ADDRESS --nthreads 1 --resources vbench=1"


class Cluster(NamedTuple):
    """The client of a Dask cluster whose workers were looked at.

    Attributes
    ----------
    slots
        How many tasks may be worked on at once, by all workers together.
    beside
        How many of them by the workers of one machine, where there are most.
    packages
        Versions that every worker has to have.
    """

    client: Any
    slots: int
    beside: int
    packages: Mapping[str, str]

    def submit(self, work: Callable[..., Any], *arguments: object) -> Any:
        """Hand a task to a worker that has nothing to do; it runs again where that is lost."""
        return self.client.submit(work, *arguments, resources={RESOURCE: 1}, pure=False)

    def finished(self, tasks: Mapping[Any, Any], tell: Callable[[], None]) -> Iterator[Any]:
        """Each task as it ends, however that may be; `tell` is called about every second.

        Raises
        ------
        VbenchError
            The scheduler is gone, or all workers.
        """
        from distributed import wait

        waiting, without = set(tasks), 0.0
        while waiting:
            with contextlib.suppress(TimeoutError), self.client.as_current():
                done, _ = wait(waiting, timeout=_LOOK_EVERY_SECONDS, return_when="FIRST_COMPLETED")
                for each in done:
                    waiting.discard(each)
                    yield each
                without = 0.0
                continue
            if self.client.status != "running":
                raise VbenchError(
                    "the scheduler of the cluster is gone; what was measured is kept: give the "
                    "same call again"
                )
            without = 0.0 if self._workers() else without + _LOOK_EVERY_SECONDS
            if without >= _LOST_SECONDS:
                raise VbenchError(
                    f"the cluster has had no worker for {_LOST_SECONDS:g} s; start some, and give "
                    "the same call again"
                )
            tell()

    def _workers(self) -> Mapping[str, Any]:
        workers: Mapping[str, Any] = self.client.scheduler_info(n_workers=-1)["workers"]
        return workers


@contextlib.contextmanager
def open_cluster(
    address: str, threads: int, shared: Path | Store | None = None
) -> Iterator[Cluster]:
    """Start workers here, or reach those of an address, and look at them.

    Parameters
    ----------
    address
        ``local``, or that of a scheduler: ``tcp://HOST:8786``.
    threads
        Cores that each task takes; of so many each, workers are started here.
    shared
        A folder that all machines are to see, or an address, if there is one.

    Raises
    ------
    VbenchError
        There is no scheduler, or no worker; a worker has other versions, offers nothing to count
        tasks by, or does not see the folder.
    MissingExtraError
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise MissingExtraError("measuring on several machines", "dask") from None
    quiet = {f"distributed.{name}": logging.CRITICAL for name in ("client", "nanny", "scheduler")}
    quiet |= dict.fromkeys(("distributed.core", "distributed.comm"), logging.CRITICAL)
    for name, level in quiet.items():
        logging.getLogger(name).setLevel(level)
    with contextlib.ExitStack() as stack:
        # A worker that is lost takes its task with it, however often others were lost.
        stack.enter_context(dask.config.set({"distributed.comm.timeouts.connect": "10s"}))
        if address == LOCAL:
            stack.enter_context(dask.config.set(_NOTHING_BESIDE))
            place = stack.enter_context(TemporaryFolder(purpose="dask"))
            count = max(1, len(usable_cores()) // threads)
            try:
                local = distributed.LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    resources={RESOURCE: 1},
                    memory_limit=0,
                    dashboard_address="127.0.0.1:0",
                    host="127.0.0.1",
                    local_directory=str(place),
                    silence_logs=logging.CRITICAL,
                )
            except RuntimeError as error:
                raise VbenchError(
                    f"no workers could be started here ({error}); a script that asks for some is a "
                    'file that does so under `if __name__ == "__main__":`'
                ) from None
            stack.enter_context(contextlib.closing(local))
            client = distributed.Client(local, set_as_default=False)
        else:
            client = _reach(distributed.Client, address)
        stack.enter_context(contextlib.closing(client))
        yield _examined(client, address, shared)


def _reach(connect: Callable[..., Any], address: str) -> Any:
    remedy = f"give {spell_option('workers')} the address of a running `dask scheduler`, or local"
    if address.partition("://")[0] not in _SCHEMES or "://" not in address:
        raise VbenchError(f"{address!r} is no address, such as tcp://HOST:8786; {remedy}")
    try:
        return connect(address, timeout=_REACH_WITHIN_SECONDS, set_as_default=False)
    except (OSError, ValueError, ImportError, TypeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise VbenchError(
            f"no cluster can be reached at {address} ({why:.120}); {remedy}"
        ) from None


def _examined(client: Any, address: str, shared: Path | Store | None) -> Cluster:
    try:
        client.wait_for_workers(1, timeout=_WORKERS_WITHIN_SECONDS)
    except TimeoutError:
        raise VbenchError(f"the cluster at {address} has no worker; start some: {_START}") from None
    workers = client.scheduler_info(n_workers=-1)["workers"]
    slots: Counter[str] = Counter()
    for name, facts in workers.items():
        offered = math.floor(facts["resources"].get(RESOURCE, 0))
        if offered < 1:
            raise VbenchError(
                f"worker {name} offers no resource {RESOURCE!r}, by which tasks are kept from "
                f"being timed on the same cores; start it by: {_START}"
            )
        slots[facts["host"]] += offered
    here = machine.packages()
    token = secrets.token_hex(8)
    if isinstance(shared, Store):
        shared.write(f"here-{token}", token.encode())
    elif shared is not None:
        (shared / f"here-{token}").write_text(token)
    for name, said in _ask_all(client, workers, shared, token).items():
        if isinstance(shared, Store):
            if not (said.written and shared.read(said.written)):
                raise VbenchError(
                    f"worker {name} cannot use {shared.address} as this process does"
                    f"{said.problem and f' ({said.problem})'}; give all machines the same "
                    "credentials"
                )
        elif shared is not None and not (said.written and (shared / said.written).is_file()):
            raise VbenchError(
                f"worker {name} does not see {shared} as it is here; give a folder that all "
                f"machines share with {spell_option('out')}, or an address such as s3://bucket/run"
            )
        if (differs := unlike_packages(here, said.packages)) is not None:
            raise VbenchError(f"worker {name} has {differs}; install the same on all machines")
    return Cluster(client, sum(slots.values()), max(slots.values()), here)


def _ask_all(
    client: Any, workers: Mapping[str, Any], shared: Path | Store | None, token: str
) -> dict[str, Said]:
    place = shared.address if isinstance(shared, Store) else shared and str(shared)
    try:
        found: dict[str, Said] = client.run(look, place, token, workers=list(workers))
    # What a worker without vbench says of itself is for Dask to name.
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise VbenchError(
            f"a worker of the cluster cannot run vbench ({type(error).__name__}: {why:.120}); "
            "install the same on all machines"
        ) from None
    return found


class Said(NamedTuple):
    """What a worker has installed, and the file that it wrote where all do, or why it did not."""

    packages: Mapping[str, str]
    written: str | None
    problem: str = ""


def look(place: str | None, token: str) -> Said:
    """On a worker: say what is here, and write to a folder or address, if it is what is meant."""
    written, problem = None, ""
    if place is not None:
        name = f"there-{token}-{secrets.token_hex(4)}"
        try:
            if is_remote(place):
                store = Store(place)
                if store.read(f"here-{token}") == token.encode():
                    store.write(name, token.encode())
                    written = name
            elif (Path(place) / f"here-{token}").read_text() == token:
                write_whole(Path(place) / name, token.encode())
                written = name
        except (OSError, VbenchError) as error:
            problem = str(error)
    return Said(machine.packages(), written, problem)


def unlike_packages(here: Mapping[str, str], there: Mapping[str, str]) -> str | None:
    """The first package that a worker has in another version, and what it is here."""
    for name in sorted({*here, *there}):
        mine, theirs = here.get(name), there.get(name)
        if mine != theirs:
            said = f"{name} {theirs}" if theirs else f"no {name}"
            return f"{said}, here it is {mine or 'not installed'}"
    return None
