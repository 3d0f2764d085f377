"""An index is asked to promise a recall, and is then held to it on queries of its own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._process.text import describe_error
from vbench.analysis.claims import (
    ClaimAudit,
    ClaimCost,
    Deviation,
    Short,
    Status,
    calibrate,
    deviate,
    fall_short,
    wanted_recall,
)
from vbench.analysis.tuning import Halves, Tuning
from vbench.bench.journal import Progress, silent
from vbench.bench.prepare import MeasureOptions
from vbench.bench.reach import Target as Reached
from vbench.bench.reach import reach
from vbench.bench.score import Scorer
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import VbenchError
from vbench.indexes.answers import AnswerError, check_range
from vbench.indexes.claims import propose, read_estimates
from vbench.indexes.parameters import parameters
from vbench.indexes.protocol import Index, can_claim
from vbench.indexes.recipe import Recipe, load_recipe
from vbench.indexes.registry import resolve
from vbench.measures.answers import Answers
from vbench.measures.effort import effort, gain
from vbench.measures.hits import threshold
from vbench.measures.recall import Recall, Robustness
from vbench.measures.targets import Target, parse_targets
from vbench.metric import FloatArray
from vbench.numbers import Unit, write, write_difference, write_difference_ends, write_interval
from vbench.runs.settings import spell
from vbench.tuning.evidence import Evidence, weigh
from vbench.tuning.trials import split_queries
from vbench.tuning.tuner import tune

FEWEST = 200
"""Queries: half of them judge, and of fewer little can be said."""
_PASSES = 3


class Asked(NamedTuple):
    """Held-out queries, asked at one setting: ids (m, k), estimates (m,), seconds of a query."""

    ids: NDArray[np.int64]
    estimates: FloatArray | None
    seconds: float


def read_claim(text: str) -> Target:
    """A target that an index may claim: mean recall, or the share of queries with a recall.

    Raises
    ------
    VbenchError
        It is no target, or several, or of something else.
    """
    targets = parse_targets(text)
    target = targets[0]
    if len(targets) > 1 or target.where or not isinstance(target.measure, Recall | Robustness):
        raise VbenchError(
            f"{text!r} is nothing that is audited; give one target of Recall or Robustness, of all "
            "queries, such as 'Recall@10>=0.95'"
        )
    return target


def audit(
    dataset: Dataset,
    index: str | Recipe,
    target: str,
    *,
    settings: Mapping[str, Any] | None = None,
    connect: Mapping[str, str] | None = None,
    windows: int = 20,
    trials: int | None = None,
    level: float = 0.95,
    seed: int = 0,
    out: Path | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> ClaimAudit:
    """Hold an index to its claim; :func:`vbench.audit_index` says how.

    Raises
    ------
    VbenchError
        It claims nothing, not this target, or something that is no setting; there are too few
        queries; the target is none that is audited.
    """
    wanted = read_claim(target)
    recipe = load_recipe(index)
    kind = resolve(recipe.adapter)
    if not can_claim(kind):
        raise VbenchError(
            f"index {recipe.name!r} claims nothing: its class has no claim(); any index is tuned "
            "for a target by vbench tune"
        )
    if dataset.m < FEWEST:
        raise VbenchError(
            f"{dataset.m} queries are too few to hold a claim to, half of them held out; give "
            f"{FEWEST} or more"
        )
    given = {
        name: list(values) if isinstance(values, list | tuple) else [values]
        for name, values in (settings or {}).items()
    }
    _check_one_build(kind, given)
    options = MeasureOptions(
        k=_cutoff(wanted), builds=1, repeats=1, seed=seed, connect=connect or {}
    )

    def search() -> Tuning:
        return tune(
            dataset,
            [recipe],
            str(wanted),
            options,
            minimize="Latency(p=50)",
            settings=given,
            trials=trials,
            level=level,
            out=out or Path("results") / f"audit-{recipe.name}-{dataset.fingerprint[:8]}",
            fresh=fresh,
            progress=progress,
        )

    with (
        reach(
            dataset,
            recipe,
            _cutoff(wanted),
            settings=given,
            connect=connect or {},
            place=None,
            seed=seed,
            any_setting=True,
            tell=lambda doing: progress(doing, 0, 0),
        ) as (name, reached),
        _telling(name),
    ):
        found = _Audit(dataset, name, reached, wanted, windows, level, seed, progress)
        return found.of(_propose(name, reached, wanted, given), search)


def _check_one_build(kind: type[Index], settings: Mapping[str, Sequence[Any]]) -> None:
    known = parameters(kind)
    for name, values in settings.items():
        if name in known and known[name].stage == "build" and len(values) > 1:
            raise VbenchError(
                f"{name} has {len(values)} values, and one build is audited; give it one"
            )


@contextmanager
def _telling(name: str) -> Iterator[None]:
    try:
        yield
    except AnswerError as error:
        raise VbenchError(f"{name}: {error}") from None


def _cutoff(target: Target) -> int:
    assert target.measure.cutoff is not None
    return target.measure.cutoff


def _propose(
    name: str, reached: Reached, target: Target, settings: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """The setting by which the index promises the target, beside what the caller has set."""
    of_search = {
        each.name for each in parameters(type(reached.index)).values() if each.stage == "search"
    }
    fixed = {
        name: values[0]
        for name, values in settings.items()
        if name in of_search and len(values) == 1
    }
    try:
        return propose(reached.index, str(target), fixed)
    except (VbenchError, AnswerError):
        raise
    # What an index raises where it cannot promise is up to it.
    except Exception as error:
        raise VbenchError(f"{name} does not claim {target}: {describe_error(error)}") from None


@dataclass(frozen=True)
class _Audit:
    """One index, and the halves of the queries that it is asked."""

    dataset: Dataset
    name: str
    reached: Reached
    target: Target
    windows: int
    level: float
    seed: int
    progress: Progress

    def of(self, proposed: dict[str, Any], search: Callable[[], Tuning]) -> ClaimAudit:
        """All that is told of the claim; `search` finds the setting that stands beside it."""
        warm, held_out = split_queries(self.dataset.m, self.seed)
        data = replace(
            self.dataset, queries=self.dataset.queries[held_out], segments=None, relevance=None
        )
        scorer = self._scorer(held_out)
        self.progress(f"{self.name}: asking at what it claims", 0, 0)
        self.reached.index.set(**proposed)
        self._ask(self.dataset.queries[warm])
        asked = self._ask(data.queries)
        # A guard that has learned goes on, before others take its place.
        again = [self._ask(data.queries).seconds for _ in range(_PASSES - 1)]
        seconds = statistics.median([asked.seconds, *again])
        answers = _answers(scorer, asked.ids)
        recall = np.asarray(answers.hits / answers.k)
        tau = wanted_recall(self.target)
        deviation = deviate(self.target, answers, recall, asked.estimates, self.level)
        short = fall_short(recall, answers.k, tau, self.level)
        evidence = weigh(self.target, [answers], self.level)
        value = deviate(self.target, answers, recall, None, self.level).true
        status = judge(evidence, value.high, deviation)
        tuned = search()
        return ClaimAudit(
            index=self.name,
            dataset=self.dataset.name,
            target=str(self.target),
            proposed=proposed,
            queries=Halves(calibration=len(warm), held_out=len(held_out)),
            seed=self.seed,
            level=self.level,
            measure=deviation.measure,
            claimed=deviation.claimed,
            true=deviation.true,
            deviation=deviation.difference,
            value=value,
            bound=evidence.bound if evidence.bound and np.isfinite(evidence.bound) else None,
            under=short.share,
            shortfall=short.mean,
            calibration=None
            if asked.estimates is None
            else calibrate(recall, asked.estimates, self._sizes(len(held_out)), self.level),
            costs=self._costs(proposed, seconds, answers, tuned, scorer),
            run=tuned.run,
            status=status,
            verdict=self._verdict(status, proposed, deviation, evidence, short),
        )

    def _scorer(self, rows: NDArray[np.intp]) -> Scorer:
        truth = compute_ground_truth(self.dataset, self.reached.k + 1)
        some = replace(truth, ids=truth.ids[rows], distances=truth.distances[rows])
        return Scorer(replace(self.dataset, queries=self.dataset.queries[rows]), some, "exact-tie")

    def _sizes(self, m: int) -> list[int]:
        """Numbers of queries of each window, in order."""
        return [len(each) for each in np.array_split(np.arange(m), min(self.windows, m))]

    def _ask(self, queries: NDArray[Any]) -> Asked:
        """Ask queries window by window, each in one call, and what it estimates of each."""
        ids, estimates = [], []
        clock = time.process_time if type(self.reached.index).local else time.perf_counter
        begun = clock()
        for part in np.array_split(queries, len(self._sizes(len(queries)))):
            ids.append(self.reached.search_batch(part))
            estimates.append(read_estimates(self.reached.index, len(part)))
        spent = clock() - begun
        known = [each for each in estimates if each is not None]
        found = np.concatenate(ids)
        check_range(found, self.dataset.n)
        return Asked(
            found,
            np.concatenate(known) if len(known) == len(ids) else None,
            spent / len(queries),
        )

    def _costs(
        self,
        proposed: dict[str, Any],
        spent: float,
        answers: Answers,
        tuned: Tuning,
        scorer: Scorer,
    ) -> tuple[ClaimCost, ...]:
        """The claim, the best setting that tuning tried, and the oracle among all of them."""
        queries = scorer.dataset.queries
        settings = list({spell(each.setting): each.setting for each in tuned.tried}.values())
        best = dict(tuned.best.setting)
        seconds: dict[str, list[float]] = {}
        hits = {}
        for number in range(_PASSES):
            for done, setting in enumerate(settings):
                self.progress("asking at each setting", done, len(settings))
                self.reached.index.set(**setting)
                asked = self._ask(queries)
                seconds.setdefault(spell(setting), []).append(asked.seconds)
                if not number:
                    hits[spell(setting)] = _answers(scorer, asked.ids)
        cost = {key: statistics.median(each) for key, each in seconds.items()}
        tau = wanted_recall(self.target)
        need = threshold(tau, answers.k)
        order = sorted(hits, key=lambda key: float(hits[key].hits.mean()))
        table = np.stack([hits[key].hits for key in order])
        places = effort(table, need)
        chosen = gain(places, [cost[key] for key in order])
        cheapest = int(np.argmin([cost[key] for key in order]))
        of_oracle = table[np.where(places < 0, cheapest, places), np.arange(table.shape[1])]
        oracle = replace(answers, hits=of_oracle, place=None)
        fixed = hits[spell(best)]

        def row(way: Any, setting: Any, certified: bool | None, each: float, of: Answers) -> Any:
            return ClaimCost(
                way=way,
                setting=setting,
                certified=certified,
                seconds=each,
                value=float(self.target.measure.value(of) or 0.0),
                reached=float((of.hits >= need).mean()),
            )

        return (
            row("claimed", proposed, None, spent, answers),
            row("fixed", best, tuned.certified, cost[spell(best)], fixed),
            row("oracle", None, None, chosen.each, oracle),
        )

    def _verdict(
        self,
        status: Status,
        proposed: Mapping[str, Any],
        deviation: Deviation,
        evidence: Evidence,
        short: Short,
    ) -> str:
        unit = self.target.measure.unit
        value = write(evidence.value, unit)
        said = [f"{self.target.measure} is {value} where {spell(proposed)} promises {self.target}"]
        if deviation.measure != str(self.target.measure) or status == "broken":
            difference = deviation.difference
            of_claim: Unit = unit if deviation.measure == str(self.target.measure) else "score"
            said.append(
                f"it claims {deviation.measure} of {write(deviation.claimed, of_claim)}, "
                f"{write_difference(difference.value, of_claim)} "
                f"{write_difference_ends(difference, of_claim)} beyond what is true"
            )
        said.append(
            f"{write_interval(short.share, 'share')} of the queries are under "
            f"{wanted_recall(self.target):g}"
        )
        if status == "open" and evidence.more:
            said.append(f"{evidence.more:,} more queries might show that it holds")
        return f"{status}: {'; '.join(said)}"


def judge(evidence: Evidence, high: float | None, deviation: Deviation) -> Status:
    """Whether a claim surely holds, or surely does not; `high` is the end of the value's interval.

    It does not where the target is surely missed, or where surely too much is claimed.
    """
    low = deviation.difference.low
    if (high is not None and high < evidence.target.value) or (low is not None and low > 0.0):
        return "broken"
    return "holds" if evidence.is_certified else "open"


def _answers(scorer: Scorer, ids: NDArray[np.int64]) -> Answers:
    scored, truth = scorer.score(ids), scorer.ground_truth
    return Answers(
        k=ids.shape[1],
        ids=ids,
        hits=scored.hits,
        truth_ids=truth.ids,
        truth_distances=truth.distances,
        metric=scorer.dataset.metric,
        rule=scorer.rule,
        ratio=scored.ratio,
        latency_ns=np.empty((len(ids), 0), np.int64),
        place=scored.place,
    )
