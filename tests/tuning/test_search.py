"""When the search for a setting ends: by what could be judged, and by what could not."""

from __future__ import annotations

import math

import pytest
from made_judge import MadeJudge, group_of

from vbench.tuning.search import Budget, search, secure

GROUP = group_of({})
TARGET = "Recall@10>=0.9 and Latency(p=99)<=2ms"


def test_a_machine_that_is_always_busy_ends_the_search() -> None:
    """After two settings that are good enough but for what cannot be judged."""
    judge = MadeJudge(TARGET, lambda number: True)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert judge.gives_up()
    assert found.best is None
    assert [each.is_judged for each in found.tried].count(False) == 2
    assert len(found.tried) <= 4
    assert secure(judge, found, Budget(12)) is found


def test_a_machine_that_is_busy_now_and_then_does_not() -> None:
    """A setting in peace is enough to go on, and may be the answer."""
    judge = MadeJudge(TARGET, lambda number: number % 2 == 0)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert not judge.gives_up()
    assert found.best is not None
    assert found.best.is_judged


@pytest.mark.parametrize("text", ["Recall@10>=0.9", "Recall@10>=0.9 and Latency(p=99)<=20ms"])
def test_what_disturbance_does_not_decide_is_searched_to_the_end(text: str) -> None:
    """Quality alone, or a latency that is kept all the same."""
    judge = MadeJudge(text, lambda number: True)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert not judge.gives_up()
    assert found.best is not None
    assert found.best.value == 16


def test_a_setting_that_is_not_good_enough_is_judged_on_any_machine() -> None:
    """That recall is missed needs no clock."""
    judge = MadeJudge(TARGET, lambda number: True, enough=lambda params: 5000)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert not judge.gives_up()
    assert all(each.is_judged for each in found.tried)
    assert all(each.judged_slack < 0.0 < math.inf for each in found.tried)


def test_the_smallest_value_that_passes_is_found_in_few_tries() -> None:
    """Neighboring values enclose it; a wider start is narrowed, a narrow one widened."""
    for start in (1.0, 32.0, 1024.0):
        judge = MadeJudge("Recall@10>=0.9")
        found = search(judge, GROUP, Budget(12), start=start)
        assert found.best is not None
        assert found.best.value == 16
        assert len(found.tried) <= 12


def test_a_budget_is_never_exceeded() -> None:
    """Two tries are two; what they found is the answer, if it passes."""
    budget = Budget(2)
    found = search(MadeJudge("Recall@10>=0.9"), GROUP, budget, start=1.0)
    assert (len(found.tried), budget.left) == (2, 0)


def test_a_group_that_costs_more_without_being_good_enough_is_left() -> None:
    """The incumbent passes at less: the search of the other ends at its first such value."""
    judge = MadeJudge("Recall@10>=0.9", enough=lambda params: params.get("needs", 16))
    incumbent = search(judge, GROUP, Budget(12), start=32.0).best
    worse = search(judge, group_of({"needs": 900}), Budget(12), start=32.0, incumbent=incumbent)
    assert worse.best is None
    assert len(worse.tried) == 1


def test_wider_values_are_tried_for_the_certificate() -> None:
    """Their margins beyond the target are larger; none of them is beyond the budget."""
    judge = MadeJudge("Recall@10>=0.9")
    found = search(judge, GROUP, Budget(12), start=32.0)
    budget = Budget(1)
    wider = secure(judge, found, budget)
    assert len(wider.tried) - len(found.tried) <= 1
    assert budget.left >= 0


@pytest.mark.parametrize("start", [1.0, 20.0, 32.0, 1024.0])
def test_what_is_good_but_late_is_looked_for_among_narrower_searches(start: float) -> None:
    """Answers must be good and in time: too wide a search is told from one that is too narrow."""
    judge = MadeJudge("Served(delta=0.9,within=2ms)@10>=0.9", late=30)
    found = search(judge, GROUP, Budget(12), start=start)
    assert found.best is not None
    assert 16 <= (found.best.value or 0) < 30
    wider = secure(judge, found, Budget(12)).best
    assert wider is not None
    assert 16 <= (wider.value or 0) < 30


def test_what_is_never_good_in_time_is_given_up() -> None:
    """Where every search that is good enough is too late."""
    judge = MadeJudge("Served(delta=0.9,within=2ms)@10>=0.9", late=8)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert found.best is None
    assert len(found.tried) <= 12
