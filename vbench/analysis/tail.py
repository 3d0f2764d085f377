"""The tail of a run explained: who is in it, how hard they are, whether others serve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.analysis.efforts import Clusters, effort_of
from vbench.analysis.segments import Cross, crossed, segment_rows
from vbench.analysis.summary import share_of_queries
from vbench.analysis.verdict import spoils
from vbench.analysis.worst import worst_rows
from vbench.bench.findings.copies import warn_of_copies, wrong_copies
from vbench.data.copies import kept_copies
from vbench.data.dataset import Dataset
from vbench.errors import UnknownNameError, VbenchError
from vbench.measures import usual
from vbench.measures.hits import threshold
from vbench.measures.tail import tail
from vbench.runs import files
from vbench.runs.hardness import dataset_of, hardness_of
from vbench.runs.names import Names
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.selection import select
from vbench.runs.settings import Setting, by_variant
from vbench.stats.association import spearman, tail_auc
from vbench.stats.crossed import crossed_mean
from vbench.stats.intervals import wilson

if TYPE_CHECKING:
    import polars as pl

SCHEMA = "vbench.tail/1"
INTERNALS_SCHEMA = "vbench.internals/2"
MANY_UNREACHABLE = 0.05
"""Share of the missed neighbors that no search can reach, above which that is worth a warning."""


def explain(
    run: Run,
    *,
    indexes: Sequence[str] = (),
    settings: Sequence[str] = (),
    k: int | None = None,
    delta: float = 0.9,
    number: int = 20,
    dataset: Dataset | None = None,
    cluster: str | None = None,
    cross: Cross = (),
) -> dict[str, Any]:
    """The tail of every index as a JSON document.

    Parameters
    ----------
    indexes, settings
        Only these indexes, only these values (``ef=64``). Of each index that has several settings
        the one whose mean recall is nearest to that which the run was brought to, or to 0.9.
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
        A column of the queries, such as ``user``; the intervals of shares and of mean recall take
        its values for independent.
    cross
        Pairs of columns of the queries, whose values are crossed beside each by itself.

    Raises
    ------
    VbenchError
        For an index, setting, K or column that the run does not hold, or vectors that are not
        the run's.
    """
    if not 0.0 < delta <= 1.0:
        raise VbenchError(f"delta={delta}; give a number above 0, up to 1")
    if number < 0:
        raise VbenchError(f"{number} worst queries cannot be shown; give a number from 0 on")
    for pair in cross:
        crossed(run, *pair)
    sides = chosen(run, indexes, settings, k)
    k = sides[0].k
    warnings: list[Warn] = []
    hardness = None
    given = dataset
    try:
        dataset = dataset_of(run, dataset)
        hardness = hardness_of(run, k, dataset)
    except (VbenchError, OSError) as error:
        if given is not None:
            raise
        hardness = run.hardness(k)
        warnings.append(_without_vectors(error))
    need = threshold(delta, k)
    under = {side: side.hits < need for side in sides}
    clusters = run.clusters(cluster)
    names = Names.of(run, dataset)
    rows = [
        _index(side, under[side], delta, number, hardness, dataset, clusters, names, cross)
        for side in sides
    ]
    warnings += [each for each in run.manifest.warnings if spoils(each, speed=True)]
    warnings += warn_of_copies(run, sides)
    warnings += [*_of_builds(sides), *(warn for row in rows for warn in _of_inside(row))]
    return {
        "schema": SCHEMA,
        "run": str(run.path),
        "dataset": run.manifest.dataset.name,
        "queries": run.manifest.dataset.m,
        "k": k,
        "delta": delta,
        "cluster": cluster,
        "indexes": rows,
        "overlap": _overlap(under),
        "everywhere": _everywhere(under),
        "warnings": msgspec.to_builtins(warnings),
    }


def chosen(
    run: Run, indexes: Sequence[str] = (), settings: Sequence[str] = (), k: int | None = None
) -> list[Setting]:
    """One setting of each index: the nearest to the usual mean recall.

    Raises
    ------
    VbenchError
        For an index, setting or K that the run does not hold.
    """
    found = select(run, settings)
    names = list(dict.fromkeys(each.index for each in found))
    for name in indexes:
        if name not in names:
            raise UnknownNameError("index of the run", name, names)
    ks = sorted({each.k for each in found})
    if k is not None and k not in ks:
        raise VbenchError(f"{run.path} has no K={k}; it holds K={', '.join(map(str, ks))}")
    k = k or ks[0]
    target = run.manifest.options.at_recall or usual.RECALL
    wanted = [each for each in found if each.k == k and each.index in (indexes or names)]
    return [
        min(own, key=lambda each: abs(each.recall - target)) for own in by_variant(wanted).values()
    ]


def in_most_builds(under: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Queries (m,) that are under δ in more than half of the builds (builds, m)."""
    return np.asarray(under.mean(axis=0) > 0.5)


def _index(
    side: Setting,
    under: NDArray[np.bool_],
    delta: float,
    number: int,
    hardness: pl.DataFrame | None,
    dataset: Dataset | None,
    clusters: Clusters,
    names: Names,
    cross: Cross,
) -> dict[str, Any]:
    run, setting, hits = side.run, side, side.hits
    answers = side.answers()
    parts = tail(hits, setting.k, delta)
    recall, share = (crossed_mean(x, cluster=clusters) for x in (hits / setting.k, under))
    own = run.columns.to_dict(as_series=False)
    columns = {} if hardness is None else hardness.to_dict(as_series=False)
    return {
        "index": setting.index,
        "name": str(side),
        "build": setting.build,
        "setting": setting.search,
        "space": setting.space,
        "builds": len(setting.trials),
        "recall": {"value": recall.value, "low": recall.low, "high": recall.high},
        "under": {"value": share.value, "low": share.low, "high": share.high},
        "persistent": _counted(parts.persistent, clusters),
        "lottery": _counted(parts.build_dependent, clusters),
        "worst": worst_rows(answers, parts, number, own, columns, dataset, names),
        "segments": segment_rows(run, under, clusters=clusters, cross=cross),
        "hardness": _associations(columns, hits.mean(axis=0) / setting.k, in_most_builds(under)),
        "effort": effort_of(run, setting, delta, clusters),
        "inside": inside_of(side, delta),
        "wrong_copies": _copies_of(run, setting),
    }


def _copies_of(run: Run, setting: Setting) -> dict[str, float | None] | None:
    """Shares of wrong answers that are copies; None where the base has none, or is not known."""
    facts = run.manifest.dataset
    copies = kept_copies(facts.fingerprint) if facts.copies and facts.copies.share else None
    return None if copies is None else wrong_copies(run, setting, copies)._asdict()


def inside_of(side: Setting, delta: float) -> dict[str, Any] | None:
    """What `explain_inside` of `internals` once said of this setting, if it did."""
    found: dict[str, Any] | None = _internals(side).get(inside_key(side, delta))
    return found


def _internals(side: Setting) -> dict[str, Any]:
    folder = side.run.path
    document = files.read_json(folder / files.INTERNALS)
    if document is None:
        return files.read_plain(folder / "inside.json")  # as schema 1 left it
    stored: dict[str, Any] = document["settings"]
    return stored


def store_inside(side: Setting, delta: float, inside: dict[str, Any]) -> None:
    """Keep what a setting's builds look like inside, for the report and the next look."""
    path = side.run.path / files.INTERNALS
    stored = _internals(side) | {inside_key(side, delta): inside}
    files.write_json(path, {"schema": INTERNALS_SCHEMA, "settings": stored})


def inside_key(side: Setting, delta: float) -> str:
    """Name of a setting's entry in internals.json: its trials, and δ."""
    return " ".join([*(trial.key for trial in side.trials), f"delta={delta:g}"])


def _counted(mask: NDArray[np.bool_], clusters: Clusters) -> dict[str, Any]:
    low, high = share_of_queries(mask, clusters)
    return {"queries": int(mask.sum()), "share": float(mask.mean()), "low": low, "high": high}


def _associations(
    columns: Mapping[str, Any], recall: NDArray[np.float64], tailed: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """How each hardness goes with recall and tail, the best at telling the tail first."""
    if not columns:
        return []
    table = np.column_stack([np.asarray(values, dtype=np.float64) for values in columns.values()])
    rho, auc = spearman(table, recall), tail_auc(table, tailed)
    rows = [
        {
            "measure": name,
            "spearman": float(rho.value[place]),
            "spearman_low": float(rho.low[place]),
            "spearman_high": float(rho.high[place]),
            "auc": float(auc.value[place]),
            "auc_low": float(auc.low[place]),
            "auc_high": float(auc.high[place]),
        }
        for place, name in enumerate(columns)
    ]
    return sorted(rows, key=lambda row: -np.nan_to_num(abs(row["auc"] - 0.5), nan=-1.0))


def _overlap(under: Mapping[Setting, NDArray[np.bool_]]) -> list[dict[str, Any]]:
    """For each two indexes, how much of the one's tail the other would have served."""
    tails = {side: in_most_builds(mask) for side, mask in under.items()}
    rows = []
    for one, of_one in tails.items():
        for other, of_other in tails.items():
            if one is other:
                continue
            size, both = int(of_one.sum()), int((of_one & of_other).sum())
            ends = wilson(size - both, size) if size else (None, None)
            everywhere = float(of_other.mean())
            rows.append(
                {
                    "index": str(one),
                    "other": str(other),
                    "tail": size,
                    "saved": size - both,
                    "share": (size - both) / size if size else None,
                    "low": ends[0],
                    "high": ends[1],
                    "lift": both / size / everywhere if size and everywhere else None,
                }
            )
    return rows


def _everywhere(under: Mapping[Setting, NDArray[np.bool_]]) -> dict[str, int]:
    """Queries in the tail of some index, and of every one."""
    tails = np.stack([in_most_builds(mask) for mask in under.values()])
    return {"some": int(tails.any(axis=0).sum()), "every": int(tails.all(axis=0).sum())}


def _without_vectors(error: Exception) -> Warn:
    return Warn(
        "no vectors",
        str(error),
        "without them there is no hardness, and no distance of what came instead",
        "give them with --dataset (and --queries, --metric)",
        code="no-vectors",
    )


def _of_builds(sides: Sequence[Setting]) -> list[Warn]:
    single = [str(side) for side in sides if len(side.trials) == 1]
    if not single:
        return []
    return [
        Warn(
            "one build",
            f"{', '.join(single)}: one build",
            "bad luck of a build cannot be told from queries that no build serves",
            "run with --builds 3",
            code="one-build",
        )
    ]


def _of_inside(row: Mapping[str, Any]) -> list[Warn]:
    """What the inside of an index says must be mended in the index."""
    inside = row["inside"] or {}
    graph = inside.get("graph")
    found = []
    if inside and inside["same"]["value"] < 1.0:
        found.append(
            Warn(
                "not the same twice",
                f"{row['name']}: built again from the same seed, {inside['same']['value']:.1%} of "
                "the queries get the same ids",
                "what is said of its inside is of the second build, not of the one measured",
                "build with one thread, or fix the index's seed",
                code="not-the-same-twice",
            )
        )
    if graph and (graph["missed_unreachable"]["value"] or 0.0) > MANY_UNREACHABLE:
        found.append(
            Warn(
                "unreachable neighbors",
                f"{row['name']}: no search can reach {graph['missed_unreachable']['value']:.0%} of "
                "the neighbors it missed",
                "a wider search will not find them",
                "more links at the build (M, R); for inner product, a recipe that makes the space "
                "Euclidean first, such as hnsw-mips",
                code="unreachable-neighbors",
            )
        )
    return found
