"""A call becomes builds and trials, each with a key; what cannot be is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from vectors import gaussian_pair

import vbench
from vbench.bench.parameter_search import Range
from vbench.bench.plan import Plan, make_plan, make_trial
from vbench.data.dataset import Learn
from vbench.errors import VbenchError
from vbench.runs.schema import Options

OPTIONS = Options(k=[5, 10], builds=2, repeats=3)
FINGERPRINT = "0123456789abcdef" * 4


def plan(
    *indexes: str,
    fingerprint: str = FINGERPRINT,
    order_digest: str = FINGERPRINT,
    later: bool = False,
    set: dict[str, Any] | None = None,  # noqa: A002  # as --set
    **options: Any,
) -> Plan:
    changed = msgspec.structs.replace(OPTIONS, **options)
    indexes = indexes or ("tunable:Kept",)
    data = fingerprint, order_digest, "l2", 8
    return make_plan(indexes, set or {}, changed, *data, chosen_later=later)


def keys(planned: Plan) -> set[str]:
    return {trial.key for trial in planned.trials}


def test_every_setting_is_planned_on_every_build_at_every_k() -> None:
    """Build by build; each trial has a key of its own and names its build."""
    planned = plan()
    assert [build.number for build in planned.builds] == [0, 1]
    assert len({build.key for build in planned.builds}) == 2
    expected = [
        (build.key, {"keep": keep}, k)
        for build in planned.builds
        for keep in (8, 32)
        for k in (5, 10)
    ]
    assert [(each.build, each.setting, each.k) for each in planned.trials] == expected
    assert len(keys(planned)) == 8
    assert planned.trials_of(planned.builds[1]) == planned.trials[4:]


def test_builds_have_seeds_of_their_own_and_orders_that_the_index_cannot_know() -> None:
    """All are drawn from the seed of the call, the orders from the data beside it."""
    first, second = plan().builds
    drawn = {first.seed, second.seed, first.order_seed, second.order_seed}
    assert len(drawn) == 4
    assert [each.order_seed for each in plan(fingerprint="f" * 64).builds] == [
        first.order_seed,
        second.order_seed,
    ]
    other = plan(order_digest="f" * 64).builds
    assert [each.seed for each in other] == [first.seed, second.seed]
    assert not {each.order_seed for each in other} & drawn
    assert not {each.seed for each in plan(seed=1).builds} & drawn


@pytest.mark.parametrize(
    "changes",
    [{"repeats": 2}, {"warmup": 9}, {"rule": "id"}, {"warmup_from": "queries"}, {"threads": 2},
     {"seed": 1}, {"fingerprint": "f" * 64}, {"build_threads": 2}],
)  # fmt: skip
def test_what_could_change_answers_or_times_is_in_the_keys(changes: dict[str, Any]) -> None:
    """No trial of the one plan is one of the other."""
    assert not keys(plan()) & keys(plan(**changes))


def test_what_changes_neither_is_not() -> None:
    """A limit, or how the work is divided: the same trials."""
    changes = {"timeout": 5.0, "memory_limit": 10**9, "jobs": 2, "trust": True, "device": "x"}
    assert keys(plan(**changes)) == keys(plan())
    assert keys(plan(builds=1)) < keys(plan())
    assert keys(plan(k=[5])) < keys(plan())


def test_a_trial_is_another_one_at_another_setting_or_k() -> None:
    """What is chosen later has the key that a plan would give it."""
    build = plan().builds[0]
    assert make_trial(build, {"keep": 8}, 5, OPTIONS) == plan().trials[0]
    several = [make_trial(build, {"keep": keep}, k, OPTIONS) for keep in (7, 8) for k in (5, 6)]
    assert len({trial.key for trial in several}) == 4


@pytest.mark.parametrize(
    ("given", "efs", "ms"),
    [
        ({"ef": [16, 24]}, [16, 24], [16]),
        ({"ef": 16}, [16], [16]),
        ({"ef": ["16", 16]}, [16], [16]),
        ({"ef": np.array([16, 24])}, [16, 24], [16]),
        ({"ef": [np.int64(16), 24], "M": np.int32(4)}, [16, 24], [4]),
        ({"hnsw.ef": [16], "hnsw.M": [4, 8]}, [16], [4, 8]),
        ({"ef": [99], "hnsw.ef": [16]}, [16], [16]),
    ],
)
def test_values_of_a_call_take_the_place_of_the_recipes(
    given: dict[str, Any], efs: list[int], ms: list[int]
) -> None:
    """For all indexes that have the parameter or for one; converted, each once."""
    planned = plan("hnsw", builds=1, k=[5], set=given)
    assert [build.params["M"] for build in planned.builds] == ms
    assert [trial.setting["ef"] for trial in planned.trials] == efs * len(ms)


def test_a_value_for_one_index_leaves_the_others_as_they_are() -> None:
    """By the name before the dot."""
    planned = plan("hnsw", "faiss-hnsw", builds=1, k=[5], set={"faiss-hnsw.ef": [16]})
    hnsw, faiss = planned.builds
    assert [each.setting["ef"] for each in planned.trials_of(faiss)] == [16]
    assert len(planned.trials_of(hnsw)) > 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"keeps": [8]}, "unknown parameter 'keeps'.*did you mean 'keep'"),
        ({"hnsw.keep": [8]}, "unknown index in settings 'hnsw'"),
        ({"tunable:Kept.ef": [8]}, "unknown parameter 'ef'"),
        ({"keep": ["many"]}, "keep='many'"),
        ({"keep": []}, "keep is given no value"),
        ({"keep": np.array([])}, "keep is given no value"),
    ],
)
def test_an_unknown_parameter_or_value_is_refused(given: dict[str, Any], says: str) -> None:
    """With what is meant, where that is near."""
    with pytest.raises(VbenchError, match=says):
        plan(set=given)


def test_one_name_stands_for_one_index() -> None:
    """Twice the same is a mistake."""
    with pytest.raises(VbenchError, match="'flat' is given twice; for several values"):
        plan("flat", "hnsw", "flat")


def test_a_run_folder_is_named_by_what_all_its_trials_share() -> None:
    """Not by settings, K and builds, by which it grows, nor by the order of its indexes."""
    named = plan("flat", "hnsw").identity
    assert len(named) == 16
    assert plan("hnsw", "flat", builds=7, k=[3], set={"ef": [9]}, timeout=1.0).identity == named
    for other in (
        plan("flat"),
        plan("flat", "hnsw", seed=1),
        plan("flat", "hnsw", at_recall=0.9),
        plan("flat", "hnsw", fingerprint="f" * 64),
    ):
        assert other.identity != named


def test_groups_are_planned_where_settings_are_chosen_later() -> None:
    """One for each K, on the same builds, from the middle of the recipe's sweep."""
    planned = plan(later=True)
    assert planned.trials == []
    assert [group.k for group in planned.groups] == [5, 10]
    group = planned.groups[0]
    assert (group.builds, group.fixed) == (tuple(planned.builds), {})
    assert group.range is not None
    assert (group.range.name, group.range.whole) == ("keep", True)
    assert group.start == pytest.approx(16)
    assert group.setting(9) == {"keep": 9}


def test_values_of_the_parameter_bound_it() -> None:
    """The other search parameters are fixed, each combination in a group of its own."""
    (group,) = plan(later=True, k=[5], set={"keep": [4, 9, 25]}).groups
    assert group.range == Range("keep", 4, 25, True)
    assert group.start == pytest.approx(10)
    with pytest.raises(VbenchError, match=r"keep=8 leaves nothing.*as keep=8,32"):
        plan(later=True, at_recall=0.9, set={"keep": [8]})


def test_a_single_value_is_the_one_setting() -> None:
    """Targets are tested at it, nothing is searched."""
    (group,) = plan(later=True, k=[5], set={"keep": [8]}).groups
    assert (group.range, group.setting(None)) == (None, {"keep": 8})


def test_an_index_without_a_parameter_to_tune_is_one_group_with_one_setting() -> None:
    """There is nothing to move."""
    (group,) = plan("flat", later=True, k=[5]).groups
    assert (group.range, group.setting(None), group.setting(3)) == (None, {}, {})


@pytest.mark.parametrize(
    ("index", "d", "metric", "says"),
    [
        ("odd_indexes:EightsSaid", 6, "l2", "6 dimensions and EightsSaid takes 8, 16, … 64;"),
        ("odd_indexes:OneDimension", 2, "l2", "2 dimensions and OneDimension takes 1;"),
        ("odd_indexes:EightsByL2", 8, "ip", "8 dimensions, 9 after mips-l2, and EightsByL2 takes"),
        ("faiss:PQ4np", 6, "l2", "6 dimensions and FaissFactory takes 4, 8, … 65536;"),
    ],
)
def test_dimensions_that_an_index_cannot_do_are_refused(
    index: str, d: int, metric: str, says: str, tmp_path: Any
) -> None:
    """In one message that names the index and what it takes; nothing is written."""
    base, queries = gaussian_pair(50, 5, d)
    dataset = vbench.load(base, queries=queries, metric=metric)
    with pytest.raises(VbenchError, match=f"index '{index}': the vectors have {says}"):
        vbench.run(dataset, index, k=3, builds=1, repeats=1, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_queries_to_learn_from_that_nothing_would_use_are_refused() -> None:
    """Where the call took them aside; those that lie in a file may lie there."""
    data = FINGERPRINT, FINGERPRINT, "l2", 8
    asked = Learn(np.eye(8, dtype=np.float32), was_asked_for=True)
    lying = Learn(np.eye(8, dtype=np.float32))
    with pytest.raises(VbenchError, match="nothing would use these queries: hnsw, flat take none"):
        make_plan(["hnsw", "flat"], {}, OPTIONS, *data, learn=asked)
    without = {build.key for build in make_plan(["hnsw"], {}, OPTIONS, *data).builds}
    assert {build.key for build in make_plan(["hnsw"], {}, OPTIONS, *data, learn=lying).builds} == (
        without
    )
    both = make_plan(["hnsw", "learners:Needed"], {}, OPTIONS, *data, learn=asked).builds
    assert [build.learn for build in both] == [None, None, asked.digest, asked.digest]
    assert without == {build.key for build in both if build.learn is None}
