"""Why an index misses: its builds made again, and their internals read."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._document import Estimated
from vbench._invocation import trusting
from vbench.analysis.internals import GraphInternals, Internals, ListInternals
from vbench.bench import wire
from vbench.bench.kept import KeptIndexes
from vbench.bench.score import Scorer
from vbench.bench.session import TrialError
from vbench.bench.workers import Workers
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import HARDNESS_DEPTH, compute_ground_truth
from vbench.errors import VbenchError
from vbench.indexes.code import code_of
from vbench.indexes.given import bring
from vbench.indexes.protocol import Graph
from vbench.indexes.registry import check_stranger, resolve
from vbench.measures.escape import SURROUNDINGS, hardness_in_graph
from vbench.measures.graph import kinds, lists_per_query, shape, share_of
from vbench.measures.hits import threshold
from vbench.runs import files, tables
from vbench.runs.schema import Build
from vbench.runs.settings import Setting
from vbench.stats.association import spearman
from vbench.stats.intervals import student

Ids = NDArray[np.integer[Any]]
Numbers = dict[str, float]

_COUNTS = ("in_degree", "out_degree", "lists", "mean", "most")
"""How the names of numbers begin that are no shares."""


class Rebuilt(NamedTuple):
    """One build, made again: what it answered (m, k), and its graph and lists if it shows them."""

    ids: Ids
    graph: Graph | None
    lists: Ids | None


def explain_internals(
    setting: Setting,
    dataset: Dataset,
    delta: float,
    progress: Callable[[int], None],
    *,
    trust: bool = False,
) -> Internals:
    """Why a setting misses what it misses, from the internals of its builds.

    Each build is loaded from where it was kept, or made again from its seed and its order of
    insertion, in a worker like the first one, and asked the same queries: `same` is the share of
    queries that get identical ids. The hardness of the queries in each graph is left in the run's
    folder. What is said of missed neighbors is of these answers and this
    index, so it holds together even where several threads never build the same index twice.

    Parameters
    ----------
    progress
        Called with the number of each build.
    trust
        Import what the run names as its index even where that is no registered adapter.

    Raises
    ------
    VbenchError
        When a build fails that did not fail before, or the run names code of a stranger's.
    """
    run = setting.run
    rows: dict[str, list[Numbers]] = {"same": [], "graph": [], "lists": []}
    # Rows that no index gets are not what its graph cannot reach.
    given = np.delete(np.arange(dataset.n), dataset.zero_row_ids)
    surroundings: Ids | None = None
    scorer = Scorer(dataset, run.ground_truth, run.manifest.options.rule)
    with trusting(trust), open_builds(setting, dataset) as workers:
        for number, trial in enumerate(setting.trials):
            progress(number)
            try:
                rebuilt = _of_rows(_search(workers, setting, number), given)
            except TrialError as error:
                raise VbenchError(
                    f"{setting}: build {number + 1} cannot be rebuilt: {error.reason}"
                ) from None
            workers.release(run.build_of(trial))
            stored = run.answers(trial)
            same = float((stored.ids == rebuilt.ids).all(axis=1).mean())
            rows["same"].append({"queries": same})
            place = scorer.score(rebuilt.ids).place
            missed = dataclasses.replace(stored, ids=rebuilt.ids, place=place).missed
            truth = np.searchsorted(given, run.ground_truth.ids[:, : trial.k])
            if rebuilt.graph is not None:
                rows["graph"].append(_of_graph(rebuilt.graph, truth, missed))
                near = surroundings if surroundings is not None else _surroundings(dataset, trial.k)
                surroundings = near
                columns = hardness_in_graph(rebuilt.graph, np.searchsorted(given, near), trial.k)
                tables.write_graph_hardness(run.path, trial.key, columns)
            if rebuilt.lists is not None:
                rows["lists"].append(_of_lists(rebuilt.lists, truth, missed, delta))
    return Internals(
        same=_over_builds(rows["same"])["queries"],
        graph=GraphInternals(**_over_builds(rows["graph"])) if rows["graph"] else None,
        lists=ListInternals(**_over_builds(rows["lists"])) if rows["lists"] else None,
    )


@contextlib.contextmanager
def open_builds(setting: Setting, dataset: Dataset) -> Iterator[Workers]:
    """Workers that make the builds of a setting again, or load them from where they were kept.

    Raises
    ------
    VbenchError
        Nothing here builds that index, or not that one, or it is code of a stranger's.
    """
    run = setting.run
    if (origin := run.manifest.origin) is not None:
        raise VbenchError(
            f"{setting}: its answers were imported from {origin.tool}, and nothing here builds "
            "that index again"
        )
    builds = {build.adapter: build for build in map(run.build_of, setting.trials)}
    for adapter, build in builds.items():
        check_stranger(adapter, run.path / files.MANIFEST)
        bring(run.path, adapter)
        _check_code(build, setting)
    with Workers(dataset, run.manifest.options, kept=KeptIndexes()) as workers:
        yield workers


def read_graph(workers: Workers, build: Build, given: Ids) -> Graph | None:
    """The graph of a build by the places of its vectors in `given`; None where it shows none.

    Raises
    ------
    VbenchError
        It cannot be built, or shows no graph.
    """
    timeout = workers.options.timeout
    try:
        session = workers.of(build).session
        shown, arrays = session.ask(
            wire.Inspect(), wire.Inspected, timeout=timeout, doing="inspect"
        )
    except TrialError as error:
        raise VbenchError(f"{build.index}: cannot be built again: {error.reason}") from None
    graph = Graph(*arrays[:2]) if shown.graph else None
    nothing = np.empty((0, 0), dtype=np.int64)
    return _of_rows(Rebuilt(nothing, graph, None), given).graph


def _surroundings(dataset: Dataset, k: int) -> Ids:
    """The nearest base vectors of each query, farther than a run keeps them: (m, 40)."""
    most = dataset.n - len(dataset.zero_row_ids)
    truth = compute_ground_truth(dataset, min(most, max(HARDNESS_DEPTH, 2 * k)))
    return truth.ids[:, :SURROUNDINGS]


def _check_code(build: Build, setting: Setting) -> None:
    """Refuse to look into another index than the one that was measured."""
    code = code_of(resolve(build.adapter))
    was = build.requires or {}
    changed = [name for name in code.versions if name in was and was[name] != code.versions[name]]
    if build.code is not None and (build.code != code.digest or changed):
        raise VbenchError(
            f"{setting}: {' and '.join(changed) or 'its code'} changed since it was measured; "
            "give the same `vbench run` again, which measures it anew"
        )


def _search(workers: Workers, setting: Setting, number: int) -> Rebuilt:
    trial = setting.trials[number]
    session = workers.of(setting.run.build_of(trial)).session
    timeout = workers.options.timeout
    ask = wire.Search(setting=trial.setting, k=trial.k, repeats=1, warmup=0)
    _, (ids, *_) = session.ask(ask, wire.Searched, timeout=timeout, doing="search")
    shown, arrays = session.ask(wire.Inspect(), wire.Inspected, timeout=timeout, doing="inspect")
    graph = Graph(*arrays[:2]) if shown.graph else None
    return Rebuilt(ids, graph, arrays[-1] if shown.lists else None)


def _of_rows(rebuilt: Rebuilt, given: Ids) -> Rebuilt:
    """Graph and lists of the rows in `given` alone, by their places there."""
    graph, lists = rebuilt.graph, rebuilt.lists
    if graph is not None and len(given) < len(graph.neighbors):
        links = graph.neighbors[given]
        places = np.where(links < 0, -1, np.searchsorted(given, links))
        graph = Graph(places, np.searchsorted(given, graph.entries))
    return rebuilt._replace(graph=graph, lists=None if lists is None else lists[given])


def _of_graph(graph: Graph, truth: Ids, missed: NDArray[np.bool_]) -> Numbers:
    """The graph's shape, and which kinds of vectors are missed, found, and there are at all."""
    about = shape(graph)
    masks = kinds(graph)
    shares = {
        "base": share_of(masks),
        "missed": share_of(masks, truth[missed]),
        "found": share_of(masks, truth[~missed]),
    }
    least, lower, median, upper, most = about.in_degree
    return {
        "reachable": about.reachable,
        "orphans": about.orphans,
        "in_degree_least": least,
        "in_degree_lower_quarter": lower,
        "in_degree_median": median,
        "in_degree_upper_quarter": upper,
        "in_degree_most": most,
        "out_degree": about.out_degree,
    } | {
        f"{where}_{kind}": value
        for where, share in shares.items()
        for kind, value in share._asdict().items()
    }


def _of_lists(lists: Ids, truth: Ids, missed: NDArray[np.bool_], delta: float) -> Numbers:
    """In how many lists the true neighbors of a query lie, and how that goes with its recall."""
    k = truth.shape[1]
    numbers = lists_per_query(lists, truth)
    hits = (~missed).sum(axis=1)
    tailed = hits < threshold(delta, k)
    return {
        "lists": float(len(np.unique(lists))),
        "mean": float(numbers.mean()),
        "most": float(numbers.max()),
        "mean_in_tail": float(numbers[tailed].mean()) if tailed.any() else float("nan"),
        "mean_elsewhere": float(numbers[~tailed].mean()) if (~tailed).any() else float("nan"),
        "spearman_with_recall": float(spearman(numbers, hits / k).value[0]),
    }


def _over_builds(rows: Sequence[Numbers]) -> dict[str, Estimated]:
    """Each number's mean over builds, with Student's interval where there are several."""
    found = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        several = len(values) > 1
        low, high = student(values) if several and np.ptp(values) > 0.0 else (None, None)
        if low is not None and high is not None:
            low = max(low, -1.0 if name.startswith("spearman") else 0.0)
            high = high if name.startswith(_COUNTS) else min(high, 1.0)
        mean = float(values.mean())
        found[name] = Estimated(
            value=None if math.isnan(mean) else mean,
            low=low,
            high=high,
            spread=float(values.std(ddof=1)) if several else None,
        )
    return found
