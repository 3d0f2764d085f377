"""What a comparison says in words, what a gate stops, and which warnings go with it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from vbench._document import Interval
from vbench.analysis.comparison import Compared
from vbench.analysis.verdict import (
    few_builds,
    judge_gate,
    read_limit,
    say_choice,
    say_verdict,
    spoils,
)
from vbench.errors import VbenchError
from vbench.runs.schema import Warn


def compared(**changes: Any) -> Compared:
    """Recall of b is significantly 0.05 lower than that of a."""
    value = Interval(0.9, 0.89, 0.91)
    row: dict[str, Any] = {
        "measure": "Recall@10",
        "k": 10,
        "unit": "score",
        "kind": "quality",
        "higher_is_better": True,
        "baseline": "a",
        "candidate": "b",
        "builds": [3, 3],
        "baseline_value": value,
        "candidate_value": value,
        "difference": -0.05,
        "low": -0.06,
        "high": -0.04,
        "p": 0.001,
        "different": True,
        "better": "baseline",
        "claim": "indexes differ",
        "minimum_detectable_difference": 0.01,
    }
    return Compared(**row | changes)


NOTHING = {"different": False, "better": None}


def test_a_difference_is_told_with_its_winner() -> None:
    """From the side of the candidate, whichever won."""
    said = say_verdict(compared(), 1)
    assert said.startswith("a beats b: Recall@10 is lower by ")
    assert said.endswith("with b")
    won = say_verdict(compared(difference=0.05, low=0.04, high=0.06, better="candidate"), 1)
    assert won.startswith("b beats a: Recall@10 is higher by ")


def test_of_single_builds_no_more_is_said_than_they_tell() -> None:
    """They are no indexes; one of each tells nothing where chance has to be measured."""
    said = say_verdict(compared(claim="builds differ"), 1)
    assert said.startswith("these two builds differ: ")
    assert "beats" not in said
    nothing = say_verdict(compared(**NOTHING, p=None, measure="QPS"), 1)
    assert nothing.startswith("nothing can be said of QPS: one build of each")


def test_what_is_not_shown_says_what_could_be_detected() -> None:
    """The size, or that there is none."""
    around = {"low": -0.06, "high": 0.01, "p": 0.2}
    said = say_verdict(compared(**NOTHING, **around), 4)
    assert said.startswith("no difference shown between the indexes: ")
    assert "leaves 0 out" not in said
    assert "; the minimum detectable difference is" in said
    few = say_verdict(compared(**NOTHING, **around, minimum_detectable_difference=None), 4)
    assert few.endswith("so few queries and builds could not show any")


def test_no_difference_beside_an_interval_without_zero_says_why() -> None:
    """Several were tested together; of single builds the exact test decides."""
    said = say_verdict(compared(**NOTHING | {"p": 0.03, "p_holm": 0.12}), 4)
    assert "leaves 0 out, but 4 comparisons were tested together (p 0.03, 0.12 by Holm)" in said
    alone = say_verdict(compared(**NOTHING | {"p": 0.06}, claim="builds differ"), 1)
    assert "leaves 0 out, but the exact test does not (p 0.06)" in alone


def test_a_gate_stops_what_is_significantly_worse_by_its_limit() -> None:
    """Not what is better, nor what is worse by less."""
    rows = [compared(), compared(difference=0.05, better="candidate"), compared(difference=-0.01)]
    gate = judge_gate(rows, 0.02)
    assert (gate.limit, len(gate.failed), gate.blind) == (0.02, 1, [])
    assert len(judge_gate(rows, 0.0).failed) == 2


@pytest.mark.parametrize(
    ("given", "limit"), [(0.01, 0.01), ("0.01", 0.01), ("1%", 0.01), (" 2.5 % ", 0.025), (0, 0.0)]
)
def test_the_limit_of_a_gate_is_a_number_or_a_percentage(given: Any, limit: float) -> None:
    """As a number, as text, in percent."""
    assert read_limit(given) == pytest.approx(limit)


@pytest.mark.parametrize("given", [-0.1, "-1%", "nan", "inf", "", "%", "1 pp"])
def test_another_limit_is_refused(given: Any) -> None:
    """With what is allowed."""
    with pytest.raises(VbenchError, match="give a number from 0 on"):
        read_limit(given)


def test_a_gate_is_blind_where_a_loss_of_its_limit_would_have_passed() -> None:
    """Or where none could be detected; what did differ was seen."""
    assert judge_gate([compared(**NOTHING, minimum_detectable_difference=0.02)], 0.02).blind == []
    for detectable in (0.03, None):
        (said,) = judge_gate(
            [compared(**NOTHING, minimum_detectable_difference=detectable)], 0.02
        ).blind
        assert said.startswith("Recall@10, b: only a loss of ")
    assert judge_gate([compared(minimum_detectable_difference=0.9)], 0.02).blind == []


def test_few_builds_are_few_where_twice_as_many_would_show_what_is_looked_for() -> None:
    """A difference that was seen, or a gate's limit; neither of a cost, nor of single builds."""
    row = compared(**NOTHING, minimum_detectable_difference=0.08)
    (said,) = few_builds([row], [0.04], None)
    assert said.code == "few-builds"
    assert said.remedy == "run with builds=6"
    assert list(few_builds([row], [0.06], None)) == []
    assert len(list(few_builds([row], [0.06], 0.07))) == 1
    assert list(few_builds([row], [0.06], 0.1)) == []
    for other in ({"builds": [1, 3]}, {"kind": "cost"}, {"different": True}):
        assert list(few_builds([msgspec.structs.replace(row, **other)], [0.04], None)) == []


def test_a_cost_is_lost_as_a_share_of_the_baseline() -> None:
    """More of it is worse."""
    cost = {"kind": "cost", "higher_is_better": False, "measure": "Latency(p=50)", "unit": "s"}
    base = Interval(0.010, 0.009, 0.011)
    row = compared(**cost, difference=0.001, low=0.0005, high=0.0015, baseline_value=base)
    assert judge_gate([row], 0.09).failed
    assert not judge_gate([row], 0.11).failed


@pytest.mark.parametrize(
    ("warning", "quality", "speed"),
    [
        (Warn("x", "", "", "", code="unstable-ids"), True, True),
        (Warn("unstable ids", "", "", ""), True, True),
        (Warn("x", "", "", "", code="old-kernel"), False, True),
        (Warn("x", "", "", "", code="copies"), False, False),
    ],
)
def test_some_warnings_of_a_run_go_with_its_comparisons(
    warning: Warn, *, quality: bool, speed: bool
) -> None:
    """Those of times where times are compared; runs of 0.1 have no codes."""
    assert spoils(warning, speed=False) is quality
    assert spoils(warning, speed=True) is speed


def test_which_side_to_take_is_said_or_why_it_cannot_be() -> None:
    """One that won, both by measure, neither, and answers that are the same."""
    nothing, same = compared(**NOTHING), compared(**NOTHING, identical=True)
    speed = compared(measure="QPS", better="candidate")
    assert say_choice([compared(), nothing]).startswith("a in Recall@10; elsewhere")
    assert (
        say_choice([compared(), speed]) == "That depends on what counts: a in Recall@10; b in QPS."
    )
    assert say_choice([nothing]).startswith("That cannot be said: no difference")
    assert say_choice([compared(claim="builds differ")]).startswith("That cannot be said")
    assert say_choice([same]).startswith("Either: all builds gave identical answers")
