"""What every measure has: its spelling as repr, its cutoff by @, its words, its statistics."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy as np
import pytest
from answers_factory import from_hits

from vbench.errors import VbenchError
from vbench.measures import recall
from vbench.measures.answers import Answers
from vbench.measures.base import Better, Kind, OfHits, TailOfHits
from vbench.measures.cost import QPS, Latency
from vbench.measures.grammar import as_measure, measures, parse
from vbench.measures.of_items import OfItems
from vbench.measures.recall import CVaR, Percentile, Recall, Robustness
from vbench.measures.sample import Sample
from vbench.metric import FloatArray
from vbench.numbers import Unit

K = 10


def made(builds: int, m: int, worse: float = 0.0) -> list[Answers]:
    """Builds of one index: queries that are hard for all of them, and what each one misses."""
    rng = np.random.default_rng(5)
    hard = np.where(rng.random(m) < 0.1, rng.integers(0, 6, m), 10)
    lost = rng.random(m) < worse
    found = []
    for _ in range(builds):
        missed = rng.binomial(3, 0.1, m) + rng.binomial(2, 0.5, m) * lost
        found.append(from_hits(np.maximum(hard - missed, 0), K))
    return found


# The class as a plug-in would have copied it, under a name of its own.
_COPY: dict[str, object] = dict(vars(recall))
exec(inspect.getsource(CVaR).replace("class CVaR", "class Shortfall"), _COPY)
Shortfall = _COPY["Shortfall"]


@pytest.mark.parametrize(("builds", "m"), [(1, 300), (1, 1500), (3, 300)])
def test_a_plug_ins_tail_has_the_statistics_of_ours(builds: int, m: int) -> None:
    """A copy of CVaR under another name: the same estimate, comparison and certificate."""
    ours, theirs = CVaR(alpha=0.1, k=K), Shortfall(alpha=0.1, k=K)
    assert not isinstance(theirs, CVaR)
    a, b = (Sample(made(builds, m, worse)) for worse in (0.0, 0.2))
    assert a.estimate(theirs) == a.estimate(ours)
    assert theirs.difference(a, b) == ours.difference(a, b)
    first, second = made(2, m)
    bound = ours.lower_bound(first, 0.4, 0.95, [second])
    assert theirs.lower_bound(first, 0.4, 0.95, [second]) == bound
    assert theirs.is_attainable(0.4, 100, 0.95) == ours.is_attainable(0.4, 100, 0.95)


@dataclass(frozen=True)
class Worst(TailOfHits):
    """Mean recall of the worst tenth: all that a plug-in needs to write."""

    def of(self, recall: FloatArray) -> float:
        return float(recall[: -(-len(recall) // 10)].mean())


@pytest.mark.parametrize("builds", [1, 3])
def test_a_tail_that_says_only_what_it_is_agrees_with_the_sharper_methods(builds: int) -> None:
    """The generic interval and difference lie near those that know CVaR."""
    a, b = (Sample(made(builds, 600, worse)) for worse in (0.0, 0.3))
    ours, theirs = CVaR(alpha=0.1, k=K), Worst(k=K)
    sharp, plain = a.estimate(ours), a.estimate(theirs)
    assert plain.value == pytest.approx(sharp.value)
    assert plain.low < plain.value < plain.high
    assert plain.high - plain.low == pytest.approx(sharp.high - sharp.low, rel=0.5)
    sharp, plain = ours.difference(a, b), theirs.difference(a, b)
    assert (plain.value, plain.claim) == (pytest.approx(sharp.value), sharp.claim)
    assert plain.high - plain.low == pytest.approx(sharp.high - sharp.low, rel=0.5)


def test_a_tail_that_says_only_what_it_is_has_a_certificate() -> None:
    """Its bound lies under the value, and more queries bring it nearer."""
    bounds = []
    for m in (400, 40_000):
        (answers,) = made(1, m)
        found = Worst(k=K).lower_bound(answers, 0.3, 0.95, [])
        assert found is not None
        bounds.append(found.bound)
    assert 0.0 <= bounds[0] < bounds[1] < Worst(k=K).value(answers)
    assert Worst(k=K).is_attainable(0.3, 40_000, 0.95)
    assert not Worst(k=K).is_attainable(0.3, 40, 0.95)


def test_a_tail_that_is_better_the_lower_is_bounded_from_above() -> None:
    """The mirror image of the other one."""

    @dataclass(frozen=True)
    class Missed(TailOfHits):
        better: ClassVar[Better] = "lower"

        def of(self, recall: FloatArray) -> float:
            return 1.0 - Worst(k=K).of(recall)

    (answers,) = made(1, 4000)
    up = Worst(k=K).lower_bound(answers, 0.2, 0.95, [])
    down = Missed(k=K).lower_bound(answers, 0.8, 0.95, [])
    assert up is not None
    assert down is not None
    assert down.bound == pytest.approx(1.0 - up.bound)
    assert down.bound > Missed(k=K).value(answers)
    assert (down.slack, down.more) == (pytest.approx(up.slack), up.more)


def test_repr_is_the_grammar() -> None:
    """Also of a plug-in's dataclass, which would make one of its own."""

    @dataclass(frozen=True, kw_only=True)
    class Half(OfHits):
        kind: ClassVar[Kind] = "share"

    assert repr(Half(k=10)) == str(Half(k=10)) == "Half@10"
    assert repr([Robustness(delta=0.9, k=10)]) == "[Robustness(delta=0.9)@10]"


@pytest.mark.parametrize(
    ("measure", "spelling"),
    [
        (Recall @ 10, "Recall@10"),
        (Robustness(delta=0.9) @ 10, "Robustness(delta=0.9)@10"),
        (Robustness(0.9) @ np.int64(10), "Robustness(delta=0.9)@10"),
        (CVaR(alpha=0.05) @ 100, "CVaR(alpha=0.05)@100"),
        (CVaR @ 100, "CVaR(alpha=0.05)@100"),
        (Recall(truth=10) @ 100, "Recall(truth=10)@100"),
        (Percentile(5) @ 10, "Percentile(p=5)@10"),
        (Latency(99), "Latency(p=99)"),
    ],
)
def test_a_measure_is_an_object_of_python(measure: object, spelling: str) -> None:
    """Its cutoff comes after @, of a class too where no parameter is missing."""
    assert measure == parse(spelling)
    assert repr(measure) == spelling


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Recall @ 0, "whole number from 1 on"),
        (lambda: Recall @ True, "whole number from 1 on"),
        (lambda: Recall() @ "10", "Recall @ '10': the cutoff must be a whole number from 1 on"),
        (lambda: QPS() @ 10, "no cutoff"),
        (lambda: Robustness @ 10, "needs delta; write Robustness(delta=0.9) @ 10"),
        (lambda: Recall(truth=11) @ 10, "truth=11"),
        (lambda: Robustness(0.9).cutoff, "needs a cutoff; write Robustness(delta=0.9)@10"),
        (lambda: Recall().value(from_hits([1], 10)), "needs a cutoff"),
        (lambda: Sample([from_hits([1], 10)]).estimate(CVaR()), "needs a cutoff"),
        (lambda: as_measure(Recall), "write Recall @ 10, or 'Recall@10'"),
        (lambda: as_measure(Robustness), "write Robustness(delta=0.9) @ 10"),
        (lambda: as_measure(10), "10 is not a measure"),
    ],
)
def test_a_measure_without_what_it_needs_says_what_to_write(make: object, says: str) -> None:
    """When it is used, and not when it is made."""
    with pytest.raises(VbenchError) as caught:
        make()
    assert says in str(caught.value)


def test_a_measure_may_be_handed_over_in_any_form() -> None:
    """In the grammar, as an object, or as a class that needs nothing."""
    assert as_measure("recall@10") == as_measure(Recall @ 10) == parse("Recall@10")
    assert as_measure(QPS) == QPS()


def test_every_measure_has_words_and_a_unit() -> None:
    """What charts and tables say, with the parameters filled in."""
    for kind in measures().values():
        assert kind.unit in get_args(Unit)
        # Of items there are shares too, which are none of queries.
        assert (kind.unit == "share") == (kind.kind == "share") or issubclass(kind, OfItems)
        assert kind.better in ("higher", "lower")
    labels = {text: parse(text).label for text in ("CVaR(1%)@10", "p1@10", "p50", "R0.9@10")}
    assert list(labels.values()) == [
        "mean recall of the worst 1 %",
        "1st percentile of recall",
        "median latency",
        "queries with recall ≥ 0.9",
    ]
    assert parse("Recall(truth=10)@100").short == "Recall(truth=10)"
