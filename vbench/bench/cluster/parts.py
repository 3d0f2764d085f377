"""Parts of a run, each a task: the builds that one worker makes and asks, as a run of its own.

A worker opens the dataset from where it lies for all, makes the same plan of the same call, and
carries out its part of it in a folder below the run's. What it leaves there is a run folder like
any other, which whoever asked for it takes the trials from.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil

from vbench._invocation import is_trusted, trusting
from vbench._leftovers import TemporaryFolder, is_leftover
from vbench.bench import machine
from vbench.bench.cluster.cluster import Cluster, unlike_packages
from vbench.bench.folder import ClaimedFolder, check_trials
from vbench.bench.journal import silent
from vbench.bench.kept import KeptIndexes
from vbench.bench.opening import open_bench
from vbench.bench.plan import Group, Plan
from vbench.bench.prepare import MeasureOptions, prepare
from vbench.bench.runner import carry_out
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.ground_truth import keep_ground_truth
from vbench.data.importing.remote import is_remote
from vbench.data.load import reopen
from vbench.data.store import Store
from vbench.errors import VbenchError, VbenchWarning
from vbench.indexes.recipe import Recipe
from vbench.runs import files
from vbench.runs.mirror import bring_some
from vbench.runs.schema import Build

TRUTH = f"{files.PARTS}/truth.npz"
"""The exact neighbors, as the client found them."""
_MEMORY_SHARE = 0.9


class Part(NamedTuple):
    """Builds that are made one after another, and the groups that they are searched in, if any."""

    builds: tuple[Build, ...]
    groups: tuple[Group, ...] = ()

    def of(self, plan: Plan) -> Plan:
        """Reduce a plan to this part."""
        keys = {build.key for build in self.builds}
        return replace(
            plan,
            builds=[build for build in plan.builds if build.key in keys],
            trials=[trial for trial in plan.trials if trial.build in keys],
            groups=[
                group for group in plan.groups if any(each.key in keys for each in group.builds)
            ],
        )


def divide(plan: Plan) -> list[Part]:
    """A part for each build; where settings are chosen over builds, for all that are chosen for."""
    if not plan.groups:
        return [Part((build,)) for build in plan.builds]
    together: dict[tuple[str, ...], list[Group]] = {}
    for group in plan.groups:
        together.setdefault(tuple(build.key for build in group.builds), []).append(group)
    return [Part(groups[0].builds, tuple(groups)) for groups in together.values()]


class Place(NamedTuple):
    """Where a worker finds what all of them share.

    Attributes
    ----------
    source
        What opens the dataset, which has this `fingerprint`.
    packages
        Versions that the worker must have.
    sys_path
        Where whoever asks imports from: what is there on the worker too, it imports from as well.
    beside
        How many tasks its machine may work on at once.
    """

    source: Mapping[str, Any]
    fingerprint: str
    packages: Mapping[str, str]
    sys_path: Sequence[str]
    trusted: bool
    beside: int


def check_seen(dataset: Dataset) -> None:
    """Refuse a dataset that no worker can open; VbenchError."""
    if not dataset.source:
        raise VbenchError(
            f"{dataset.name} lies in the memory of this process, which no worker sees; write it to "
            "files that all machines see, such as by `vbench data convert`, and give their path"
        )


def place_of(dataset: Dataset, cluster: Cluster) -> Place:
    """Where the workers of a cluster find a dataset.

    Raises
    ------
    VbenchError
        It lies in this process alone.
    """
    check_seen(dataset)
    return Place(
        source=dict(dataset.source),
        fingerprint=dataset.fingerprint,
        packages=cluster.packages,
        sys_path=[str(Path(each).resolve()) for each in sys.path],
        trusted=is_trusted(),
        beside=cluster.beside,
    )


@dataclass(frozen=True)
class Order:
    """A part of a call, as a worker takes it; `run` is a folder that all see, or an address."""

    place: Place
    indexes: Sequence[str | Recipe]
    settings: Mapping[str, Sequence[Any]] | None
    asked: MeasureOptions
    fresh: bool
    part: Part
    run: str


class Made(NamedTuple):
    """The folder that a part was carried out in, its worker, and what that warned of."""

    folder: str
    worker: str
    told: tuple[str, ...]


def measure(order: Order) -> Made:
    """On a worker: carry out a part.

    Raises
    ------
    VbenchError
        Data, versions or code are others than where it was asked for.
    """
    with work_in(order.place) as (dataset, told), _run_of(order) as run:
        options = order.asked
        if options.memory_limit is None:
            free = psutil.virtual_memory().available * _MEMORY_SHARE
            options = replace(options, memory_limit=int(free / order.place.beside))
        prepared = prepare(dataset, order.indexes, order.settings, options)
        plan = order.part.of(prepared.plan)
        found = {build.key for group in plan.groups for build in group.builds}
        found |= {build.key for build in plan.builds}
        if found != {build.key for build in order.part.builds}:
            raise VbenchError(
                f"worker {machine_name()} would build other indexes of the same call: the code of "
                "an index, or a library of it, is another one there; install the same on all "
                "machines"
            )
        with np.load(run / TRUTH, allow_pickle=False) as stored:
            keep_ground_truth(dataset, GroundTruth(stored["ids"], stored["distances"]))
        folder = run / files.PARTS / f"{order.part.builds[0].key}-{secrets.token_hex(4)}"
        claimed = _claim(run, folder, order.part)
        kept = KeptIndexes(fresh=order.fresh) if options.keep_indexes else None
        prepared = prepared._replace(plan=plan)
        with open_bench(prepared, folder, claimed, silent, kept_indexes=kept) as bench:
            carry_out(bench, plan, options.at_recall)
        if is_remote(order.run):
            _put_part(Store(order.run), folder)
    return Made(folder.name, machine_name(), tuple(dict.fromkeys(told)))


@contextlib.contextmanager
def _run_of(order: Order) -> Iterator[Path]:
    """The run's folder; of an address, one here with what it has of the part."""
    if not is_remote(order.run):
        yield Path(order.run)
        return
    store = Store(order.run)
    with TemporaryFolder(purpose="part") as run:
        bring_some(store, (files.MANIFEST, TRUTH), run)
        keys = {build.key for build in order.part.builds}
        trials = {each.key for each in files.read_manifest(run).trials if each.build in keys}
        there = [name for name in store.marks(files.TRIALS) if Path(name).stem in trials]
        bring_some(store, there, run)
        yield run


def _put_part(store: Store, folder: Path) -> None:
    """Put what a part left to the address of its run."""
    for path in folder.rglob("*"):
        if path.is_file() and not is_leftover(path):
            name = path.relative_to(folder).as_posix()
            store.put(path, f"{files.PARTS}/{folder.name}/{name}")


def bring_part(store: Store, name: str, run: Path) -> None:
    """Take what a worker left of a part at the address of a run into its folder here."""
    names = store.marks(f"{files.PARTS}/{name}")
    bring_some(store, names, run)
    store.remove(names)


def _claim(run: Path, folder: Path, part: Part) -> ClaimedFolder:
    """Make a folder for a part, with what the run has of it already."""
    (folder / files.TRIALS).mkdir(parents=True)
    before = files.read_manifest(run)
    keys = {build.key for build in part.builds}
    for trial in before.trials:
        path = files.trial_path(run, trial.key)
        if trial.build in keys and path.is_file():
            shutil.copyfile(path, files.trial_path(folder, trial.key))
    done, _ = check_trials(folder)
    return ClaimedFolder(before, frozenset(done), damaged=False)


@contextlib.contextmanager
def work_in(place: Place) -> Iterator[tuple[Dataset, list[str]]]:
    """Open the dataset of a call on a worker, and hear what is warned of meanwhile.

    Raises
    ------
    VbenchError
        It is another one here, or packages are.
    """
    if (differs := unlike_packages(place.packages, machine.packages())) is not None:
        raise VbenchError(
            f"worker {machine_name()} has {differs}; install the same on all machines"
        )
    sys.path += [each for each in place.sys_path if each not in sys.path and Path(each).exists()]
    told: list[str] = []
    with trusting(place.trusted), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        dataset = _open(place)
        yield dataset, told
        told += [str(each.message) for each in heard if issubclass(each.category, VbenchWarning)]


_opened: dict[str, Dataset] = {}


def _open(place: Place) -> Dataset:
    """The dataset, opened once for all tasks of a worker."""
    name = repr((sorted(place.source.items()), place.fingerprint))
    if name not in _opened:
        _opened.clear()
        try:
            dataset = reopen(place.source, is_own=True)
        except (VbenchError, OSError) as error:
            raise VbenchError(f"worker {machine_name()} cannot open the dataset: {error}") from None
        if dataset.fingerprint != place.fingerprint:
            raise VbenchError(
                f"worker {machine_name()} has other data at {place.source['name_or_path']}: "
                f"fingerprint {dataset.fingerprint[:8]}, not {place.fingerprint[:8]}"
            )
        _opened[name] = dataset
    return _opened[name]


def machine_name() -> str:
    """The address of the Dask worker that this runs on."""
    from distributed import get_worker

    return str(get_worker().address)
