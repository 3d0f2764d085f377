"""What measures: :func:`vbench.run` and :func:`vbench.tune`.

Nothing heavy is imported before a function is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vbench._arguments import check_arguments
from vbench.api.given import as_dataset
from vbench.api.runs import Run
from vbench.errors import VbenchError

if TYPE_CHECKING:
    from vbench.analysis.certificate import Verification
    from vbench.analysis.tuning import Tuning
    from vbench.api.given import AnyMeasure, Progress
    from vbench.data.dataset import Dataset
    from vbench.data.find import Data
    from vbench.indexes.protocol import Index
    from vbench.indexes.recipe import Recipe
    from vbench.measures.hits import Rule
    from vbench.metric import Metric

    AnyIndex = str | Path | Recipe | type[Index] | type[Any]


@check_arguments
def run(
    dataset: Dataset | Data,
    indexes: AnyIndex | Sequence[AnyIndex],
    *,
    queries: Data | None = None,
    metric: Metric | str | None = None,
    learn: int | Data | Literal[False] | None = None,
    queries_at_most: int | None = None,
    k: int | Sequence[int] = 10,
    builds: int = 3,
    repeats: int = 3,
    threads: int = 1,
    build_threads: int | None = None,
    jobs: int = 1,
    settings: Mapping[str, Any] | None = None,
    at_recall: float | None = None,
    filters: str | Sequence[str] = (),
    masks: int = 3,
    only_filtered: bool = False,
    workload: str = "static",
    recall_rule: Rule = "exact-tie",
    timeout: float | None = None,
    memory_limit: int | None = None,
    seed: int = 0,
    clients: int | Sequence[int] | None = None,
    rate: float | Sequence[float] | None = None,
    batch: int | Sequence[int] | None = None,
    cache: str = "warm",
    keep_indexes: bool = True,
    connect: Mapping[str, str] | None = None,
    workers: str | None = None,
    device: str = "cpu",
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = None,
) -> Run:
    """Build, search and score every index; the run resumes where an earlier call stopped.

    Parameters
    ----------
    dataset
        From :func:`vbench.load`, or what that takes: a name, a path, an array, a table of polars
        or pandas with a column of vectors.
    indexes
        One or several: recipe names, paths of recipes, ``package.module:Class``,
        ``faiss:FACTORY``, or classes, also of a notebook's cell. What such a class uses is written
        to a module with it, and left in the run's folder.
    queries, metric, learn
        As :func:`vbench.load` takes them, where `dataset` is not from there.
    queries_at_most
        Ask so many queries at most: a random part, drawn by `seed`, the same for every index.
    k
        One cutoff or several; each is searched and timed on its own.
    builds
        How often each index is built, each time with its own seed and insertion order.
    repeats
        Counted passes over all queries, each in another order; latency is that of all single calls,
        QPS that of each query's fastest.
    threads
        Threads and cores of the worker.
    build_threads
        Threads and cores of a build, where they are others than those of its searches.
    jobs
        How many builds are made side by side, each on cores of its own. While one is asked, no
        other is made.
    settings
        Values that replace the recipe's: ``{"ef": [16, 32]}``, ``{"hnsw.ef": [64]}``.
    at_recall
        Bring each index to this mean recall over its builds, within 0.005, by moving the search
        parameter that its recipe names, in place of the recipe's sweep. `settings` of it then
        bound it. How it went is in :attr:`Run.levels`.
    filters
        Conditions on the base vectors, each a view of its own beside the one without:
        ``"popularity < 20"``, ``"popularity:0-50%"``, ``"random:0.05"``, ``"nearest:0.05"``,
        ``"query:country"``, ``"seen"``; parts joined by ``&`` hold at once.
    masks
        How many are drawn of a filter that chance has a say in.
    only_filtered
        Leave out the view without a filter.
    workload
        What happens to the base between searches: ``"churn"`` replaces a quarter of it four times
        by the same vectors under new ids, ``"growth:0.1"`` fits on the first tenth and adds the
        rest in four parts, ``"growth:0.1:-popularity"`` in the order of an item attribute; or the
        path of a file of steps: TOML, or YAML of big-ann-benchmarks. Each search is a view of its
        own.
    recall_rule
        What counts as a hit: `exact-tie`, `id` or `ann-benchmarks`.
    timeout
        Seconds that a build, or a trial, may take.
    memory_limit
        Bytes that a worker may hold; default nine tenths of what is available now.
    seed
        Draws seeds and insertion orders.
    clients
        Numbers of clients that ask at the same time, beside the usual one: each its share of the
        queries, one after another.
    rate
        Queries a second that come whether the last is answered or not; their latency counts from
        then on. `clients` of them are answered at a time, default one.
    batch
        Queries of one call.
    cache
        ``"cold"``: measure too with what an index reads of files taken out of memory before each
        query. Only of indexes that lie on a disk and say by ``files`` where.
    keep_indexes
        Load builds that were kept, and keep those that are made here: up to a fifth of the free
        disk, those that were used longest ago go first. What building cost is that of the build.
        With `fresh` all are built again, and replace those that were kept.
    connect
        Addresses of servers that run already, by the name of an index or of its service:
        ``{"pgvector": "postgresql://…"}``. They stand in no file.
    workers
        Hand exact search and builds to the workers of a Dask cluster: ``"local"`` starts some here,
        as many as there are cores for; ``"tcp://HOST:8786"`` is the address of a scheduler. A
        script that starts some here does so under ``if __name__ == "__main__":``.
    device
        Where exact search makes its products: ``"cpu"``, or a GPU such as ``"cuda"``. Neighbors
        are the same.
    out
        The run folder; default ``results/<run-id>``. Or an address, such as ``s3://bucket/run``,
        to which a folder here is put as it grows, and to which `workers` write: they then share no
        folder. :func:`vbench.open` takes it too.
    fresh
        Throw away what an earlier call left in the folder.
    progress
        True: a bar in a terminal, lines elsewhere; False: nothing; None: in notebooks only; or a
        function that is called with what is being done, how much is done, and how much there is.

    Returns
    -------
    Run
        Trials that failed are in ``run.manifest.failures``, and warned of
        (:class:`vbench.VbenchWarning`).

    Raises
    ------
    VbenchError
        When the call, the data or the folder is wrong; nothing is written then.
    """
    from vbench.bench.prepare import MeasureOptions
    from vbench.bench.runner import run as measure
    from vbench.bench.writing import writing_to
    from vbench.indexes.given import take_indexes
    from vbench.render.terminal.output import shown_progress

    data = as_dataset(dataset, queries, metric, learn, queries_at_most, seed)
    asked = MeasureOptions(
        k=k,
        builds=builds,
        repeats=repeats,
        threads=threads,
        build_threads=build_threads,
        jobs=jobs,
        at_recall=at_recall,
        filters=[filters] if isinstance(filters, str) else filters,
        masks=masks,
        only_filtered=only_filtered,
        workload=workload,
        recall_rule=recall_rule,
        timeout=timeout,
        memory_limit=memory_limit,
        seed=seed,
        clients=clients,
        rate=rate,
        batch=batch,
        cache=cache,
        keep_indexes=keep_indexes,
        connect=connect or {},
        workers=workers,
        device=device,
    )
    with (
        writing_to(out) as place,
        take_indexes(indexes) as taken,
        shown_progress(progress) as tell,
    ):
        done = measure(
            data,
            taken.indexes,
            asked,
            settings=settings,
            out=place.folder,
            mirror=place.mirror,
            fresh=fresh,
            progress=tell,
        )
        taken.keep(done.path)
    return Run(done.path)


@check_arguments
def tune(
    dataset: Dataset | Data,
    indexes: AnyIndex | Sequence[AnyIndex],
    target: str,
    *,
    queries: Data | None = None,
    metric: Metric | str | None = None,
    learn: int | Data | Literal[False] | None = None,
    queries_at_most: int | None = None,
    minimize: AnyMeasure | None = None,
    maximize: AnyMeasure | None = None,
    price: str | None = None,
    k: int | None = None,
    settings: Mapping[str, Any] | None = None,
    trials: int | None = None,
    level: float = 0.95,
    filters: str | Sequence[str] = (),
    masks: int = 3,
    only_filtered: bool = False,
    workload: str = "static",
    view: str | None = None,
    certificate: str | Path | None = None,
    builds: int = 3,
    repeats: int = 3,
    threads: int = 1,
    build_threads: int | None = None,
    jobs: int = 1,
    recall_rule: Rule = "exact-tie",
    timeout: float | None = None,
    memory_limit: int | None = None,
    seed: int = 0,
    keep_indexes: bool = True,
    connect: Mapping[str, str] | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = None,
) -> Tuning:
    """Find the setting that meets the targets at the least cost, and certify it.

    Half of the queries, drawn by the seed, choose the setting; the other half, held out until
    then, certifies it with an exact one-sided bound that every build must reach.

    Parameters
    ----------
    dataset, indexes, queries, metric, learn, queries_at_most
        As :func:`vbench.run` has them.
    threads, jobs, recall_rule, timeout, memory_limit
        As :func:`vbench.run` has them.
    out, fresh, keep_indexes, connect
        As :func:`vbench.run` has them; `progress` too.
    target
        ``"Robustness(delta=0.9)@10>=0.99 and Latency(p=99)<=2ms"``; of a segment of the queries:
        ``"Recall@10>=0.9 where activity='new'"``.
    minimize, maximize
        A measure; default: minimize the price where one is given, else ``Latency(p=99)``.
    price
        What a core costs an hour, and a GB of memory: ``"core=0.04/h,GB=0.005/h"``. An answer is
        then told in money too: :class:`vbench.Price`.
    k
        Neighbors to retrieve, where no target says it.
    settings
        Values to choose from, ``{"M": [8, 16, 32]}``; of the search parameter to tune, the ends
        of its range.
    trials
        The most settings to try of each index: default 12, or 60 where several parameters move.
    level
        Confidence of the certificate.
    filters, masks, only_filtered, workload
        As :func:`vbench.run` has them: the targets must hold in every view, that of the whole base
        among them unless it is left out.
    view
        Only in this view: a filter, ``"random:0.05#2"``, ``"churn@4"``, ``"churn@4 & seen"``;
        ``"none"`` is the whole base.
    certificate
        A file that what is certified is written to, beside what it has for other K and targets:
        :func:`vbench.verify` asks it again.
    builds, repeats, seed
        As :func:`vbench.run` has them; the seed also divides the queries.

    Returns
    -------
    Tuning
        Its `best` setting, whether it is certified, and all that was tried.

    Raises
    ------
    VbenchError
        The call, the data or the folder is wrong; no index could be measured.
    MissingExtraError
        Several parameters move, and Optuna is not installed.
    """
    from vbench.bench.prepare import MeasureOptions
    from vbench.indexes.given import take_indexes
    from vbench.measures.grammar import as_measure
    from vbench.render.terminal.output import shown_progress
    from vbench.tuning.tuner import tune as search

    data = as_dataset(dataset, queries, metric, learn, queries_at_most, seed)
    asked = MeasureOptions(
        builds=builds,
        repeats=repeats,
        threads=threads,
        build_threads=build_threads,
        jobs=jobs,
        filters=[filters] if isinstance(filters, str) else filters,
        masks=masks,
        only_filtered=only_filtered,
        workload=workload,
        recall_rule=recall_rule,
        timeout=timeout,
        memory_limit=memory_limit,
        seed=seed,
        keep_indexes=keep_indexes,
        connect=connect or {},
    )
    with take_indexes(indexes) as taken, shown_progress(progress) as tell:
        found = search(
            data,
            taken.indexes,
            target,
            asked,
            minimize=None if minimize is None else str(as_measure(minimize)),
            maximize=None if maximize is None else str(as_measure(maximize)),
            price=price,
            k=k,
            settings=settings,
            trials=trials,
            level=level,
            view=view,
            certificate=None if certificate is None else Path(certificate),
            out=out,
            fresh=fresh,
            progress=tell,
        )
        taken.keep(Path(found.run))
    return found


@check_arguments
def verify(
    certificate: str | Path,
    index: AnyIndex,
    dataset: Dataset | Data | None = None,
    *,
    queries: Data | None = None,
    metric: Metric | str | None = None,
    repeats: int = 3,
    timeout: float | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = None,
) -> Verification:
    """Ask whether the certificate of an index still holds.

    Its builds are made again from its seed and asked at its settings, under its filters and at its
    ages. A claim holds where every build's one-sided bound reaches the target again, and is broken
    where some build surely misses it, with the confidence of the certificate for all claims and
    builds together.

    Parameters
    ----------
    certificate
        A file that :func:`vbench.tune` wrote.
    index
        The index that it is of, as :func:`vbench.run` takes it.
    dataset
        The vectors now; default: those that were certified, opened again.
    queries
        Queries that the certificate has not seen. Without any, the half that certified it is asked
        again, which tells changes of the index, not of the queries.
    metric, repeats, timeout, out, fresh, progress
        As :func:`vbench.run` has them.

    Raises
    ------
    VbenchError
        The file is no certificate, or one of another index; the data do not fit it.
    """
    from vbench.analysis.certificate import read_certificate
    from vbench.data.load import reopen
    from vbench.indexes.given import take_indexes
    from vbench.render.terminal.output import shown_progress
    from vbench.tuning.verify import verify as ask

    if dataset is None:
        source = dict(read_certificate(Path(certificate)).data.source)
        if not source:
            raise VbenchError("the certificate is of vectors in memory; give them as dataset")
        data = reopen(source)
    else:
        data = as_dataset(dataset, queries, metric)
    if dataset is None and queries is not None:
        data = _ask_others(data, queries)
    with take_indexes([index]) as taken, shown_progress(progress) as tell:
        (only,) = taken.indexes
        return ask(
            Path(certificate),
            only,
            data,
            repeats=repeats,
            timeout=timeout,
            out=None if out is None else Path(out),
            fresh=fresh,
            progress=tell,
        )


def _ask_others(dataset: Dataset, queries: Data) -> Dataset:
    """The same base vectors and items with other queries, of which nothing else is known."""
    import dataclasses

    from vbench.data.load import load

    found = load(dataset.base, queries=queries, metric=dataset.metric)
    return dataclasses.replace(
        found, name=dataset.name, items=dataset.items, item_id=dataset.item_id
    )
