"""Every measure on base vectors full of ties, against the definitions in plain Python."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vbench
from vbench.bench.score import Scorer
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.measures.answers import Answers
from vbench.measures.grammar import parse
from vbench.measures.hits import RULES, Rule, relevant
from vbench.metric import METRICS, Metric

MEASURES = (
    "Recall@{k}",
    "Recall(truth={t})@{k}",
    "Robustness(delta=0.7)@{k}",
    "Robustness(delta=0.7,truth={t})@{k}",
    "Failure@{k}",
    "CVaR(alpha=0.3)@{k}",
    "CVaR(alpha=0.3,truth={t})@{k}",
    "Percentile(p=29)@{k}",
    "Percentile(p=57,truth={t})@{k}",
    "MRR@{k}",
    "MAP@{k}",
    "nDCG@{k}",
    "Ratio@{k}",
)


class Plain:
    """One query and its answer, in whole numbers and fractions as far as there are any."""

    def __init__(
        self,
        query: Sequence[int],
        base: Sequence[Sequence[int]],
        metric: Metric,
        rule: Rule,
        k: int,
        true: Sequence[int],
        ids: Sequence[int],
    ) -> None:
        self.metric, self.rule, self.k, self.true, self.ids = metric, rule, k, true, ids
        self.query, self.base = query, base
        self.longest = max(dot(x, x) for x in base)
        self.of_rank = [self.place(true[rank], k) for rank in range(k)]

    def key(self, item: int) -> Fraction:
        """Smaller for nearer vectors, equal for equally distant ones."""
        q, x = self.query, self.base[item]
        if self.metric == "cosine":
            return Fraction(-dot(q, x) * abs(dot(q, x)), dot(x, x))
        return Fraction(-2 * dot(q, x) + (dot(x, x) if self.metric == "l2" else 0))

    def euclidean(self, item: int) -> float:
        """Euclidean distance: as it is, of unit vectors, of lifted vectors."""
        q, x = self.query, self.base[item]
        if self.metric == "cosine":
            squared = Fraction(dot(q, x) ** 2, dot(q, q) * dot(x, x))
            cosine = math.copysign(math.sqrt(squared), dot(q, x))
            # 1 − c = (1 − c²) / (1 + c) loses no digits where c is about 1.
            return math.sqrt(2 * (float(1 - squared) / (1 + cosine) if cosine > 0 else 1 - cosine))
        own = dot(x, x) if self.metric == "l2" else self.longest
        return math.sqrt(dot(q, q) + own - 2 * dot(q, x))

    def distance(self, item: int) -> float:
        """As the metric has it."""
        if self.metric == "ip":
            return -float(dot(self.query, self.base[item]))
        found = self.euclidean(item)
        return found if self.metric == "l2" else found**2 / 2

    def within(self, item: int, rank: int) -> bool:
        """Whether an item is as near as the neighbor of a rank."""
        other = self.true[rank - 1]
        if self.rule == "id":
            return item == other
        if self.rule == "ann-benchmarks":
            return self.distance(item) <= self.distance(other) + 1e-3
        return self.key(item) <= self.key(other)

    def place(self, item: int, k: int) -> int:
        return next((rank for rank in range(1, k + 1) if self.within(item, rank)), 0)

    def hits(self, top: int) -> int:
        return min(top, sum(self.place(item, top) > 0 for item in set(self.ids) - {-1}))

    def counted(self) -> list[int]:
        """The group of each returned id that counts, 0 of the others."""
        size, used, seen = Counter(self.of_rank), Counter[int](), {-1}
        found = []
        for item in self.ids:
            group = 0 if item in seen else self.place(item, self.k)
            if group and not size[group]:
                group = self.of_rank[group - 1]
            seen.add(item)
            used[group] += 1
            found.append(group if used[group] <= size[group] else 0)
        return found

    def gain(self, group: int) -> float:
        ranks = [rank for rank in range(1, self.k + 1) if self.of_rank[rank - 1] == group]
        return sum(self.k + 1 - rank for rank in ranks) / len(ranks) if ranks else 0.0

    def values(self, t: int) -> dict[str, float]:
        """Of this query alone."""
        counted = self.counted()
        right = [place for place, group in enumerate(counted, 1) if group]
        ideal = sum(self.gain(g) / math.log2(i + 2) for i, g in enumerate(self.of_rank))
        found: dict[str, float] = {
            "MRR": 1 / right[0] if right else 0.0,
            "MAP": sum((i + 1) / place for i, place in enumerate(right)) / self.k,
            "nDCG": sum(self.gain(g) / math.log2(i + 2) for i, g in enumerate(counted)) / ideal,
            "Ratio": self.ratio(counted),
        }
        for top, name in ((self.k, ""), (t, f",truth={t}")):
            found |= {
                f"Recall{name}": self.hits(top) / top,
                f"Robustness{name}": float(self.hits(top) >= math.ceil(Fraction("0.7") * top)),
                f"Failure{name}": float(self.hits(top) == 0),
            }
        return found

    def ratio(self, counted: Sequence[int]) -> float:
        if self.rule == "exact-tie" and all(counted):
            return 1.0
        given = [self.euclidean(item) for item in set(self.ids) - {-1}]
        nearest = sum(self.euclidean(item) for item in self.true[: len(given)])
        quotient = nearest / sum(given) if sum(given) else 1.0
        return min(quotient, 1.0) * len(given) / self.k


def dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def plain_value(written: str, queries: Sequence[dict[str, float]], t: int) -> float:
    """A measure of several queries."""
    name = written.partition("(")[0].partition("@")[0]
    truth = f",truth={t}" if "truth" in written else ""
    if name in ("CVaR", "Percentile"):
        recall = sorted(each[f"Recall{truth}"] for each in queries)
        if name == "CVaR":
            worst = recall[: math.ceil(Fraction("0.3") * len(recall))]
            return sum(worst) / len(worst)
        p = 57 if truth else 29
        return recall[(len(recall) - 1) * p // 100]
    return sum(each[name + truth] for each in queries) / len(queries)


def answers_of(
    dataset: Dataset, rule: Rule, ids: np.ndarray, depth: int, kept: int, stored: bool = True
) -> Answers:
    """What is read of a trial that was scored with `depth` neighbors, of which `kept` were kept."""
    truth = compute_ground_truth(dataset, depth, threads=1, cache=False)
    score = Scorer(dataset, truth, rule).score(ids)
    return Answers(
        k=ids.shape[1],
        ids=ids,
        hits=score.hits,
        truth_ids=truth.ids[:, :kept],
        truth_distances=truth.distances[:, :kept],
        metric=dataset.metric,
        rule=rule,
        ratio=score.ratio,
        latency_ns=np.empty((len(ids), 0), dtype=np.int64),
        place=score.place if stored else None,
    )


@st.composite
def searched(draw: st.DrawFn) -> tuple[Dataset, np.random.Generator, int]:
    """Vectors of few small whole numbers, some of them several times, and a K."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(2, 40)), draw(st.integers(1, 3))
    base, queries = (rng.integers(-2, 3, (rows, d)).astype(np.float32) for rows in (n, 7))
    for vectors in (base, queries):
        vectors[~vectors.any(axis=1)] = 1  # a zero vector has no cosine
    base = base[rng.integers(0, n, n)]
    metric = draw(st.sampled_from(METRICS))
    return Dataset("tied", base, queries, metric), rng, draw(st.integers(1, min(n, 12)))


@settings(deadline=None, max_examples=150)
@given(searched(), st.sampled_from(RULES), st.data())
def test_every_measure_is_its_definition_whatever_was_stored_beside(
    given_data: tuple[Dataset, np.random.Generator, int], rule: Rule, data: st.DataObject
) -> None:
    """From raw ids with repeats and pads, to 1e-12, however deep the ground truth is."""
    dataset, rng, k = given_data
    depth = data.draw(st.integers(k, dataset.n))
    kept = data.draw(st.integers(k, depth))
    t = data.draw(st.integers(1, k))
    ids = rng.integers(-1, dataset.n, (dataset.m, k))
    answers = answers_of(dataset, rule, ids, depth, kept)
    whole = [[[int(x) for x in row] for row in part] for part in (dataset.queries, dataset.base)]
    plain = [
        Plain(query, whole[1], dataset.metric, rule, k, true, asked)
        for query, true, asked in zip(
            whole[0], answers.truth_ids.tolist(), ids.tolist(), strict=True
        )
    ]
    each = [one.values(t) for one in plain]
    for written in MEASURES:
        spelling = written.format(k=k, t=t)
        found = parse(spelling).value(answers)
        assert found == pytest.approx(plain_value(spelling, each, t), abs=1e-12), spelling
    missed = answers.missed.sum(axis=1)
    assert missed.tolist() == [k - sum(map(bool, one.counted())) for one in plain]
    assert not (answers.missed & relevant(answers.truth_ids[:, :k], ids)).any()


@settings(deadline=None, max_examples=60)
@given(searched(), st.data())
def test_exact_search_is_1_by_every_measure_whatever_the_ids(
    given_data: tuple[Dataset, np.random.Generator, int], data: st.DataObject
) -> None:
    """Which of equally distant vectors it returns, and in which order, is all one."""
    dataset, rng, k = given_data
    whole = [[[int(x) for x in row] for row in part] for part in (dataset.queries, dataset.base)]
    ids = np.empty((dataset.m, k), dtype=np.int64)
    for row, query in enumerate(whole[0]):
        plain = Plain(query, whole[1], dataset.metric, "exact-tie", 0, [], [])
        some = rng.permutation(dataset.n).tolist()
        ids[row] = sorted(some, key=plain.key)[:k]
    answers = answers_of(dataset, "exact-tie", ids, data.draw(st.integers(k, dataset.n)), k)
    t = data.draw(st.integers(1, k))
    for written in MEASURES:
        spelling = written.format(k=k, t=t)
        wanted = 0.0 if written.startswith("Failure") else 1.0
        assert parse(spelling).value(answers) == pytest.approx(wanted, abs=1e-12), spelling
    assert not answers.missed.any()
    assert not answers.wrong.any()


def test_places_are_stored_only_where_others_tie_with_the_list() -> None:
    """Without a tie ids say all; an older trial's places are looked up in its exact neighbors."""
    base = np.float32([[1.0], [1.0], [1.0], [2.0], [3.0]])
    dataset = Dataset("copies", base, np.float32([[0.0], [2.5]]), "l2")
    assert answers_of(dataset, "exact-tie", np.array([[0, 1], [4, 3]]), 4, 4).place is None
    ids = np.array([[2, 1], [4, 3]])
    stored = answers_of(dataset, "exact-tie", ids, 4, 2)
    assert stored.place is not None
    assert (stored.place.dtype, stored.place.tolist()) == (np.uint16, [[1, 1], [1, 1]])
    assert answers_of(dataset, "id", ids, 4, 4).place is None
    older = answers_of(dataset, "exact-tie", ids, 4, 4, stored=False)
    assert older.relevance().all()
    assert (older.places == stored.place).all()


def test_another_k_of_the_call_changes_nothing(tmp_path: Path) -> None:
    """Exact search on copies is 1 by every measure, alone and beside a larger K."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 8)).astype(np.float32)
    base = np.repeat(vectors, 20, axis=0)[rng.permutation(600)]
    queries = (vectors[:10] + 0.3 * rng.normal(size=(10, 8))).astype(np.float32)
    dataset = vbench.load(base, queries=queries, metric="l2", name="copies")
    written = [each.format(k=6, t=2) for each in MEASURES if not each.startswith("Failure")]
    for k in ([6], [6, 60]):
        run = vbench.run(dataset, "flat", k=k, builds=1, repeats=1, out=tmp_path / str(len(k)))
        (setting,) = (each for each in run.settings() if each.k == 6)
        (answers,) = setting.answers()
        assert [parse(each).value(answers) for each in written] == pytest.approx([1.0] * 12)
