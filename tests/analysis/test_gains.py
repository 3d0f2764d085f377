"""What rankers have over others, by query and seed, and what a student keeps of its teacher."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.analysis.gains import find_gains
from vbench.ranking.ranked import Ranked

QUERIES = 400


def ranked(name: str, better: float, seeds: int = 1) -> Ranked:
    """A ranker whose nDCG@10 is 0.2 and `better` more, over some noise of query and seed."""
    rng = np.random.default_rng(len(name))
    noise = np.random.default_rng(0).uniform(0, 0.5, QUERIES)
    values = 0.2 + better + noise + rng.normal(0, 0.02, (seeds, QUERIES))
    mean = values.mean(axis=0)
    return Ranked(name, {"nDCG@10": mean}, {}, np.empty((1, 1)), mean, (), values)


MASKS = {("activity", "light"): np.arange(QUERIES) % 2 == 0}


def test_rankers_are_compared_with_baselines_and_with_themselves_without_a_strategy() -> None:
    """Paired: the noise of the queries, which all share, is not in the intervals."""
    rankers = [
        ranked("tower", 0.0),
        ranked("cross(width=8)", 0.02, 3),
        ranked("cross(width=8,depth=2,pearl=1)", 0.05, 3),
        ranked("module:Own", 0.01),
    ]
    gains = find_gains(rankers, MASKS, np.full(QUERIES, 0.1))
    assert [each.over for each in gains["tower"]] == []
    assert [each.over for each in gains["module:Own"]] == ["tower", "popularity"]
    *_, own = gains["cross(width=8,depth=2,pearl=1)"]
    assert own.over == "cross(width=8)"
    assert own.gain.low < own.gain.value < own.gain.high
    assert own.gain.value == pytest.approx(0.03, abs=0.004)
    assert own.gain.high - own.gain.low < 0.05
    (light,) = own.segments
    assert (light.column, light.group) == ("activity", "light")
    assert own.teacher is own.of_teacher is None


def test_a_student_keeps_a_share_of_its_teachers_gain() -> None:
    """Where the teacher is among the rankers, by whatever name, and is better at all."""
    student = ranked("cross(width=8,teacher=4)", 0.05, 3)
    plain, teacher = ranked("cross(width=8)", 0.02, 3), ranked("cross", 0.06, 3)
    *_, own = find_gains([plain, student, teacher], {}, None)[student.name]
    assert own.teacher == "cross"
    assert own.of_teacher.low < own.of_teacher.value < own.of_teacher.high
    assert own.of_teacher.value == pytest.approx(0.75, abs=0.15)
    *_, alone = find_gains([plain, student], {}, None)[student.name]
    assert alone.of_teacher is None
    no_better = ranked("cross", 0.02, 3)
    no_better = Ranked(
        "cross", {}, {}, no_better.kendall, no_better.scores, (), plain.seeds - 0.001
    )
    *_, nothing = find_gains([plain, student, no_better], {}, None)[student.name]
    assert nothing.teacher == "cross"
    assert nothing.of_teacher.value is None
