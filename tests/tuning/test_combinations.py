"""Several parameters: which combinations are searched, and in what order they cost workers."""

from __future__ import annotations

import importlib.util

import pytest
from made_judge import MadeJudge, group_of

from vbench.errors import MissingExtraError
from vbench.tuning.search import Budget, require_optuna, search_combinations

HAS_OPTUNA = importlib.util.find_spec("optuna") is not None
needs_optuna = pytest.mark.skipif(not HAS_OPTUNA, reason="needs the extra tune")
TARGET = "Recall@10>=0.9"


def judge() -> MadeJudge:
    """The more links, the less ef is needed, and the more a search costs at it."""
    return MadeJudge(
        TARGET,
        enough=lambda params: 512 / params["M"],
        objective=lambda params, value: value * params["M"] ** 1.5,
    )


def test_one_combination_is_bisected_and_nothing_else() -> None:
    """From where its recipe says, without Optuna; no worker is let go."""
    made = judge()
    (found,) = search_combinations(made, [group_of({"M": 16})], Budget(12))
    assert found.best is not None
    assert found.best.value == 32
    assert made.released == []


@needs_optuna
def test_few_combinations_are_all_looked_at() -> None:
    """The best is found; the workers of every other combination are let go."""
    made = judge()
    groups = [group_of({"M": links}) for links in (4, 8, 16)]
    found = search_combinations(made, groups, Budget(60))
    assert {each.group.build["M"] for each in found} == {4, 8, 16}
    best = min(
        (each.best for each in found if each.best is not None), key=lambda each: each.objective
    )
    assert best.setting.build == {"M": 4}
    assert set(made.released) == {group.builds[0].key for group in groups[1:]}


@needs_optuna
def test_the_budget_holds_for_all_combinations_together() -> None:
    """Of many combinations only so many are looked at; the same seed looks at the same."""
    groups = [group_of({"M": links}) for links in range(2, 32)]
    looked_at = []
    for _ in range(2):
        made = judge()
        found = search_combinations(made, groups, Budget(10))
        assert len(made.tried) <= 10
        looked_at.append([each.group.build["M"] for each in found])
    assert looked_at[0] == looked_at[1]
    assert len(looked_at[0]) < len(groups)


def test_without_optuna_several_combinations_of_one_index_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message names the extra; one combination of each of several indexes needs none."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    require_optuna([group_of({}, "hnsw"), group_of({}, "ivf")])
    with pytest.raises(MissingExtraError, match=r"vbench-ann\[tune\]"):
        require_optuna([group_of({"M": 4}), group_of({"M": 8})])
