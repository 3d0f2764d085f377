"""The answer that a run has: which setting, how many of the queries it serves, at what cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.analysis.segments import divide
from vbench.measures.base import Measure
from vbench.measures.cost import QPS, BuildTime, CpuTime, IndexSize, Latency
from vbench.measures.hits import threshold
from vbench.measures.recall import Robustness
from vbench.measures.sample import Sample
from vbench.numbers import write, write_interval
from vbench.runs.settings import Setting
from vbench.runs.views import label_view
from vbench.stats.crossed import crossed_mean
from vbench.stats.exact import holm

_NAMED = 3
COSTS: tuple[Measure, ...] = (Latency(p=99), QPS(), CpuTime(), IndexSize(), BuildTime())


class ServedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a segment's queries are served.

    `worse` tells that they surely are fewer than of all queries, all segments considered
    (Bonferroni).
    """

    column: str
    segment: str
    queries: int
    served: Interval
    worse: bool


class RankingCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the misses change in a measure behind a ranker, as a share of what exact search gets."""

    measure: str
    ranker: str
    change: Interval


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One setting: how many queries it serves, whom worst, and what it costs.

    Attributes
    ----------
    name : the setting
    needed : how many of the `k` neighbors must be found for a query to count as served
    queries : how many were counted
    under : the view in words; "" for the whole base
    costs : by the spelling of the measure, means over builds; with a price, that of an answer
    groups : segments, the worst served first
    ranking : None without relevance judgments
    """

    name: str
    k: int
    delta: float
    needed: int
    queries: int
    under: str
    served: Interval
    costs: dict[str, float]
    groups: tuple[ServedGroup, ...] = ()
    ranking: RankingCost | None = None

    @property
    def worst(self) -> ServedGroup | None:
        """The segment that is served worst, where it surely is served worse than all."""
        return next((each for each in self.groups if each.worse), None)


def answer_of(
    setting: Setting,
    delta: float,
    *,
    rows: NDArray[np.intp] | None = None,
    price: Measure | None = None,
    ranking: RankingCost | None = None,
) -> Answer:
    """What a setting does for some of the queries, by default for all of them."""
    run = setting.run
    answers = setting.answers(ids=False)
    if rows is not None:
        answers = [each.of_queries(rows) for each in answers]
    sample = Sample(answers)
    measure = Robustness(delta=delta, k=setting.k)
    found = sample.estimate(measure)
    asked = [*COSTS, *([price] if price else [])]
    means = {str(each): sample.estimate(each).value for each in asked}
    view = run.view
    return Answer(
        name=str(setting),
        k=setting.k,
        delta=delta,
        needed=threshold(delta, setting.k),
        queries=len(answers[0].hits),
        under=label_view(view.filter, view.mask, view.step, view.workload),
        served=Interval(found.value, found.low, found.high),
        costs={name: value for name, value in means.items() if value is not None},
        groups=serve_groups(setting, sample, measure, rows),
        ranking=ranking,
    )


def serve_groups(
    setting: Setting,
    sample: Sample,
    measure: Robustness,
    rows: NDArray[np.intp] | None = None,
) -> tuple[ServedGroup, ...]:
    """How many of each segment's queries are served, the worst first; of equal ones the larger."""
    served = np.stack([measure.per_query(each) for each in sample.answers])
    overall = float(served.mean())
    divided = [
        (each, each.inside if rows is None else each.inside[rows]) for each in divide(setting.run)
    ]
    known = [(each, inside) for each, inside in divided if inside.any()]
    groups = []
    for each, inside in known:
        own = crossed_mean(served[:, inside])
        surely = crossed_mean(served[:, inside], 1.0 - 0.05 / len(known))
        groups.append(
            ServedGroup(
                column=each.column,
                segment=each.segment,
                queries=int(inside.sum()),
                served=Interval(own.value, own.low, own.high),
                worse=surely.high < overall,
            )
        )
    return tuple(sorted(groups, key=lambda each: (each.served.value or 0.0, -each.queries)))


def say_answer(answer: Answer, relation: str = "") -> str:
    """The answer in a sentence: whom the setting serves, its cost, whom it serves worst.

    `relation` is what is said of others behind its name.
    """
    under = f" {answer.under}" if answer.under else ""
    parts = [
        f"{write_interval(answer.served, 'share')} of the queries{under} get at least "
        f"{answer.needed} of {answer.k} right with {answer.name}{relation and f', {relation}'}"
    ]
    parts += say_costs(answer)
    if answer.worst is not None:
        worst = answer.worst
        parts.append(
            f"worst served: {worst.column} {worst.segment} ({write(worst.served.value, 'share')})"
        )
    elif answer.groups:
        parts.append("no segment is surely served worse")
    if answer.ranking is not None:
        parts.append(say_ranking(answer.ranking))
    return "; ".join(parts)


def say_relation(
    best: Setting, others: Sequence[Setting], delta: float, level: float = 0.95
) -> str:
    """How the setting that serves most queries stands to others, in words.

    All of them are tested together (Holm), over the same queries.
    """
    rest = [each for each in others if each is not best]
    if not rest:
        return ""
    measure = Robustness(delta=delta, k=best.k)
    own = Sample(best.answers(ids=False), level)
    tests = [measure.difference(Sample(each.answers(ids=False), level), own) for each in rest]
    adjusted = holm([1.0 if math.isnan(each.p) else each.p for each in tests])
    alike = [each for each, p in zip(rest, adjusted, strict=True) if p > 1.0 - level]
    if not alike:
        of_builds = " in these builds" if any(t.claim == "builds differ" for t in tests) else ""
        return f"more than with the other{'s' if rest[1:] else ''}{of_builds}"
    named = " and ".join(map(str, alike[:_NAMED]))
    more = f" and {len(alike) - _NAMED} more" if len(alike) > _NAMED else ""
    return f"which is not told apart from {named}{more}"


def say_costs(answer: Answer) -> list[str]:
    """Its latency, and its price where one is known."""
    said = []
    if (latency := answer.costs.get(str(Latency(p=99)))) is not None:
        said.append(f"p99 {write(latency, 'seconds')}")
    said += [
        f"{write(value, 'count')} for a million answers"
        for name, value in answer.costs.items()
        if name.startswith("Price(")
    ]
    return said


def say_ranking(found: RankingCost) -> str:
    """``nDCG@10 -0.4 % [-0.6, -0.2] behind tower``."""
    value = found.change.value or 0.0
    sign = "+" if value > 0 else ""
    return f"{found.measure} {sign}{write_interval(found.change, 'share')} behind {found.ranker}"


def find_delta(measures: Sequence[Measure], otherwise: float) -> float:
    """The δ that the first measure with one asks for."""
    found = (getattr(each, "delta", None) for each in measures)
    return next((float(each) for each in found if each is not None), otherwise)
