"""Measures of the items' side, against counting in plain Python: ties, pads, builds, clusters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest
from answers_factory import from_ids
from hypothesis import given, settings
from hypothesis import strategies as st

import vbench
from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.measures.grammar import parse
from vbench.measures.items import ItemRecall, ItemRobustness, LostItems
from vbench.measures.of_items import OfItems
from vbench.measures.sample import Sample
from vbench.measures.shared_items import SharedItems

Lists = Sequence[Sequence[int]]


class World:
    """Queries with whole distances to every item, full of ties, and what some builds returned."""

    def __init__(self, seed: int, *, builds: int, filtered: bool = False) -> None:
        rng = np.random.default_rng(seed)
        self.n, m = int(rng.integers(3, 12)), int(rng.integers(2, 9))
        self.k = int(rng.integers(1, self.n + 1))
        distances = rng.integers(1, 5, (m, self.n)).astype(float)
        if filtered:
            distances[rng.random((m, self.n)) < 0.4] = math.inf
        self.distances = distances.tolist()
        allowed = np.isfinite(distances)
        true = [
            sorted(range(self.n), key=lambda item, row=row: (row[item], item)) for row in distances
        ]
        self.true = [
            [item if allowed[q, item] else -1 for item in row] for q, row in enumerate(true)
        ]
        self.answers: list[Answers] = []
        self.ids: list[list[list[int]]] = []
        for _ in range(builds):
            ids = rng.integers(-1, self.n, (m, self.k))
            # An id that the filter leaves out is an error of the index.
            ids[(ids >= 0) & ~np.take_along_axis(allowed, np.maximum(ids, 0), axis=1)] = -1
            self.ids.append(ids.tolist())
            self.answers.append(
                from_ids(
                    ids,
                    self.true,
                    k=self.k,
                    truth_distances=np.sort(distances, axis=1),
                )
            )

    def found(self, build: int, query: int) -> dict[int, bool]:
        """Of each item of an exact list, whether it was returned, or one as near in its place."""
        listed = [item for item in self.true[query][: self.k] if item >= 0]
        returned = {item for item in self.ids[build][query] if item >= 0}
        away = self.distances[query]
        result = {}
        for distance in {away[item] for item in listed}:
            group = [item for item in listed if away[item] == distance]
            right = sum(away[item] == distance for item in returned)
            missed = [item for item in group if item not in returned]
            # As many are replaced as others that are as near were returned, the first ones first.
            short = max(len(group) - right, 0)
            result |= {item: item not in missed[len(missed) - short :] for item in group}
        return result

    def counts(self, build: int, queries: Sequence[int]) -> tuple[Counter[int], Counter[int]]:
        """In how many exact lists each item stands, and how many of them got it."""
        listed, found = Counter[int](), Counter[int]()
        for query in queries:
            for item, is_found in self.found(build, query).items():
                listed[item] += 1
                found[item] += is_found
        return listed, found

    def value(
        self, measure: OfItems, build: int, queries: Sequence[int] | None = None
    ) -> float | None:
        """A measure of one build, from its definition; None where no item counts."""
        every = range(len(self.true)) if queries is None else queries
        listed, found = self.counts(build, every)
        ratios = [
            Fraction(found[item], number)
            for item, number in listed.items()
            if number >= measure.least
        ]
        worth: dict[type[OfItems], Callable[[Fraction], float]] = {
            ItemRecall: float,
            LostItems: lambda ratio: float(ratio == 0),
            ItemRobustness: lambda ratio: float(
                ratio >= Fraction(str(getattr(measure, "delta", 0)))
            ),
        }
        values = [worth[type(measure)](ratio) for ratio in ratios]
        return sum(values) / len(values) if values else None


MEASURES = [
    *(ItemRecall(least=least) for least in (1, 2, 4)),
    *(LostItems(least=least) for least in (1, 3)),
    *(ItemRobustness(delta=delta, least=1) for delta in (0.07, 0.5, 1.0)),
    ItemRobustness(delta=0.3, least=2),
]
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=200)
@given(seeds, st.booleans())
def test_every_measure_is_its_definition(seed: int, filtered: bool) -> None:
    """Of each build, whatever ties, is repeated, or is a pad, also of the exact lists."""
    world = World(seed, builds=2, filtered=filtered)
    for uncut in MEASURES:
        measure = uncut @ world.k
        for build, answers in enumerate(world.answers):
            wanted = world.value(measure, build)
            if wanted is None:
                with pytest.raises(VbenchError, match="smaller least"):
                    measure.value(answers)
            else:
                assert measure.value(answers) == pytest.approx(wanted, abs=1e-12), measure


@settings(deadline=None, max_examples=60)
@given(seeds, st.booleans())
def test_intervals_rest_on_leaving_out_one_query_or_cluster(seed: int, clustered: bool) -> None:
    """Values by query are those of the jackknife, recomputed without each of them."""
    world = World(seed, builds=3)
    m = len(world.true)
    clusters = np.random.default_rng(seed).integers(0, 3, m) if clustered else np.arange(m)
    groups = [np.flatnonzero(clusters != name).tolist() for name in np.unique(clusters)]
    items = Sample(world.answers, clusters=clusters if clustered else None).items()
    assert items is not None
    for uncut in MEASURES:
        measure = uncut @ world.k
        full = [world.value(measure, build) for build in range(3)]
        if full[0] is None:
            continue
        found = items.pseudo_values(measure._counts, measure.worth)
        for build, whole in enumerate(full):
            without = np.array([world.value(measure, build, kept) for kept in groups], dtype=float)
            without = np.where(np.isnan(without), whole, without)
            wanted = whole + (len(groups) - 1) * (without.mean() - without)
            assert found[build] == pytest.approx(wanted, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_values_by_query_have_the_measure_as_their_mean(seed: int) -> None:
    """Of each build, drawn in or not, and the same for the same answers."""
    world = World(seed, builds=2)
    items = Sample(world.answers).items()
    assert items is not None
    for uncut in MEASURES:
        measure = uncut @ world.k
        if not measure._counts(items.listed).any():
            continue
        values = items.by_group(measure._counts, measure.worth)
        wanted = [measure.value(each) for each in world.answers]
        assert values.mean(axis=1) == pytest.approx(wanted, abs=1e-9)
        assert (values == items.by_group(measure._counts, measure.worth)).all()
        raw = items.pseudo_values(measure._counts, measure.worth)
        assert (values.std(axis=1) <= raw.std(axis=1) + 1e-12).all()


def test_spread_over_queries_is_told() -> None:
    """The standard error of one build, against 300 samples of other queries: within a third."""
    rng = np.random.default_rng(1)
    gone = rng.random(200) < 0.3
    weight = 1.0 / np.arange(1, 201)
    keys = np.log(weight) + rng.gumbel(size=(4000, 200))  # drawn by weight, without replacement
    lists = np.argsort(-keys, axis=1)[:, :5]
    ids = np.where(gone[lists] | (rng.random(lists.shape) < 0.3), 500, lists)
    measures = (ItemRecall() @ 5, LostItems() @ 5, ItemRobustness() @ 5)
    values, told = [], []
    for _ in range(300):
        rows = rng.choice(4000, 150, replace=False)
        items = Sample([from_ids(ids[rows], lists[rows], k=5)]).items()
        assert items is not None
        values.append([items.mean(each._counts, each.worth)[0] for each in measures])
        told.append(
            [items.by_group(each._counts, each.worth).std() / math.sqrt(150) for each in measures]
        )
    ratio = np.mean(told, axis=0) / np.std(values, axis=0)
    assert (ratio > 0.85).all(), ratio
    assert (ratio < 1.4).all(), ratio


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_what_queries_miss_is_what_items_miss(seed: int) -> None:
    """Each hit is one of a query and one of an item, by any rule of ties."""
    world = World(seed, builds=1)
    (answers,) = world.answers
    items = Sample(world.answers).items()
    assert items is not None
    assert items.listed.sum() == len(world.true) * world.k
    assert items.found.sum() == answers.relevance().sum()


def test_exact_search_loses_nothing_whichever_copy_it_returns() -> None:
    """Of three copies that all stand in no two lists, any two are right."""
    truth = [[0, 1, 2, 3]] * 4
    away = np.tile([1.0, 1.0, 1.0, 2.0], (4, 1))
    for ids in ([[0, 1]] * 4, [[2, 1]] * 4, [[1, 2], [2, 0], [0, 1], [2, 1]]):
        answers = from_ids(ids, truth, k=2, truth_distances=away)
        assert (LostItems @ 2).value(answers) == 0.0
        assert (ItemRecall @ 2).value(answers) == 1.0
        assert (ItemRobustness(delta=1.0, least=4) @ 2).value(answers) == 1.0


def test_an_item_is_lost_where_none_of_its_queries_gets_it() -> None:
    """What another query gets that need not have it does not count."""
    truth = [[0, 1], [0, 1], [2, 3]]
    answers = from_ids([[0, 7], [8, 9], [1, 3]], truth, k=2)
    assert (LostItems @ 2).value(answers) == 0.5  # 1 and 2
    assert (LostItems(least=2) @ 2).value(answers) == 0.5  # of 0 and 1
    assert (ItemRecall @ 2).value(answers) == pytest.approx((0.5 + 0 + 0 + 1) / 4)


def test_queries_that_are_left_out_take_their_items_along() -> None:
    """As `vbench compare --where` looks at some of the queries."""
    truth = [[0, 1], [0, 1], [2, 3]]
    answers = from_ids([[0, 7], [8, 9], [2, 3]], truth, k=2)
    assert (LostItems @ 2).value(answers.of_queries(np.array([0, 2]))) == pytest.approx(1 / 4)
    assert (LostItems @ 2).value(answers.of_queries(np.array([2]))) == 0.0


def test_no_item_lost_leaves_some_possible() -> None:
    """Nothing seen is not nothing: the interval of a share of 0 has an upper end."""
    truth = np.arange(40).reshape(20, 2)
    sample = Sample([from_ids(truth, truth, k=2)] * 2)
    found = sample.estimate(LostItems @ 2)
    assert (found.value, found.low, found.spread) == (0.0, 0.0, 0.0)
    assert found.high is not None
    assert 0.0 < found.high < 0.25


def made(rng: np.random.Generator, m: int, lost: float, builds: int, k: int = 5) -> list[Answers]:
    """Answers that miss some items always, and each neighbor by chance."""
    truth = np.stack([rng.choice(200, k, replace=False) for _ in range(m)])
    missed = rng.random(200) < lost
    answers = []
    for _ in range(builds):
        gone = missed[truth] | (rng.random(truth.shape) < 0.1)
        answers.append(from_ids(np.where(gone, 500, truth), truth, k=k))
    return answers


def test_a_comparison_is_of_the_same_queries() -> None:
    """The difference of what each side has, and certain where one loses what the other does not."""
    good, bad = (Sample(made(np.random.default_rng(0), 300, lost, 3)) for lost in (0.0, 0.2))
    for measure in (LostItems @ 5, ItemRecall @ 5, ItemRobustness(delta=0.5) @ 5):
        found = measure.difference(good, bad)
        values = [sample.estimate(measure).value for sample in (good, bad)]
        assert found.value == pytest.approx(values[1] - values[0])
        assert (found.value > 0) == (measure.better == "lower")
        assert found.low <= found.value <= found.high
        assert found.p < 0.01
        assert found.claim == "indexes differ"
        assert measure.difference(good, good).value == 0.0
        assert measure.difference(good, good).p == 1.0


def test_clusters_widen_the_interval() -> None:
    """Queries that repeat one user's say less than as many users."""
    rng = np.random.default_rng(3)
    answers = [each.of_queries(np.repeat(np.arange(60), 5)) for each in made(rng, 60, 0.2, 1)]
    alone = Sample(answers).estimate(ItemRecall @ 5)
    together = Sample(answers, clusters=np.repeat(np.arange(60), 5)).estimate(ItemRecall @ 5)
    assert together.value == pytest.approx(alone.value)
    assert None not in (together.low, together.high, alone.low, alone.high)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)  # type: ignore[operator]


def test_without_ids_there_is_no_value() -> None:
    """A trial whose ids were not recorded has none, and nothing is compared."""
    answers = made(np.random.default_rng(0), 20, 0.1, 1)
    bare = [
        from_ids(np.empty((20, 0), int), each.truth_ids, k=5, hits=each.hits) for each in answers
    ]
    sample = Sample(bare)
    assert sample.estimate(LostItems @ 5).value is None
    assert sample.values(LostItems @ 5) == []
    with pytest.raises(VbenchError, match="not recorded"):
        (LostItems @ 5).difference(sample, sample)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("LostItems(least=0)@10", "least=0 is not allowed; give a whole number of queries from 1"),
        ("LostItems(least=1.5)@10", "least=1.5 is not a number"),
        ("ItemRobustness(delta=1.2)@10", "delta=1.2 is not allowed; give a number from 0 to 1"),
        ("ItemRecall", "needs a cutoff"),
    ],
)
def test_bad_parameters_are_one_line(text: str, says: str) -> None:
    """What was given, what is allowed."""
    with pytest.raises(VbenchError, match=says) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_objects_are_written_as_they_are_spelled() -> None:
    """In Python and in the grammar."""
    assert str(vbench.LostItems @ 10) == "LostItems(least=1)@10"
    assert str(vbench.ItemRobustness(0.7) @ 5) == "ItemRobustness(delta=0.7,least=5)@5"
    assert parse("LostItems(5)@10") == vbench.LostItems(least=5) @ 10
    assert parse("ItemRobustness(50%, 3)@10") == vbench.ItemRobustness(0.5, least=3) @ 10


def test_nothing_of_items_is_certified() -> None:
    """It depends on how many queries there are: tuning on one half says nothing of the other."""
    with pytest.raises(VbenchError, match="tune to Recall@10 or"):
        (LostItems @ 10).is_attainable(0.1, 100, 0.95)


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("items", [12, 400])
def test_half_samples_and_values_left_out_are_those_of_lists_looked_at_one_by_one(
    items: int, clustered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of few items and of many, of each build and of all together, in blocks of any size."""
    rng = np.random.default_rng(items)
    m, k = 40, 5
    truth = np.argsort(rng.random((m, items)), axis=1)[:, :k]
    builds = [np.where(rng.random(truth.shape) < 0.4, items + 1, truth) for _ in range(3)]
    clusters = np.arange(m) // 2 if clustered else None
    groups = np.arange(m) if clusters is None else clusters
    monkeypatch.setattr("vbench.measures.shared_items._BLOCK", 17)
    shared = SharedItems.of([from_ids(ids, truth, k=k) for ids in builds], clusters)

    def count(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = np.isin(groups, inside)
        listed = (truth[rows, :, np.newaxis] == shared.ids).sum(axis=(0, 1))
        hits = [truth[rows] == each[rows] for each in builds]
        found = [(truth[rows, :, np.newaxis] == shared.ids)[hit].sum(axis=0) for hit in hits]
        return listed, np.array(found)

    everyone = np.unique(groups)
    listed, found = count(everyone)
    np.testing.assert_array_equal(shared.listed, listed)
    np.testing.assert_array_equal(shared.found, found)
    for half in shared.halves.first(3, shared):
        listed, found = count(everyone[half.inside])
        np.testing.assert_array_equal(half.listed, listed)
        np.testing.assert_array_equal(half.found, found)

    def lost_in_every(listed: np.ndarray, found: np.ndarray) -> np.ndarray:
        return (found == 0).all(axis=0, keepdims=True)

    for worth in (LostItems().worth, lost_in_every):
        without = []
        for group in everyone:
            listed, found = count(everyone[everyone != group])
            without.append(worth(listed, found)[:, listed > 0].mean(axis=1))
        left = np.array(without).T
        mean = worth(*count(everyone)).mean(axis=1, keepdims=True)
        expected = mean + (len(everyone) - 1) * (left.mean(axis=1, keepdims=True) - left)
        values = shared.pseudo_values(lambda listed: listed > 0, worth)
        np.testing.assert_allclose(values, expected, atol=1e-12)


@pytest.mark.parametrize("clustered", [False, True])
def test_a_part_of_the_items_has_the_values_that_its_lists_have_one_by_one(
    clustered: bool,
) -> None:
    """Its mean, what that changes by without each query, and how it spreads over halves."""
    rng = np.random.default_rng(4)
    truth = np.argsort(rng.random((40, 30)), axis=1)[:, :5]
    builds = [np.where(rng.random(truth.shape) < 0.3, 29 - truth, truth) for _ in range(2)]
    clusters = np.arange(40) // 2 if clustered else None
    groups = np.arange(40) if clusters is None else clusters
    whole = SharedItems.of([from_ids(ids, truth, k=5) for ids in builds], clusters)
    inside = whole.ids % 3 == 0
    part, worth = whole.of_items(inside), LostItems().worth

    def share(rows: np.ndarray) -> list[float]:
        some = SharedItems.of([from_ids(ids[rows], truth[rows], k=5) for ids in builds])
        lost = worth(some.listed, some.found)[:, some.ids % 3 == 0]
        return [float(each) for each in lost.mean(axis=1)]

    everyone = np.unique(groups)
    np.testing.assert_allclose(part.mean(_is_listed, worth), share(groups >= 0))
    left = np.array([share(groups != group) for group in everyone]).T
    expected = part.mean(_is_listed, worth)[:, np.newaxis] + (len(everyone) - 1) * (
        left.mean(axis=1, keepdims=True) - left
    )
    values = part.pseudo_values(_is_listed, worth)
    np.testing.assert_allclose(values, expected, atol=1e-12)
    halves = whole.halves.first(25, whole)
    sides = [np.isin(groups, everyone[side]) for h in halves for side in (h.inside, ~h.inside)]
    spread = np.var([share(side) for side in sides], axis=0).sum()
    linear = [values[:, side].mean(axis=1) for h in halves for side in (h.inside, ~h.inside)]
    wanted = min(np.sqrt(spread / np.var(linear, axis=0).sum()), 1.0)
    assert part.shrinkage(values, _is_listed, worth) == pytest.approx(wanted)


def _is_listed(listed: np.ndarray) -> np.ndarray:
    return np.asarray(listed > 0)


def test_what_an_item_is_worth_in_all_builds_has_values_of_queries() -> None:
    """Each is what the share changes by without the query, whatever the builds found of it."""
    rng = np.random.default_rng(9)
    truth = np.argsort(rng.random((6, 9)), axis=1)[:, :3]
    builds = [np.where(rng.random(truth.shape) < 0.5, -1, truth) for _ in range(3)]

    def lost_in_every(listed: np.ndarray, found: np.ndarray) -> np.ndarray:
        return np.asarray((found == 0).all(axis=0, keepdims=True))

    def share(rows: list[int]) -> float:
        some = SharedItems.of([from_ids(ids[rows], truth[rows], k=3) for ids in builds])
        return float(some.mean(lambda listed: listed > 0, lost_in_every)[0])

    every = list(range(6))
    whole = SharedItems.of([from_ids(ids, truth, k=3) for ids in builds])
    values = whole.pseudo_values(lambda listed: listed > 0, lost_in_every)
    assert values.shape == (1, 6)
    without = np.array([share([row for row in every if row != left]) for left in every])
    expected = share(every) + 5 * (without.mean() - without)
    assert values[0] == pytest.approx(expected)
