"""What `import vbench` offers: the commands as functions, and a run with what can be asked of it.

Nothing heavy is imported before a function is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vbench._arguments import check_arguments
from vbench.errors import VbenchError
from vbench.runs.run import Run as _Run

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable

    from vbench.analysis.comparison import Comparison
    from vbench.analysis.ranking import RankingLoss
    from vbench.analysis.summary import Summary
    from vbench.analysis.tail import TailReport
    from vbench.analysis.tuning import Tuning
    from vbench.data.dataset import Dataset
    from vbench.data.find import Data
    from vbench.indexes.protocol import Index
    from vbench.indexes.recipe import Recipe
    from vbench.measures.base import Measure
    from vbench.measures.hits import Rule
    from vbench.metric import Metric
    from vbench.ranking.protocol import Ranker
    from vbench.runs.schema import Level
    from vbench.runs.settings import Setting

    Progress = bool | Callable[[str, int, int], None] | None
    AnyIndex = str | Path | Recipe | type[Index] | type[Any]
    AnyRun = _Run | str | Path
    AnyMeasure = str | Measure | type[Measure]


class Run(_Run):
    """A run folder, read lazily: only what is asked for is loaded, and checked when it is.

    From :func:`vbench.run`, or of an earlier one by :func:`vbench.open`.
    """

    @check_arguments
    def summary(
        self, measures: AnyMeasure | Sequence[AnyMeasure] = (), cluster: str | None = None
    ) -> Summary:
        """Every setting with the usual measures, and those that are given."""
        from vbench.analysis.summary import summarize
        from vbench.measures.grammar import as_measures

        return summarize(self, as_measures(measures), cluster)

    def compare(self, *others: AnyRun, **options: Any) -> Comparison:
        """Compare the indexes of this run, or others with it: :func:`vbench.compare`."""
        return compare([self, *others], **options)

    def tail(self, **options: Any) -> TailReport:
        """Explain the queries that are served badly: :func:`vbench.tail`."""
        return tail(self, **options)

    def rank(self, rankers: Any = (), k: int | None = None, **options: Any) -> RankingLoss:
        """What misses cost the ranking stage: :func:`vbench.rank`."""
        return rank(self, rankers, k, **options)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the run as one self-contained HTML page: :func:`vbench.report`."""
        return report(self, path)

    def settings(self, *, steps: bool = False, loads: bool = False) -> Settings:
        return Settings(super().settings(steps=steps, loads=loads))

    @property
    def levels(self) -> list[Level]:
        """How each index was brought to a mean recall, where that was asked for."""
        return self.manifest.levels

    def _repr_html_(self) -> str:
        from vbench._document import html_table

        facts, found = self.manifest.dataset, self.settings()
        rows = [
            (each.index, spelt, each.k, len(each.trials), each.recall)
            for each in found
            if (spelt := each.parameters) is not None
        ]
        return html_table(
            f"Run {self.path}: {self.completion}",
            ("index", "parameters", "K", "builds", "mean recall"),
            rows,
            f"{facts.name}: {facts.n:,} base vectors × {facts.d}, {facts.m:,} queries, "
            f"{facts.metric}",
        )


class Settings(list["Setting"]):
    """The settings of a run, in the order of its plan."""

    def _repr_html_(self) -> str:
        from vbench._document import html_table

        rows = [(each.index, each.parameters, each.k, len(each.trials)) for each in self]
        return html_table(f"{len(self)} settings", ("index", "parameters", "K", "builds"), rows)


@check_arguments
def open(path: str | Path) -> Run:  # noqa: A001 (read as vbench.open)
    """Open a run folder.

    Raises
    ------
    VbenchError
        There is no run, or a damaged one.
    """
    return Run(path)


@check_arguments
def run(
    dataset: Dataset | Data,
    indexes: AnyIndex | Sequence[AnyIndex],
    *,
    queries: Data | None = None,
    metric: Metric | str | None = None,
    learn: int | Data | Literal[False] | None = None,
    k: int | Sequence[int] = 10,
    builds: int = 3,
    repeats: int = 3,
    threads: int = 1,
    settings: Mapping[str, Any] | None = None,
    at_recall: float | None = None,
    recall_rule: Rule = "exact-tie",
    timeout: float | None = None,
    memory_limit: int | None = None,
    seed: int = 0,
    clients: int | Sequence[int] | None = None,
    rate: float | Sequence[float] | None = None,
    batch: int | Sequence[int] | None = None,
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
    k
        One cutoff or several; each is searched and timed on its own.
    builds
        How often each index is built, each time with its own seed and insertion order.
    repeats
        Counted passes over all queries, each in another order; latency is that of all single calls,
        QPS that of each query's fastest.
    threads
        Threads and cores of the worker.
    settings
        Values that replace the recipe's: ``{"ef": [16, 32]}``, ``{"hnsw.ef": [64]}``.
    at_recall
        Bring each index to this mean recall over its builds, within 0.005, by moving the search
        parameter that its recipe names, in place of the recipe's sweep. `settings` of it then
        bound it. How it went is in :attr:`Run.levels`.
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
    out
        The run folder; default ``results/<run-id>``.
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
    from vbench.indexes.given import given
    from vbench.render.terminal.output import shown_progress

    data = _dataset(dataset, queries, metric, learn)
    asked = MeasureOptions(
        k=k,
        builds=builds,
        repeats=repeats,
        threads=threads,
        at_recall=at_recall,
        recall_rule=recall_rule,
        timeout=timeout,
        memory_limit=memory_limit,
        seed=seed,
        clients=clients,
        rate=rate,
        batch=batch,
    )
    with given(indexes) as taken, shown_progress(progress) as tell:
        done = measure(
            data, taken.indexes, asked, settings=settings, out=out, fresh=fresh, progress=tell
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
    minimize: AnyMeasure | None = None,
    maximize: AnyMeasure | None = None,
    k: int | None = None,
    settings: Mapping[str, Any] | None = None,
    trials: int | None = None,
    level: float = 0.95,
    builds: int = 3,
    repeats: int = 3,
    threads: int = 1,
    recall_rule: Rule = "exact-tie",
    timeout: float | None = None,
    memory_limit: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = None,
) -> Tuning:
    """Find the setting that meets the targets at the least cost, and certify it.

    Half of the queries, drawn by the seed, choose the setting; the other half, held out until
    then, certifies it with an exact one-sided bound that every build must reach.

    Parameters
    ----------
    dataset, indexes, queries, metric, learn, threads, recall_rule, timeout, memory_limit
        As :func:`vbench.run` has them.
    out, fresh
        As :func:`vbench.run` has them; `progress` too.
    target
        ``"Robustness(delta=0.9)@10>=0.99 and Latency(p=99)<=2ms"``.
    minimize, maximize
        A measure; default: minimize ``Latency(p=99)``.
    k
        Neighbors to retrieve, where no target says it.
    settings
        Values to choose from, ``{"M": [8, 16, 32]}``; of the search parameter to tune, the ends
        of its range.
    trials
        The most settings to try of each index: default 12, or 60 where several parameters move.
    level
        Confidence of the certificate.
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
    from vbench.indexes.given import given
    from vbench.measures.grammar import as_measure
    from vbench.render.terminal.output import shown_progress
    from vbench.tuning.tuner import tune as search

    data = _dataset(dataset, queries, metric, learn)
    asked = MeasureOptions(
        builds=builds,
        repeats=repeats,
        threads=threads,
        recall_rule=recall_rule,
        timeout=timeout,
        memory_limit=memory_limit,
        seed=seed,
    )
    with given(indexes) as taken, shown_progress(progress) as tell:
        found = search(
            data,
            taken.indexes,
            target,
            asked,
            minimize=None if minimize is None else str(as_measure(minimize)),
            maximize=None if maximize is None else str(as_measure(maximize)),
            k=k,
            settings=settings,
            trials=trials,
            level=level,
            out=out,
            fresh=fresh,
            progress=tell,
        )
        taken.keep(Path(found.run))
    return found


@check_arguments
def compare(
    *runs: AnyRun | Sequence[AnyRun],
    baseline: str | None = None,
    candidate: str | None = None,
    measures: AnyMeasure | Sequence[AnyMeasure] = (),
    settings: str | Sequence[str] = (),
    cluster: str | None = None,
    fail_if_worse: float | str | None = None,
    fail_if_blind: bool = False,
    at_least: str | Sequence[str] = (),
    where: str | Sequence[str] = (),
    level: float = 0.95,
) -> Comparison:
    """Compare the indexes of one run, or other runs with the first.

    Parameters
    ----------
    runs
        One or several, as :func:`vbench.run` gave them, or their folders.
    baseline, candidate
        Names of indexes, with a value such as ``"hnsw ef=64"`` where there are several settings.
        Default: of one run its first index and every other; of several, the first run and every
        other.
    measures
        Default: mean recall, R-0.9, the worst 5 %, and queries without a hit.
    settings
        Only these values, such as ``"ef=64"``.
    cluster
        A column of the queries, such as ``user``; queries of one cluster are not independent.
    fail_if_worse
        The candidate fails when it is significantly worse, and by this much at least: in the
        measure's own unit, or as a share of the baseline for a measure of cost. ``"1%"`` is 0.01.
    fail_if_blind
        The gate cannot judge where it could not have detected a loss of that size.
    at_least
        Floors such as ``"Recall@10>=0.95"``, which the candidate, or each setting of a single
        run, must surely reach: by a one-sided bound over queries and builds.
    where
        Only queries of these segments, such as ``"country=SE"``.
    level
        Confidence of intervals, and of all verdicts together (Holm).

    Raises
    ------
    VbenchError
        For what cannot be compared: other data, ground truth or K, or one build where a gate
        needs two.
    """
    from vbench.analysis.compare import compare as compared
    from vbench.measures.grammar import as_measures

    return compared(
        [each for given in runs for each in _runs(given)],
        baseline=baseline,
        candidate=candidate,
        measures=as_measures(measures),
        settings=[settings] if isinstance(settings, str) else settings,
        cluster=cluster,
        fail_if_worse=fail_if_worse,
        fail_if_blind=fail_if_blind,
        at_least=at_least,
        where=where,
        level=level,
    )


@check_arguments
def tail(
    run: AnyRun,
    *,
    indexes: str | Sequence[str] = (),
    settings: str | Sequence[str] = (),
    k: int | None = None,
    delta: float = 0.9,
    number: int = 20,
    dataset: Dataset | Data | None = None,
    cluster: str | None = None,
    cross: Sequence[tuple[str, str]] = (),
) -> TailReport:
    """Explain the tail of a run: which queries are served badly, which segments, and why.

    Parameters
    ----------
    indexes, settings
        Only these indexes, only these values (``"ef=64"``). Of each index that has several
        settings, the one at matched recall.
    k
        Default: the smallest of the run.
    delta
        A query whose recall is under it is in the tail.
    number
        How many of the worst queries to show.
    dataset
        The run's vectors; default: opened again from where the run took them. Without them there
        is no hardness, and a warning says so.
    cluster
        A column of the queries, such as ``user``, whose equal values are not independent.
    cross
        Pairs of columns of the queries, whose values are crossed beside each by itself.

    Raises
    ------
    VbenchError
        For an index, setting, K or column that the run does not hold, or vectors that are not
        the run's.
    """
    from vbench.analysis.tail import explain

    (opened,) = _runs(run)
    return explain(
        opened,
        indexes=[indexes] if isinstance(indexes, str) else indexes,
        settings=[settings] if isinstance(settings, str) else settings,
        k=k,
        delta=delta,
        number=number,
        dataset=None
        if dataset is None
        else _dataset(dataset, None, opened.manifest.dataset.metric),
        cluster=cluster,
        cross=cross,
    )


@check_arguments
def rank(
    runs: AnyRun | Sequence[AnyRun],
    rankers: str | type | Ranker | Sequence[str | type | Ranker] = (),
    k: int | None = None,
    *,
    dataset: Dataset | Data | None = None,
    interactions: str | Path | None = None,
    seed: int = 0,
    progress: Progress = None,
) -> RankingLoss:
    """Rank the candidates of each trial, and tell the losses of the model from those of the index.

    Parameters
    ----------
    runs
        One or several of one dataset, which needs relevance judgments.
    rankers
        Names, ``package.module:Class``, ``command:PROGRAM``, ``file:SCORES``, or classes; default:
        `tower`, and `popularity` where the items have it.
    k
        Number of candidates; default: the largest K that all runs hold.
    dataset
        Default: the one that the first run names.
    interactions
        File that trained rankers learn from; default: that of the dataset's recipe.
    seed
        For rankers that are trained.
    progress
        As :func:`vbench.run` has it.

    Raises
    ------
    VbenchError
        There are no judgments, a ranker fails, or the runs do not belong together.
    """
    from vbench.analysis.rank import rank as measure
    from vbench.render.terminal.output import shown_progress

    single = isinstance(rankers, str | type) or not isinstance(rankers, Sequence)
    several: Any = [rankers] if single else rankers
    with shown_progress(progress) as tell:
        return measure(
            _runs(runs),
            several,
            k,
            dataset=None if dataset is None else _dataset(dataset, None, None),
            interactions=None if interactions is None else Path(interactions),
            seed=seed,
            progress=tell,
        )


@check_arguments
def report(
    runs: AnyRun | Sequence[AnyRun],
    path: str | Path | None = None,
    *,
    figures: str | Path | None = None,
    svg: bool = False,
) -> Path:
    """Write one or several runs as one self-contained HTML page.

    Parameters
    ----------
    path
        Default: `report.html`, in the folder of one run, else here.
    figures
        A folder, to draw the figures for print there too: PNG, with `svg` SVG and PDF as well.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    VbenchError
        The file cannot be written, or a run is damaged.
    """
    from vbench.render.page.page import write

    if svg and figures is None:
        raise VbenchError("svg=True goes with figures=FOLDER")
    opened = _runs(runs)
    if figures is not None:
        from vbench.render.figures import export

        export.write(opened, figures, vector=svg)
    folder = opened[0].path if len(opened) == 1 else Path()
    return write(opened, folder / "report.html" if path is None else path)


def _runs(given: AnyRun | Sequence[AnyRun]) -> builtins.list[_Run]:
    several: Any = [given] if isinstance(given, _Run | str | Path) else given
    if not isinstance(several, Sequence) or not all(
        isinstance(each, _Run | str | Path) for each in several
    ):
        raise VbenchError(f"{given!r:.80} is no run; give one, or the path of its folder")
    if not several:
        raise VbenchError("no run given; give one, or the path of its folder")
    return [each if isinstance(each, _Run) else Run(each) for each in several]


def _dataset(given: Any, queries: Any, metric: Any, learn: Any = None) -> Dataset:
    """The dataset itself, or what :func:`vbench.load` makes of what was given."""
    from vbench.data.dataset import Dataset
    from vbench.data.load import load

    if not isinstance(given, Dataset):
        return load(given, queries=queries, metric=metric, learn=learn)
    if learn is not None:
        raise VbenchError(
            f"{given!r} has queries to learn from, or none; give learn= to vbench.load"
        )
    if queries is not None or (metric is not None and metric != given.metric):
        raise VbenchError(
            f"{given!r} has its queries and its metric; give those to vbench.load, or its vectors"
        )
    return given
