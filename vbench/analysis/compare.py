"""One index against another: what differs, by how much, with which p, and for which queries."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from vbench._document import Interval
from vbench._invocation import spell_option
from vbench.analysis.comparison import Compared, Comparison, Discordant, QueryIds, Side
from vbench.analysis.document import ViewFacts, describe_dataset
from vbench.analysis.floors import judge_floors, read_floors
from vbench.analysis.segments import Members, join_selections, select_queries
from vbench.analysis.unlike import Change, find_changes, tell_unlike
from vbench.analysis.verdict import (
    caveats,
    few_builds,
    judge_gate,
    read_limit,
    say_verdict,
    tell_missing,
)
from vbench.errors import VbenchError
from vbench.measures.base import Measure
from vbench.measures.grammar import as_measure, parse
from vbench.measures.over_masks import compare_under_masks, estimate_over_masks
from vbench.measures.sample import Sample
from vbench.measures.targets import Target
from vbench.runs.digests import of_array
from vbench.runs.failed import failed_trials, find_gaps
from vbench.runs.likes import Likes, pair_likes
from vbench.runs.pairing import Pair, pairs
from vbench.runs.run import Run
from vbench.runs.selection import match, select
from vbench.runs.settings import Setting
from vbench.runs.under_load import find_loaded, pair_loads, tells
from vbench.runs.under_views import choose_views, pair_views, under_masks
from vbench.runs.views import planned_views
from vbench.stats.exact import holm, holm_levels
from vbench.stats.paired import Difference

_STANDARD = ("Recall@{k}", "Robustness(delta=0.9)@{k}", "CVaR(alpha=0.05)@{k}", "Failure@{k}")


def _standard(k: int) -> list[Measure]:
    """The measures that are compared where none are asked for."""
    return [parse(name.format(k=k)) for name in _STANDARD]


def compare(
    runs: Run | Sequence[Run],
    *,
    baseline: str | None = None,
    candidate: str | None = None,
    measures: Sequence[str | Measure] = (),
    settings: Sequence[str] = (),
    cluster: str | None = None,
    fail_if_worse: float | str | None = None,
    fail_if_blind: bool = False,
    at_least: str | Sequence[str] = (),
    where: str | Sequence[str] = (),
    view: str | None = None,
    level: float = 0.95,
) -> Comparison:
    """Compare indexes of one run, or one run with others; :func:`vbench.compare` says with what."""
    runs = [runs] if isinstance(runs, Run) else list(runs)
    if not runs:
        raise VbenchError("nothing to compare; give one run or several")
    asked = [as_measure(each) for each in measures]
    floors = read_floors(at_least)
    places = [where] if isinstance(where, str) else list(where)
    groups = choose_views(runs, view, settings, (baseline, candidate))
    is_gate = fail_if_worse is not None

    def pair_here(there: list[Run]) -> Likes:
        found: list[Pair] = []
        if floors and len(there) == 1 and baseline is None and not is_gate:
            gaps = list(find_gaps(select(there[0], settings, planned=True)))
        elif not is_gate:
            found = pairs(there, baseline, candidate, settings)
            sides = dict.fromkeys(side for pair in found for side in pair.sides)
            indexes = {side.index for side in sides}
            planned = [each for run in there for each in select(run, settings, planned=True)]
            lost = [each for each in planned if not each.trials and each.index in indexes]
            gaps = list(find_gaps([*lost, *sides]))
        else:
            cutoffs = [each.cutoff for each in asked]
            ks = [] if None in cutoffs else [k for k in cutoffs if k is not None]
            found, gaps = pair_likes(there, baseline, candidate, settings, ks)
        # Answers are the same under every load, times are not.
        if any(each.is_clocked for each in asked):
            loaded, lacking = pair_loads(found, alike=is_gate)
            found, gaps = [*found, *loaded], [*gaps, *lacking]
        return Likes(found, gaps)

    found, gaps = pair_views(runs, groups, pair_here, alike=is_gate)
    judged = [
        under_masks(setting, views)
        for run in (runs[1:] or runs if floors else [])
        for views in groups
        if views[0] in planned_views(run)
        for setting in _judged(run.in_view(views[0]), settings, candidate, floors)
    ]
    return compare_pairs(
        found,
        runs=runs,
        floors=floors,
        judged=judged,
        where=places,
        missing=list(dict.fromkeys(map(str, gaps))),
        measures=asked,
        cluster=cluster,
        fail_if_worse=fail_if_worse,
        fail_if_blind=fail_if_blind,
        level=level,
    )


def _judged(
    run: Run, settings: Sequence[str], candidate: str | None, floors: Sequence[Target]
) -> list[Setting]:
    """The settings that must reach the floors, in one view."""
    found = match(select(run, settings, planned=True), candidate)
    if any(each.measure.is_clocked for each in floors):
        found += find_loaded(found, planned=True)
    return found


def compare_pairs(
    found: Sequence[Pair],
    *,
    runs: Sequence[Run] = (),
    missing: Sequence[str] = (),
    floors: Sequence[Target] = (),
    judged: Sequence[Sequence[Setting]] = (),
    where: Sequence[str] = (),
    measures: Sequence[str | Measure] = (),
    cluster: str | None = None,
    fail_if_worse: float | str | None = None,
    fail_if_blind: bool = False,
    level: float = 0.95,
) -> Comparison:
    """Compare pairs that are chosen already; the rest is as in :func:`compare`.

    Parameters
    ----------
    runs
        Those that the pairs are from. Default: the runs of the pairs.
    missing
        What is not compared, since a side has no result of it.
    judged
        The settings that must reach the `floors`, each under all masks of its filter.
    """
    runs = runs or list(dict.fromkeys(side.run for pair in found for side in pair.sides))
    limit = None if fail_if_worse is None else read_limit(fail_if_worse)
    if limit is not None:
        _check_builds(found)
    elif fail_if_blind:
        raise VbenchError(
            f"{spell_option('fail_if_blind', True)} needs a loss to see; "
            f"give {spell_option('fail_if_worse', 0.01)} beside it"
        )
    asked = [as_measure(each) for each in measures]
    _check_cutoffs(asked, found)
    queries = select_queries(runs[0], where)

    def make(side: Setting, level: float, segment: Sequence[str] = ()) -> Sample:
        answers, clusters = side.answers(), side.run.clusters(cluster)
        rows = join_selections(queries, select_queries(runs[0], segment))
        if rows is not None:
            answers = [each.of_queries(rows) for each in answers]
            clusters = None if clusters is None else clusters[rows]
        return Sample(answers, level, clusters, _plans(side))

    tested = []
    changes: dict[Change, None] = {}
    for pair in found:
        changed = find_changes(pair)
        changes |= dict.fromkeys(changed)
        every = (pair, *pair.masks)
        a = [make(each.baseline, level) for each in every]
        b = [make(each.candidate, level) for each in every]
        fitting = [
            each
            for each in asked
            if each.cutoff in (None, pair.k) and all(tells(side, each) for side in pair.sides)
        ]
        measures = fitting if asked else _standard(pair.k)
        alike = all(
            _is_identical(each, *samples, of_all=queries is None)
            for each, *samples in zip(every, a, b, strict=True)
        )
        unlike = "; ".join(str(each) for each in changed if each.changes_costs)
        for measure in measures:
            row, difference = _compare(pair, a, b, measure, queries)
            # Of the same answers, times differ.
            if alike and measure.kind != "cost" and not measure.is_clocked:
                row = _nothing_to_compare(row)
            elif unlike and measure.is_of_machine:
                row = _unjudged(row, f"measured on unlike machines or threads ({unlike})")
            elif limit is not None and measure.is_clocked and _is_disturbed(*a, *b):
                row = _unjudged(row, "other processes disturbed every pass of a build")
            tested.append((row, difference))
    rows, with_twice = _judge(tested, level)
    sides = {
        (side.name, side.view): side
        for pair in found
        for side in (_side(pair, *each) for each in zip(pair.names, pair.sides, strict=True))
    }
    reached = tuple(judge_floors(floors, judged, make, level))
    speed = any(row.kind == "cost" for row in rows) or any(each.is_cost for each in floors)
    speed |= any(each.is_clocked for each in (*asked, *(floor.measure for floor in floors)))
    number = runs[0].manifest.dataset.m if queries is None else len(queries)
    return Comparison(
        runs=[str(run.path) for run in runs],
        dataset=describe_dataset(runs[0]),
        cluster=cluster,
        where=tuple(where),
        queries=number,
        level=level,
        changes=tuple(changes),
        settings=tuple(sides.values()),
        comparisons=rows,
        failed=failed_trials(runs),
        missing=tuple(missing),
        gate=None
        if limit is None
        else judge_gate(rows, limit, missing=missing, fail_if_blind=fail_if_blind),
        floors=reached,
        warnings=(
            *tell_unlike(tuple(changes), costs=any(row.unjudged for row in rows)),
            # A gate names them itself, as floors do where they are all there is.
            *tell_missing(missing if limit is None and found else ()),
            *caveats(found, runs, number, level, speed=speed),
            *few_builds(rows, with_twice, limit),
        ),
    )


def _side(pair: Pair, name: str, setting: Setting) -> Side:
    row = Side.from_setting(setting, run=str(setting.run.path))
    return msgspec.structs.replace(row, name=name, view=_view_of(pair))


def _view_of(pair: Pair) -> ViewFacts | None:
    """The view of a pair: of several masks, that of their filter."""
    found = ViewFacts.from_view(pair.baseline.run.view)
    return msgspec.structs.replace(found, mask=None) if found and pair.masks else found


def _plans(setting: Setting) -> list[tuple[int, int | None]]:
    """Seed and insertion order of each build; empty where an index takes no seed."""
    builds = [setting.run.build_of(trial) for trial in setting.trials]
    if any(build.seeded is False for build in builds):
        return []
    return [(build.seed, build.order_seed) for build in builds]


def _check_cutoffs(measures: Sequence[Measure], found: Sequence[Pair]) -> None:
    ks = sorted({pair.k for pair in found})
    for measure in measures:
        if ks and measure.cutoff is not None and measure.cutoff not in ks:
            raise VbenchError(
                f"{measure} asks for K={measure.cutoff}; what is compared has "
                f"K={', '.join(map(str, ks))}"
            )


def _check_builds(found: Sequence[Pair]) -> None:
    for side in (side for pair in found for each in (pair, *pair.masks) for side in each.sides):
        if len(side.trials) < 2:
            raise VbenchError(
                f"{side} in {side.run.path} has one build; a gate needs two or more of "
                f"each side, or chance alone would fail it: run with {spell_option('builds', 3)}"
            )


def _compare(
    pair: Pair,
    a: Sequence[Sample],
    b: Sequence[Sample],
    measure: Measure,
    queries: Members | None,
) -> tuple[Compared, Difference]:
    for side, samples in zip(pair.sides, (a, b), strict=True):
        if any(len(each.values(measure)) < len(each.answers) for each in samples):
            raise VbenchError(f"{measure} cannot be compared: {side} did not record it")
    values = [Interval(*estimate_over_masks(measure, samples)[:3]) for samples in (a, b)]
    found = compare_under_masks(measure, a, b)
    row = Compared(
        measure=str(measure),
        k=pair.k,
        unit=measure.unit,
        kind=measure.kind,
        higher_is_better=measure.better == "higher",
        view=_view_of(pair),
        masks=len(a),
        baseline=pair.names[0],
        candidate=pair.names[1],
        builds=[min(len(each.answers) for each in samples) for samples in (a, b)],
        baseline_value=values[0],
        candidate_value=values[1],
        difference=found.value,
        low=_known(found.low),
        high=_known(found.high),
        p=_known(found.p),
        claim=found.claim,
        minimum_detectable_difference=None,
        discordant=_discordant(pair.baseline.run, a, b, measure, queries)
        if measure.kind == "share"
        else None,
    )
    return row, found


def _is_identical(pair: Pair, a: Sample, b: Sample, *, of_all: bool) -> bool:
    """Whether every build of one side has its equal on the other; `of_all`: for all queries."""
    digests = [[side.run.facts(trial).answers for trial in side.trials] for side in pair.sides]
    if not (of_all and all(map(all, digests))):
        if any(each.ids.shape[1] == 0 for each in (*a.answers, *b.answers)):
            return False  # ids were not recorded
        digests = [
            [of_array(each.ids.astype(np.int64)) for each in side.answers] for side in (a, b)
        ]
    of_a, of_b = map(Counter, digests)
    return of_a == of_b or len(of_a | of_b) == 1


def _nothing_to_compare(row: Compared) -> Compared:
    return msgspec.structs.replace(
        row,
        difference=0.0,
        low=None,
        high=None,
        p=None,
        discordant=None,
        identical=True,
    )


def _unjudged(row: Compared, why: str) -> Compared:
    return msgspec.structs.replace(row, p=None, unjudged=why)


def _is_disturbed(*sides: Sample) -> bool:
    """Whether other processes disturbed all passes of some build."""
    return any(each.is_disturbed for side in sides for each in side.answers)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _judge(
    tested: Sequence[tuple[Compared, Difference]], level: float
) -> tuple[list[Compared], list[float]]:
    """Holm over all comparisons that have a p, then the verdicts.

    What is detectable is so at the level that Holm leaves, as the verdict is made. Beside the rows
    it is given for twice as many builds.
    """
    ps = [row.p for row, _ in tested if row.p is not None]
    adjusted = iter(zip(holm(ps), holm_levels(ps, 1.0 - level), strict=True))
    judged, with_twice = [], []
    for row, found in tested:
        p, left = (None, 1.0 - level) if row.p is None else map(float, next(adjusted))
        different = p is not None and p < 1.0 - level
        gains = (row.difference or 0.0) > 0 if row.higher_is_better else (row.difference or 0.0) < 0
        detectable = found.detectable(1.0 - left)
        largest = math.inf if row.kind == "cost" else 1.0
        is_open = not row.identical and row.unjudged is None
        decided = msgspec.structs.replace(
            row,
            p_holm=p,
            different=different,
            better=("candidate" if gains else "baseline") if different else None,
            minimum_detectable_difference=detectable if is_open and detectable < largest else None,
        )
        judged.append(msgspec.structs.replace(decided, verdict=say_verdict(decided, len(ps))))
        with_twice.append(found.with_more_builds(row.builds).detectable(1.0 - left))
    return judged, with_twice


def _discordant(
    run: Run,
    a: Sequence[Sample],
    b: Sequence[Sample],
    measure: Measure,
    queries: Members | None,
) -> Discordant:
    with_a, with_b = (
        np.mean([measure.per_query(each) for of in side for each in of.answers], axis=0) > 0.5
        for side in (a, b)
    )
    only_a, only_b = np.flatnonzero(with_a & ~with_b), np.flatnonzero(~with_a & with_b)
    if queries is not None:
        only_a, only_b = queries[only_a], queries[only_b]
    ids = run.query_ids
    return Discordant(
        both=int((with_a & with_b).sum()),
        neither=int((~with_a & ~with_b).sum()),
        only_baseline=only_a.tolist(),
        only_candidate=only_b.tolist(),
        ids=None
        if ids is None
        else QueryIds(
            only_baseline=ids.gather(only_a).to_list(), only_candidate=ids.gather(only_b).to_list()
        ),
    )
