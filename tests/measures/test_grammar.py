"""The spelling of measures: it parses, it round-trips, and its errors name the remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from vbench.errors import VbenchError
from vbench.measures import grammar
from vbench.measures.base import TailOfHits, takes_cutoff
from vbench.measures.grammar import measures, parse

SPELLINGS = [
    "Recall@10",
    "Recall(truth=10)@100",
    "Robustness(delta=0.9)@10",
    "Robustness(delta=1.0)@10",
    "Robustness(delta=0.9,truth=10)@100",
    "Served(delta=0.9,within=10ms)@10",
    "Served(delta=1.0,within=1.5us,truth=5)@20",
    "CVaR(alpha=0.05)@10",
    "Percentile(p=5)@10",
    "Percentile(p=99.9)@10",
    "Failure@10",
    "Ratio@10",
    "MRR@10",
    "nDCG@10",
    "MAP@10",
    "ItemRecall(least=1)@10",
    "ItemRobustness(delta=0.5,least=5)@10",
    "ItemRobustness(delta=0.9,least=2)@10",
    "LostItems(least=1)@10",
    "LostItems(least=5)@10",
    "QPS",
    "Latency(p=99)",
    "BestLatency(p=99.9)",
    "CpuTime",
    "BuildTime",
    "IndexSize",
    "PeakMemory",
    "Work",
    "FilterSetup",
    "Price(core=0.04,GB=0.005)",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_measure_is_printed_as_it_is_written(text: str) -> None:
    """Parse and str are inverse, and equal spellings are equal measures."""
    assert str(parse(text)) == text
    assert parse(str(parse(text))) == parse(text)


def test_every_measure_is_spelt_in_these_tests() -> None:
    """No measure escapes the round trip."""
    assert {parse(text).__class__.__name__ for text in SPELLINGS} | {"BatchQPS"} == set(measures())


@pytest.mark.parametrize(
    ("sloppy", "canonical"),
    [
        (" Robustness( delta = 0.90 ) @ 10 ", "Robustness(delta=0.9)@10"),
        ("Robustness(delta=1)@10", "Robustness(delta=1.0)@10"),
        ("CVaR@10", "CVaR(alpha=0.05)@10"),
        ("Percentile@10", "Percentile(p=5)@10"),
        ("Robustness(truth=10,delta=0.9)@100", "Robustness(delta=0.9,truth=10)@100"),
    ],
)
def test_sloppy_spellings_become_the_canonical_one(sloppy: str, canonical: str) -> None:
    """Blanks, defaults and the order of parameters do not matter."""
    assert str(parse(sloppy)) == canonical


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Recal@10", "did you mean 'Recall'"),
        ("Recall", "Recall@10"),
        ("Recall@0", "from 1 on"),
        ("Recall@ten", "whole number"),
        ("QPS@10", "no cutoff"),
        ("p5", "Percentile(p=5)@10"),
        ("Robustness@10", "delta"),
        ("Served(delta=0.9)@10", "needs within; write Served(delta=0.9,within=10ms)@10"),
        ("Served(0.9,within=10)@10", "within='10': it has no unit; give a time such as 10ms"),
        ("Served(0.9,10min)@10", "within='10min': 'min' is no unit of time"),
        ("Served(0.9,within=soon)@10", "within='soon' is not a time"),
        ("Served(0.9,0ms)@10", "within=0s is not a time above 0"),
        ("Robustness(gamma=1)@10", "known: delta, truth"),
        ("Robustness(delta=high)@10", "delta=high is not a number"),
        ("Recall(5)@20", "not param=value; write Recall(truth=5)@20"),
        ("R0.9", "needs a cutoff; write Robustness(delta=0.9)@10"),
        ("QPS(1)", "not param=value; write QPS"),
        ("Robustness(delta=0.9,delta=0.8)@10", "twice"),
        ("Robustness(delta=0.9", "not a measure"),
        ("", "not a measure"),
    ],
)
def test_errors_say_what_to_write(text: str, says: str) -> None:
    """Each mistake names what was given and what is allowed."""
    with pytest.raises(VbenchError, match=re.escape(says)):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Robustness", "Robustness@10", "Robustness(delta=0.5)", "Robustness(0.5)", "Recall"),
        *("Robustness(truth=5)@20", "R0.5", "Latency(p=half)", "Recall(5)@20", "CVaR(5%)", "p5"),
        *("Percentile(alpha=5", "nDCG", "Robustness(delta=)@10"),
    ],
)
def test_what_an_error_says_to_write_is_a_measure(text: str) -> None:
    """The remedy parses, at the first go."""
    with pytest.raises(VbenchError) as caught:
        parse(text)
    remedy = re.findall(r"(?:write|such as) (\S+)$", str(caught.value))[0]
    assert parse(remedy).cutoff in (None, 10, 20)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Robustness(delta=80%)@10", "Robustness(delta=0.8)@10"),
        ("Robustness(0.9)@10", "Robustness(delta=0.9)@10"),
        ("Robustness(99.9%, truth=10) @ 100", "Robustness(delta=0.999,truth=10)@100"),
        ("served(90%, 500 us)@10", "Served(delta=0.9,within=500us)@10"),
        ("served 0.9 in 0.5s@10", "Served(delta=0.9,within=500ms)@10"),
        ("queries with recall ≥ 0.9 within 2s@10", "Served(delta=0.9,within=2s)@10"),
        ("R0.9@10", "Robustness(delta=0.9)@10"),
        ("R-0.9@10", "Robustness(delta=0.9)@10"),
        ("r90%@10", "Robustness(delta=0.9)@10"),
        ("Robustness-0.9@10", "Robustness(delta=0.9)@10"),
        ("queries with recall ≥ 0.9@10", "Robustness(delta=0.9)@10"),
        ("recall@10", "Recall@10"),
        ("NDCG@10", "nDCG@10"),
        ("cvar(5%)@10", "CVaR(alpha=0.05)@10"),
        ("worst 5 %@10", "CVaR(alpha=0.05)@10"),
        ("p5@10", "Percentile(p=5)@10"),
        ("Percentile(5%)@10", "Percentile(p=5)@10"),
        ("p99", "Latency(p=99)"),
        ("p50 latency", "Latency(p=50)"),
        ("latency p5", "Latency(p=5)"),
        ("Latency(99)", "Latency(p=99)"),
        ("best p99.9", "BestLatency(p=99.9)"),
        ("zero@10", "Failure@10"),
        ("LostItems@10", "LostItems(least=1)@10"),
        ("lostitems(5)@10", "LostItems(least=5)@10"),
        ("items R-0.9@10", "ItemRobustness(delta=0.9,least=5)@10"),
        ("ItemRobustness(90%, 3)@10", "ItemRobustness(delta=0.9,least=3)@10"),
        ("batch QPS", "BatchQPS"),
        ("work", "Work"),
    ],
)
def test_what_people_see_and_type_is_understood(typed: str, meant: str) -> None:
    """Heads of columns, any case, percentages, and a first value without its name."""
    assert repr(parse(typed)) == meant


@pytest.mark.parametrize("text", SPELLINGS)
def test_the_head_of_a_column_can_be_typed(text: str) -> None:
    """What tables call a measure is one of its spellings, with the cutoff where it has one."""
    measure = parse(text)
    at = "" if measure.cutoff is None else f"@{measure.cutoff}"
    assert parse(measure.short + at) == measure
    assert measure.label


@pytest.mark.parametrize("name", sorted(set(measures()) - {"Price", "Robustness", "Served"}))
def test_the_name_of_an_axis_can_be_typed(name: str) -> None:
    """What charts call a measure with its usual parameters, with the cutoff where it has one."""
    usual = measures()[name]()
    at = "@10" if takes_cutoff(type(usual)) else ""
    assert parse(usual.label + at) == parse(str(usual) + at)


def test_the_head_of_a_plugin_s_column_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it spells no other way to write it."""

    @dataclass(frozen=True)
    class Least(TailOfHits):
        labels: ClassVar[tuple[str, str]] = ("least recall of all", "worst-of-all")

    known = {**measures(), "Least": Least}
    monkeypatch.setattr(grammar, "measures", lambda: known)
    assert parse.__wrapped__("Worst-of-all@10") == Least(k=10)


def test_a_plugin_that_is_no_measure_costs_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be imported, is something else, or takes a name: the rest is as before."""
    points = [
        EntryPoint(name, target, grammar.GROUP)
        for name, target in (
            ("Gone", "no_such_module:Gone"),
            ("Odd", "misbehaving:Exact"),
            ("Recall", "vbench.measures.recall:Failure"),
        )
    ]
    before = dict(measures())
    monkeypatch.setattr("vbench._plugins.entry_points", lambda group: points)
    measures.cache_clear()
    with pytest.warns(UserWarning, match="left out") as caught:
        assert measures() == before
    measures.cache_clear()
    said = [str(each.message) for each in caught]
    for message, part in zip(said, ("no_such_module", "is no measure", "another"), strict=True):
        assert part in message
