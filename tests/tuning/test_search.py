"""When the search for a setting ends: by what could be judged, and by what could not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from answers_factory import from_hits

from vbench.bench.parameter_search import Range
from vbench.bench.plan import Group
from vbench.tuning.evidence import weigh
from vbench.tuning.search import Budget, search, secure
from vbench.tuning.targets import Target, parse_objective, parse_targets
from vbench.tuning.trials import Judge, Tried

M = 600
GROUP = Group((), {}, 10, Range("ef", 1, 1024, whole=True), 32.0)


class Made(Judge):
    """Recall rises with the parameter; `disturbed` says at which tries the core was taken."""

    def __init__(self, text: str, disturbed: Callable[[int], bool], enough: int = 16) -> None:
        self.targets: Sequence[Target] = parse_targets(text)
        self.objective = parse_objective(None, None)
        self.level = 0.95
        self.attainable = [True] * len(self.targets)
        self.tried: list[Tried] = []
        self._disturbed, self._enough = disturbed, enough

    def measure(self, group: Group, value: float | None) -> Tried:
        right = M if (value or 0) >= self._enough else M // 2
        disturbed = self._disturbed(len(self.tried))
        answers = from_hits(
            [10] * right + [0] * (M - right),
            10,
            latency_ns=np.full((M, 2), 9_000_000 if disturbed else 1_000_000),
            disturbed=(disturbed, disturbed),
        )
        evidence = tuple(weigh(each, [answers], self.level) for each in self.targets)
        kept = self.slack(evidence, judged=True)
        tried = Tried(group, value, (), evidence, float(value or 0), self.slack(evidence), kept)
        self.tried.append(tried)
        return tried


TARGET = "Recall@10>=0.9 and Latency(p=99)<=2ms"


def test_a_machine_that_is_always_busy_ends_the_search() -> None:
    """After two settings that are good enough but for what cannot be judged."""
    judge = Made(TARGET, lambda number: True)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert judge.gives_up()
    assert found.best is None
    assert [each.is_judged for each in found.tried].count(False) == 2
    assert len(found.tried) <= 4
    assert secure(judge, found, Budget(12)) is found


def test_a_machine_that_is_busy_now_and_then_does_not() -> None:
    """A setting in peace is enough to go on, and may be the answer."""
    judge = Made(TARGET, lambda number: number % 2 == 0)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert not judge.gives_up()
    assert found.best is not None
    assert found.best.is_judged


@pytest.mark.parametrize("text", ["Recall@10>=0.9", "Recall@10>=0.9 and Latency(p=99)<=20ms"])
def test_what_disturbance_does_not_decide_is_searched_to_the_end(text: str) -> None:
    """Quality alone, or a latency that is kept all the same."""
    judge = Made(text, lambda number: True)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert not judge.gives_up()
    assert found.best is not None
    assert found.best.value == 16


def test_a_setting_that_is_not_good_enough_is_judged_on_any_machine() -> None:
    """That recall is missed needs no clock."""
    judge = Made(TARGET, lambda number: True, enough=5000)
    found = search(judge, GROUP, Budget(12), start=32.0)
    assert not judge.gives_up()
    assert all(each.is_judged for each in found.tried)
    assert all(each.judged_slack < 0.0 < math.inf for each in found.tried)
