"""`vbench.tune`: the best setting that meets the targets, certified on other queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from vbench._invocation import spell_option
from vbench.analysis.certificate import write_certificate
from vbench.analysis.segments import join_selections, select_rows
from vbench.analysis.tuning import Tuning, store_tuning
from vbench.bench.bench import Bench
from vbench.bench.folder import claim
from vbench.bench.journal import Progress, silent
from vbench.bench.kept import KeptIndexes
from vbench.bench.opening import conclude, open_bench
from vbench.bench.plan import Plan
from vbench.bench.prepare import MeasureOptions, prepare
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError, warn
from vbench.indexes.recipe import Recipe
from vbench.measures.targets import Target, parse_targets
from vbench.runs.views import select_views
from vbench.stats.intervals import check_level
from vbench.tuning.certificate import certify, join_certificates, read_earlier
from vbench.tuning.document import Found, describe
from vbench.tuning.search import (
    Budget,
    Outcome,
    best_of,
    require_optuna,
    search_combinations,
    secure,
)
from vbench.tuning.targets import Objective, common_cutoff, parse_objective, parse_price
from vbench.tuning.trials import Claim, Judge, split_queries

ONE_PARAMETER, SEVERAL = 12, 60
"""Settings that are tried of an index, at most, where one parameter moves and where several do."""
_FEWEST_QUERIES = 20
_USUAL = MeasureOptions()


def tune(
    dataset: Dataset,
    indexes: Sequence[str | Recipe],
    target: str,
    asked: MeasureOptions = _USUAL,
    *,
    minimize: str | None = None,
    maximize: str | None = None,
    price: str | None = None,
    k: int | None = None,
    settings: Mapping[str, Sequence[Any]] | None = None,
    trials: int | None = None,
    level: float = 0.95,
    view: str | None = None,
    certificate: Path | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> Tuning:
    """Find the setting that meets the targets at the least cost, and certify it.

    Half of the queries, drawn by the seed, choose the setting; the other half, held out until
    then, makes the claim, with an exact one-sided bound that every build must reach. The settings
    that pass on the calibration half are tested on the held-out half from the most conservative
    on, until one fails: tested in an order fixed beforehand, they need no correction for their
    number (fixed-sequence testing; Angelopoulos et al., "Learn then Test", 2021).

    With filters or a workload the targets must hold in every view, the whole base among them unless
    it is left out; `view` chooses some by name. What is certified is added to the file
    `certificate`.

    :func:`vbench.tune` says what the arguments mean. `k` stands in the place of that of
    `asked`.
    """
    check_level(level)
    paid = None if price is None else parse_price(price)
    if paid is not None and minimize is None and maximize is None:
        minimize = str(paid)
    targets, objective = parse_targets(target), parse_objective(minimize, maximize)
    _check(targets, objective, dataset.m, trials)
    measures = [*(each.measure for each in targets), objective.measure]
    asked = replace(asked, k=common_cutoff(measures, k))
    earlier = None if certificate is None else read_earlier(certificate, dataset)
    prepared = prepare(dataset, indexes, settings, asked, chosen_later=True)
    plan = _of_views(prepared.plan, view)
    prepared = prepared._replace(plan=plan)
    require_optuna(plan.groups)
    folder = Path(out) if out is not None else Path("results") / f"tune-{prepared.run_id}"
    kept = KeptIndexes(fresh=fresh) if asked.keep_indexes else None
    with claim(folder, prepared, fresh=fresh) as claimed:
        with open_bench(
            prepared, folder, claimed, progress, ages_apart=True, kept_indexes=kept
        ) as bench:
            judge = Judge(bench, targets, objective, level, [each.view for each in plan.views])
            outcomes = _search(judge, bench, plan, trials)
            best, is_met = _decide(judge, outcomes)
            is_judged = best.is_certified or not _is_open(judge, best)
            if not is_judged:
                best = _judged_best(judge, best)
        run = conclude(folder, dataset)
    found = Found(run, judge, outcomes, best, is_met, is_judged)
    if certificate is not None and is_judged and found.is_certified:
        made = certify(found, dataset, asked)
        write_certificate(certificate, join_certificates(certificate, earlier, made))
    elif certificate is not None:
        warn(f"{certificate} is not written: nothing is certified")
    tuning = describe(found, dataset, paid)
    store_tuning(folder, tuning)
    return tuning


def _of_views(plan: Plan, name: str | None) -> Plan:
    """The plan for the views of a name, one group for all of them."""
    views = list(plan.views)
    if name is not None:
        chosen = select_views([each.view for each in views], name)
        views = [each for each in views if each.view in chosen]
    first = plan.groups[0].view
    return replace(plan, views=views, groups=[each for each in plan.groups if each.view == first])


def _check(targets: Sequence[Target], objective: Objective, m: int, trials: int | None) -> None:
    if m < _FEWEST_QUERIES:
        raise VbenchError(
            f"{m} queries cannot be divided into a half that tunes and one that certifies; "
            f"give {_FEWEST_QUERIES} or more"
        )
    if trials is not None and trials < 1:
        raise VbenchError(f"trials={trials}; give a whole number from 1 on")
    costs = [target for target in targets if target.measure.is_of_search]
    if objective.measure.kind != "cost" and not costs:
        raise VbenchError(
            f"nothing keeps {objective} from the widest search; bound a cost in "
            f"{spell_option('target')}, such as '{targets[0]} and Latency(p=99)<=2ms'"
        )


def _search(judge: Judge, bench: Bench, plan: Plan, trials: int | None) -> list[Outcome]:
    """Search every index with a budget of its own; then wider settings of its best combination."""
    outcomes: list[Outcome] = []
    for name in dict.fromkeys(build.index for build in plan.builds):
        groups = [group for group in plan.groups if group.index == name]
        budget = Budget(trials or (ONE_PARAMETER if len(groups) == 1 else SEVERAL))
        found = search_combinations(judge, groups, budget)
        best = _best_outcome(judge, found)
        if best is not None:
            found[found.index(best)] = secure(judge, best, budget)
        for group in groups:
            for build in group.builds:
                bench.workers.release(build)
        outcomes += found
        if judge.gives_up():
            break
    if not judge.tried:
        faults = {outcome.fault for outcome in outcomes}
        raise VbenchError(f"no setting could be measured: {'; '.join(sorted(faults))}")
    return outcomes


def _best_outcome(judge: Judge, outcomes: Sequence[Outcome]) -> Outcome | None:
    best = best_of(judge, [each.best for each in outcomes if each.best is not None])
    return next((each for each in outcomes if best is not None and each.best is best), None)


def _decide(judge: Judge, outcomes: Sequence[Outcome]) -> tuple[Claim, bool]:
    """The claim, and whether the calibration half met the targets at all."""
    best = _best_outcome(judge, outcomes)
    if best is None or best.best is None:
        met = [each for each in judge.tried if each.is_met]
        nearest = max(met or judge.tried, key=lambda each: each.slack)
        return judge.claim(nearest), bool(met)
    if not all(judge.attainable):
        return judge.claim(best.best), True
    return certify_cheapest(judge, best), True


def _is_open(judge: Judge, claim: Claim) -> bool:
    """Whether a claim that is not certified, or another setting in its place, might have been."""
    judged = [each.is_judged for each in claim.evidence]
    if not all(judged) and judge.slack(claim.evidence, judged=True) >= 0.0:
        return True
    return any(not each.is_judged for each in judge.tried)


def _judged_best(judge: Judge, claim: Claim) -> Claim:
    """The claim on the setting that is most conservative by what could be judged."""
    disturbed = [each for each in judge.tried if not each.is_judged]
    if not disturbed:
        return claim
    return judge.claim(max(disturbed, key=lambda each: each.judged_slack))


def certify_cheapest(judge: Judge, outcome: Outcome) -> Claim:
    """Test the settings from the most conservative on until one is not certified.

    Of several that served every query of the calibration half alike, that is the widest.
    """
    passing = sorted(
        (each for each in outcome.tried if each.passes),
        key=lambda each: (-each.slack, -(each.value or 0.0)),
    )
    certified: list[Claim] = []
    for tried in passing:
        claim = judge.claim(tried)
        if not claim.is_certified:
            if not certified:
                return claim
            break
        certified.append(claim)
    return min(certified, key=lambda each: judge.objective.loss(each.tried.objective))


def find_unattainable(dataset: Dataset, target: str, level: float, seed: int = 0) -> list[Target]:
    """Targets that half of the queries could not certify even if all of them passed."""
    _, held_out = split_queries(dataset.m, seed)
    columns = pl.DataFrame() if dataset.segments is None else dataset.segments

    def count(each: Target) -> int:
        rows = join_selections(held_out, select_rows(columns, each.where))
        return 0 if rows is None else len(rows)

    return [each for each in parse_targets(target) if not each.is_attainable(count(each), level)]
