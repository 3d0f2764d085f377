"""What may be written as a target, and what is said where it may not."""

from __future__ import annotations

import pytest

from vbench.errors import VbenchError
from vbench.measures.grammar import parse
from vbench.measures.targets import measure_named, parse_targets
from vbench.tuning.targets import common_cutoff, parse_objective, parse_price


def test_targets_are_joined_by_and() -> None:
    """Measures keep their parameters, values their units."""
    text = "Robustness(delta=0.9)@10>=0.99 and Latency(p=99) <= 2ms and IndexSize≤1.5 GB"
    first, second, third = parse_targets(text)
    assert (str(first.measure), first.value) == ("Robustness(delta=0.9)@10", 0.99)
    assert (str(second.measure), second.value) == ("Latency(p=99)", 0.002)
    assert third.value == 1.5e9
    assert str(first) == "Robustness(delta=0.9)@10>=0.99"
    assert parse_targets("Failure@10<=0.1%")[0].value == pytest.approx(0.001)
    exact = "Recall@10>=0.99999999 AND IndexSize<=123456789"
    assert " AND ".join(map(str, parse_targets(exact))) == exact


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("p99<2ms", "Latency(p=99)<=0.002"),
        ("p99 <= 2 ms", "Latency(p=99)<=0.002"),
        ("Latency(99)<=2ms", "Latency(p=99)<=0.002"),
        ("R0.9@10>=99.9%", "Robustness(delta=0.9)@10>=0.999"),
        ("R-0.9@10 > 0.99", "Robustness(delta=0.9)@10>=0.99"),
        ("Robustness(90%)@10≥99%", "Robustness(delta=0.9)@10>=0.99"),
        ("recall@10>=95%", "Recall@10>=0.95"),
        ("worst 5 %@10>=0.3", "CVaR(alpha=0.05)@10>=0.3"),
        ("size<500MB", "IndexSize<=500000000"),
    ],
)
def test_what_people_type_is_a_target(typed: str, meant: str) -> None:
    """Names that tables print, percentages, and a sign without its equality."""
    assert [str(each) for each in parse_targets(typed)] == [meant]


def test_a_target_is_met_from_its_own_side() -> None:
    """More recall meets it, less latency does, and nothing recorded does not."""
    recall, latency = parse_targets("Recall@10>=0.9 and Latency(p=50)<=1ms")
    assert [recall.is_met(value) for value in (0.89, 0.9, 1.0, None)] == [False, True, True, False]
    assert [latency.is_met(value) for value in (0.002, 0.001, 0.0)] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Recall@10", "is not a target"),
        ("Recall@10=0.9", "is not a target; write 'Recall@10>=0.9'"),
        ("p99==2ms", "is not a target; write 'p99<=2ms'"),
        ("", "is not a target"),
        ("Recall@10>=0.9 and", "is not a target"),
        ("Recal@10>=0.9", "did you mean 'Recall'"),
        ("Recall>=0.9", "needs a cutoff"),
        ("Recall@10<=0.9", "more is better; write Recall@10>=0.9"),
        ("Latency(p=99)>=2ms", "less is better; write Latency"),
        ("Recall@10>=1.0", "between 0 and 1; no number of queries"),
        ("Recall@10>=9.5", "between 0 and 1"),
        ("CVaR@10>=1.5", "between 0 and 1"),
        ("Percentile(p=5)@10>=5", "above 0, up to 1"),
        ("Latency(p=99)<=-3ms", "above 0"),
        ("QPS>=1e999", "'1e999' is not a number"),
        ("Recall@10>=0.9ms", "'ms' is no unit of Recall@10; give one of %"),
        ("Latency(p=99)<=2MB", "'MB' is no unit"),
        ("QPS>=1ms", "give none"),
        ("Recall@10>=high", "'high' is not a number"),
        ("Recall@10>=0.9 and Recall@10>=0.95", "twice"),
        ("Recall@10>=0.9, QPS>=5", "joined by and: 'Recall@10>=0.9 and QPS>=5'"),
        ("Robustness(delta=2)@10>=0.9", "delta=2"),
    ],
)
def test_what_cannot_be_a_target_is_refused_in_words(text: str, says: str) -> None:
    """The message says what to write."""
    with pytest.raises(VbenchError) as caught:
        parse_targets(text)
    assert says in str(caught.value)


def test_the_objective_is_ranked_from_its_own_side() -> None:
    """Smaller loss is better, whichever way the measure goes."""
    assert str(parse_objective(None, None)) == "minimize Latency(p=99)"
    assert parse_objective("IndexSize", None).loss(2.0) > parse_objective("IndexSize", None).loss(1)
    assert parse_objective(None, "QPS").loss(2.0) < parse_objective(None, "QPS").loss(1.0)
    with pytest.raises(VbenchError, match="asks for the worst; write maximize='QPS'"):
        parse_objective("QPS", None)
    with pytest.raises(VbenchError, match="not both"):
        parse_objective("Latency(p=99)", "QPS")


def test_one_search_retrieves_one_number_of_neighbors() -> None:
    """K comes from the targets; several, or another one given, are refused."""
    measures = [parse("Recall@10"), parse("Latency(p=99)")]
    assert common_cutoff(measures, None) == 10
    assert common_cutoff([parse("QPS")], 20) == 20
    assert common_cutoff([parse("QPS")], None) == 10
    with pytest.raises(VbenchError, match=r"Recall\(truth=10\)@100"):
        common_cutoff([*measures, parse("Recall@100")], None)
    with pytest.raises(VbenchError, match="k=20 is not the K"):
        common_cutoff(measures, 20)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("Recall@10>=0.9 where activity='new'", ["Recall@10 where activity=new"]),
        (
            "R0.9@10>=0.8 where activity='a and b' and country = SE and Recall@10>=0.9",
            ["Robustness(delta=0.9)@10 where activity='a and b' and country=SE", "Recall@10"],
        ),
        (
            "Recall@10>=0.9 and Recall@10>=0.8 where kind=user and Recall@10>=0.7 where kind=tag",
            ["Recall@10", "Recall@10 where kind=user", "Recall@10 where kind=tag"],
        ),
        ("Recall@10>=0.9 where name=O'Neil", ['Recall@10 where name="O\'Neil"']),
    ],
)
def test_a_target_may_be_of_a_segment(typed: str, names: list[str]) -> None:
    """Conditions on columns stand behind it, and are read again as they are printed."""
    found = parse_targets(typed)
    assert [each.name for each in found] == names
    assert parse_targets(" and ".join(map(str, found))) == found
    assert [measure_named(each.name) for each in found] == [each.measure for each in found]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Recall@10>=0.9 where activity>=3", "after where comes column=value"),
        ("Recall@10>=0.9 where activity", "after where comes column=value"),
        ("where kind=user", "is not a target"),
        (
            "Recall@10>=0.9 where kind=user and Recall@10>=0.8 where kind=user",
            "names Recall@10 where kind=user twice",
        ),
    ],
)
def test_a_condition_that_is_none_is_said_to_be_so(typed: str, said: str) -> None:
    """With what comes behind where."""
    with pytest.raises(VbenchError, match=said):
        parse_targets(typed)


def test_a_price_is_a_measure_to_minimize() -> None:
    """Written by the hour or not; anything else is told how to write it."""
    assert str(parse_price("core=0.04/h,GB=0.005/h")) == "Price(core=0.04,GB=0.005)"
    assert parse_price("core=1") == parse("Price(core=1.0)")
    for wrong in ("core=cheap", "cores=1", "GB=1", "core=-1"):
        with pytest.raises(VbenchError, match=r"core=0\.04/h,GB=0\.005/h"):
            parse_price(wrong)
