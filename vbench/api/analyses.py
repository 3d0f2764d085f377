"""What is asked of one run or several.

Nothing heavy is imported before a function is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vbench._arguments import check_arguments
from vbench.api.given import as_dataset, as_runs
from vbench.errors import VbenchError

if TYPE_CHECKING:
    from vbench.analysis.combine import Combination
    from vbench.analysis.comparison import Comparison
    from vbench.analysis.ranking import RankingLoss
    from vbench.analysis.tail import TailReport
    from vbench.api.given import AnyMeasure, AnyRun, Progress
    from vbench.data.dataset import Dataset
    from vbench.data.find import Data
    from vbench.ranking.protocol import Ranker


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
    view: str | None = None,
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
        Floors such as ``"Recall@10>=0.95"``, which a one-sided bound over queries and builds must
        reach: that of the candidate, or of each setting of a single run.
    where
        Only queries of these segments, such as ``"country=SE"``.
    view
        Only under this filter, as it was given to the run; ``"none"``: under none,
        ``"random:0.05#2"``: under the second mask. Default: every view that the sides share.
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
        [each for given in runs for each in as_runs(given)],
        baseline=baseline,
        candidate=candidate,
        measures=as_measures(measures),
        settings=[settings] if isinstance(settings, str) else settings,
        cluster=cluster,
        fail_if_worse=fail_if_worse,
        fail_if_blind=fail_if_blind,
        at_least=at_least,
        where=where,
        view=view,
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
    view: str | None = None,
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
    view
        Under this filter, as it was given to the run; ``"random:0.05#2"`` is its second mask.
        Default: the whole base, and in `views` the tails of all views.

    Raises
    ------
    VbenchError
        For an index, setting, K, view or column that the run does not hold, or vectors that are not
        the run's.
    """
    from vbench.analysis.tail import explain

    (opened,) = as_runs(run)
    return explain(
        opened,
        indexes=[indexes] if isinstance(indexes, str) else indexes,
        settings=[settings] if isinstance(settings, str) else settings,
        k=k,
        delta=delta,
        number=number,
        dataset=None
        if dataset is None
        else as_dataset(dataset, None, opened.manifest.dataset.metric),
        cluster=cluster,
        cross=cross,
        view=view,
    )


@check_arguments
def combine(
    run: AnyRun,
    *,
    indexes: str | Sequence[str] = (),
    settings: str | Sequence[str] = (),
    k: int | None = None,
    delta: float = 0.9,
    dataset: Dataset | Data | None = None,
    cluster: str | None = None,
    view: str | None = None,
    progress: Progress = None,
) -> Combination:
    """Combine the indexes of a run from their stored answers; nothing is searched again.

    Each two settings together, both asked and the K nearest kept; and curves of what it brings to
    send some of the queries on, to a second setting or to exact search.

    Parameters
    ----------
    indexes, settings, k, cluster
        As :func:`vbench.tail` has them.
    delta
        Recall from which on a query counts as well served.
    dataset
        The run's vectors; default: opened again from where the run took them. Without them nothing
        is learned from what answers show, and a warning says so.
    view
        Under this filter, as it was given to the run. Default: the whole base.
    progress
        As :func:`vbench.run` has it.

    Raises
    ------
    VbenchError
        For an index, setting, K, view or column that the run does not hold, vectors that are not
        the run's, or answers whose ids were not recorded.
    """
    from vbench.analysis.combine import combine as combined
    from vbench.render.terminal.output import shown_progress

    (opened,) = as_runs(run)
    with shown_progress(progress) as tell:
        return combined(
            opened,
            indexes=[indexes] if isinstance(indexes, str) else indexes,
            settings=[settings] if isinstance(settings, str) else settings,
            k=k,
            delta=delta,
            dataset=None
            if dataset is None
            else as_dataset(dataset, None, opened.manifest.dataset.metric),
            cluster=cluster,
            view=view,
            progress=tell,
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
    seeds: int = 1,
    rerank: bool = False,
    view: str | None = None,
    progress: Progress = None,
) -> RankingLoss:
    """Rank the candidates of each trial, and tell the losses of the model from those of the index.

    Parameters
    ----------
    runs
        One or several of one dataset, which needs relevance judgments.
    rankers
        Names, also with options as in ``zenith(width=64,depth=2)``, ``package.module:Class``,
        ``command:PROGRAM``, ``file:SCORES``, or classes; default: `tower`, and `popularity` where
        the items have it.
    k
        Number of candidates; default: the largest K that all runs hold.
    dataset
        Default: the one that the first run names.
    interactions
        File that trained rankers learn from; default: that of the dataset's recipe.
    seed
        For rankers that are trained.
    seeds
        Train each so many times, from `seed` on; every measure is the mean over them.
    rerank
        Put a list-wise stage behind each ranker, with losses of its own.
    view
        Under this filter or at this age, as :func:`vbench.compare` has it: judgments of items that
        may not answer there do not count. Of several masks the first; default: the whole base.
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
            as_runs(runs),
            several,
            k,
            dataset=None if dataset is None else as_dataset(dataset, None, None),
            interactions=None if interactions is None else Path(interactions),
            seed=seed,
            seeds=seeds,
            rerank=rerank,
            view=view,
            progress=tell,
        )


@check_arguments
def report(
    runs: AnyRun | Sequence[AnyRun],
    path: str | Path | None = None,
    *,
    figures: str | Path | None = None,
    svg: bool = False,
    view: str | None = None,
    delta: float = 0.9,
) -> Path:
    """Write one or several runs as one self-contained HTML page.

    Parameters
    ----------
    path
        Default: `report.html`, in the folder of one run, else here.
    figures
        A folder, to draw the figures for print there too: PNG, with `svg` SVG and PDF as well.
    view
        Show the settings under this filter, as it was given to the run; ``"random:0.05#2"`` is its
        second mask. Default: the whole base, beside a section about all filters.
    delta
        Recall from which on a query counts as well served when the page opens.

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
    from vbench.runs.views import open_view

    opened = [open_view(run, view) for run in as_runs(runs)]
    if figures is not None:
        from vbench.render.figures import export

        export.write(opened, figures, vector=svg)
    folder = opened[0].path if len(opened) == 1 else Path()
    return write(opened, folder / "report.html" if path is None else path, delta=delta)
