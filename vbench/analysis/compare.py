"""One index against another: what differs, by how much, how surely, and for which queries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from vbench.analysis.verdict import caveats, gated, verdict
from vbench.errors import VbenchError
from vbench.measures.base import Measure
from vbench.measures.grammar import as_measure, parse
from vbench.measures.sample import Sample
from vbench.runs import files
from vbench.runs.pairing import Pair, pairs
from vbench.runs.run import Run
from vbench.stats.exact import holm

SCHEMA = "vbench.compare/1"


def standard(k: int) -> list[Measure]:
    """The measures that are compared where none are asked for."""
    names = ("Recall@{}", "Robustness(delta=0.9)@{}", "CVaR(alpha=0.05)@{}", "Failure@{}")
    return [parse(name.format(k)) for name in names]


def compare(
    runs: Run | Sequence[Run],
    *,
    baseline: str | None = None,
    candidate: str | None = None,
    measures: Sequence[str | Measure] = (),
    settings: Sequence[str] = (),
    cluster: str | None = None,
    fail_if_worse: float | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    """Compare indexes of one run, or one run with others, as a JSON document.

    Parameters
    ----------
    baseline, candidate, settings
        Which is held against which: :func:`vbench.runs.pairing.pairs`.
    measures
        In the grammar; default: :func:`standard`.
    cluster
        A column of the queries, such as ``user``; queries of one cluster are not independent.
    fail_if_worse
        The candidate fails when it is surely worse, and by this much at least: in the measure's
        own unit, or as a share of the baseline for a measure of cost.

    Returns
    -------
    dict
        ``comparisons`` holds one entry for each pair and measure. `p` is of the one test,
        `p_holm` is adjusted for all of them, and decides `different`; `low` and `high` are the
        ends of one interval alone.

    Raises
    ------
    VbenchError
        For what cannot be compared: other data, truth or K, or one build where a gate needs two.
    """
    runs = [runs] if isinstance(runs, Run) else list(runs)
    if not runs:
        raise VbenchError("nothing to compare; give one run or several")
    found = pairs(runs, baseline, candidate, settings)
    return compare_pairs(
        found, measures=measures, cluster=cluster, fail_if_worse=fail_if_worse, level=level
    )


def compare_pairs(
    found: Sequence[Pair],
    *,
    measures: Sequence[str | Measure] = (),
    cluster: str | None = None,
    fail_if_worse: float | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    """Compare pairs that are chosen already; the rest is as in :func:`compare`."""
    if fail_if_worse is not None:
        if not 0.0 <= fail_if_worse < math.inf:
            raise VbenchError(f"fail_if_worse={fail_if_worse}; give a number from 0 on")
        _check_builds(found)
    asked = [as_measure(each) for each in measures]
    _check_cutoffs(asked, found)
    entries = []
    for pair in found:
        clusters = pair.baseline.run.clusters(cluster)
        a, b = (Sample(side.answers(), level, clusters) for side in pair.sides)
        measures = _fitting(asked, pair.k) if asked else standard(pair.k)
        entries += [_entry(pair, a, b, measure) for measure in measures]
    _adjust(entries, level)
    sides = [side for pair in found for side in pair.sides]
    speed = any(entry["kind"] == "cost" for entry in entries)
    facts = sides[0].run.manifest.dataset
    return {
        "schema": SCHEMA,
        "runs": list(dict.fromkeys(str(side.run.path) for side in sides)),
        "dataset": facts.name,
        "queries": facts.m,
        "cluster": cluster,
        "level": level,
        "comparisons": entries,
        "gate": None if fail_if_worse is None else gated(entries, fail_if_worse),
        "warnings": msgspec.to_builtins([*caveats(found, level, speed=speed)]),
    }


def store(run: Run, document: dict[str, Any]) -> None:
    """Keep a comparison in the folder of a run, for its report."""
    files.write_json(run.path / files.COMPARISONS, document)


def _fitting(measures: Sequence[Measure], k: int) -> list[Measure]:
    return [measure for measure in measures if measure.cutoff in (None, k)]


def _check_cutoffs(measures: Sequence[Measure], found: Sequence[Pair]) -> None:
    ks = sorted({pair.k for pair in found})
    for measure in measures:
        if measure.cutoff is not None and measure.cutoff not in ks:
            raise VbenchError(
                f"{measure} asks for K={measure.cutoff}; what is compared has "
                f"K={', '.join(map(str, ks))}"
            )


def _check_builds(found: Sequence[Pair]) -> None:
    for side in (side for pair in found for side in pair.sides):
        if len(side.trials) < 2:
            raise VbenchError(
                f"{side} in {side.run.path} has one build; a gate needs two or more of "
                "each side, or chance alone would fail it: run with --builds 3"
            )


def _entry(pair: Pair, a: Sample, b: Sample, measure: Measure) -> dict[str, Any]:
    name_a, name_b = pair.names
    for side, sample in zip(pair.sides, (a, b), strict=True):
        if len(sample.values(measure)) < len(sample.answers):
            raise VbenchError(f"{measure} cannot be compared: {side} did not record it")
    values = [sample.estimate(measure) for sample in (a, b)]
    found = measure.difference(a, b)
    return {
        "measure": str(measure),
        "k": pair.k,
        "baseline": name_a,
        "candidate": name_b,
        "baseline_value": values[0].value,
        "baseline_interval": [values[0].low, values[0].high],
        "candidate_value": values[1].value,
        "candidate_interval": [values[1].low, values[1].high],
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "p_holm": math.nan,
        "different": False,
        "better": None,
        "verdict": "",
        "claim": found.claim,
        "detectable": found.detectable,
        "builds": [len(sample.answers) for sample in (a, b)],
        "higher_is_better": measure.better == "higher",
        "kind": measure.kind,
        "unit": measure.unit,
        "changed_sides": _changed_sides(pair.baseline.run, a, b, measure)
        if measure.kind == "share"
        else None,
    }


def _adjust(entries: list[dict[str, Any]], level: float) -> None:
    """Holm over all comparisons that have a p, then the verdicts."""
    tested = [entry for entry in entries if not math.isnan(entry["p"])]
    for entry, p in zip(tested, holm([entry["p"] for entry in tested]), strict=True):
        entry["p_holm"] = float(p)
        entry["different"] = bool(p < 1.0 - level)
    for entry in entries:
        if entry["different"]:
            gains = (entry["difference"] > 0) == entry["higher_is_better"]
            entry["better"] = "candidate" if gains else "baseline"
        entry["verdict"] = verdict(entry, len(tested))


def _changed_sides(run: Run, a: Sample, b: Sample, measure: Measure) -> dict[str, Any]:
    """Queries that count with one side only; with most builds of a side, where it has several.

    By row number, and in `ids` by what they are called, where they have names.
    """
    with_a, with_b = (side.per_query(measure).mean(axis=0) > 0.5 for side in (a, b))
    only = {
        "only_baseline": np.flatnonzero(with_a & ~with_b),
        "only_candidate": np.flatnonzero(~with_a & with_b),
    }
    found: dict[str, Any] = {
        "both": int((with_a & with_b).sum()),
        "neither": int((~with_a & ~with_b).sum()),
        **{name: rows.tolist() for name, rows in only.items()},
    }
    if (ids := run.query_ids) is not None:
        found["ids"] = {name: ids.gather(rows).to_list() for name, rows in only.items()}
    return found
