"""A list-wise stage behind a ranker: items are sequences of global codes, generated in order.

Imports jax and optax.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import faiss
import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from vbench.errors import DataError
from vbench.metric import FloatArray
from vbench.ranking.features import Floats, unit
from vbench.ranking.networks.base import Array, Weights, drawer
from vbench.ranking.protocol import Material, Ranker, Rows

CODES, LEVELS = 32, 2
"""Codes of a level, and levels of the code book."""
SHOWN, KEPT = 30, 10
"""Items of a list that are looked at, the ranker's best; and that are generated."""
WIDTH = 16
BATCH = 64
SUPERVISED, REINFORCED = 80, 80
"""Steps on good lists, and steps on what sampled lists are worth."""
RATE = 1e-2
FEWEST_LISTS = 20
_NEVER = -1e9
_DISCOUNT = (1.0 / np.log2(np.arange(2, KEPT + 2))).astype(np.float32)


class Lists(NamedTuple):
    """Lists of candidates in the order of a ranker: B lists of SHOWN.

    Attributes
    ----------
    codes : int32 (B, SHOWN, LEVELS)
    score : float32 (B, SHOWN), the ranker's, standardized within each list
    query : float32 (B, d)
    there : bool (B, SHOWN), False for a pad
    """

    codes: Array
    score: Array
    query: Array
    there: Array


def quantize(vectors: Floats, seed: int) -> NDArray[np.int32]:
    """The code of each vector at each level, by residual k-means: int32 (n, LEVELS)."""
    rest = np.ascontiguousarray(vectors, dtype=np.float32).copy()
    found = []
    for level in range(LEVELS):
        means = faiss.Kmeans(
            rest.shape[1],
            min(CODES, len(rest)),
            niter=10,
            seed=seed + level + 1,
            min_points_per_centroid=1,
        )
        means.train(rest)
        code = means.index.search(rest, 1)[1][:, 0]
        rest -= means.centroids[code]
        found.append(code.astype(np.int32))
    return np.stack(found, axis=1)


class GloRank:
    """Generates the top of each list from the codes of its items.

    Jia et al., arXiv 2604.25291 (2026): an action is a code of a code book that all lists share, so
    that it means the same everywhere; decoding is restricted to the codes of the candidates;
    supervised on good lists, then improved by policy gradient on what a list is worth. Of our own
    choice: two levels of 32 codes by residual k-means of the item vectors; of a list the best 30;
    a good list has what the user took next first, then the ranker's order; a list is worth its
    nDCG@10, against that of greedy decoding; and the ranker's score of the best candidate of a code
    is part of the code's, so that an untrained generator keeps the ranker's order.
    """

    def __init__(self, material: Material, ranker: Ranker, next_query: Rows, next_item: Rows):
        data = material.dataset
        self._items = unit(np.asarray(data.base, dtype=np.float32))
        self._queries = unit(np.asarray(data.queries, dtype=np.float32))
        self._codes = quantize(self._items, material.seed)
        shown = material.exposed[next_query]
        held = (shown == next_item[:, np.newaxis]).any(axis=1)
        queries, taken, items = next_query[held], next_item[held], shown[held]
        if len(queries) < FEWEST_LISTS:
            raise DataError(
                f"only {len(queries)} exact lists hold what their user took next; a re-ranking "
                f"stage needs {FEWEST_LISTS} to learn from; leave it out"
            )
        score = np.asarray(ranker.score(queries, items), dtype=np.float64)
        lists, order = self._lists(queries, items, score, items >= 0)
        first = (np.take_along_axis(items, order, axis=1) == taken[:, np.newaxis]).astype(
            np.float32
        )
        self._decode = jax.jit(lambda weights, given: _generate(weights, given, None)[0])
        self._weights = _fit(lists, first, data.d, material.seed)

    def scores(
        self, queries: Rows, items: Rows, score: FloatArray, there: NDArray[np.bool_]
    ) -> FloatArray:
        """Scores that put each list in its new order: float64 (m, k); the top 10 are generated."""
        made = np.empty(score.shape)
        step = 1 << 10
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            rows = np.arange(start, start + step).clip(max=len(queries) - 1)
            lists, order = self._lists(queries[rows], items[rows], score[rows], there[rows])
            size = len(queries[part])
            chosen = np.asarray(self._decode(self._weights, lists))[:size]
            made[part] = _put_first(score[part], there[part], order[:size], chosen)
        return made

    def _lists(
        self, queries: Rows, items: Rows, score: FloatArray, there: NDArray[np.bool_]
    ) -> tuple[Lists, NDArray[np.intp]]:
        """The best of each list, and their places in it: (B, SHOWN)."""
        falling = np.where(there, -score, np.inf)
        order = np.argsort(falling, axis=1, kind="stable")[:, :SHOWN]
        pad = SHOWN - order.shape[1]
        is_there = np.pad(np.take_along_axis(there, order, axis=1), ((0, 0), (0, pad)))
        order = np.pad(order, ((0, 0), (0, pad)))
        own = np.take_along_axis(score, order, axis=1)
        count = np.maximum(is_there.sum(axis=1, keepdims=True), 1)
        mean = np.where(is_there, own, 0.0).sum(axis=1, keepdims=True) / count
        apart = np.where(is_there, own - mean, 0.0)
        spread = np.sqrt((apart**2).sum(axis=1, keepdims=True) / count)
        standard = (apart / np.maximum(spread, 1e-9)).astype(np.float32)
        chosen = np.take_along_axis(items, order, axis=1)
        return Lists(self._codes[chosen], standard, self._queries[queries], is_there), order


def _put_first(
    score: FloatArray, there: NDArray[np.bool_], order: NDArray[np.intp], chosen: NDArray[Any]
) -> FloatArray:
    """What is generated first, in that order; the rest in the ranker's."""
    falling = np.argsort(np.where(there, -score, np.inf), axis=1, kind="stable")
    made = np.empty(score.shape)
    width = score.shape[1]
    np.put_along_axis(made, falling, -np.arange(width, dtype=float)[np.newaxis], axis=1)
    for step in range(min(KEPT, width)):
        at = np.take_along_axis(order, chosen[:, step : step + 1], axis=1)
        is_one = np.take_along_axis(there, at, axis=1)
        now = np.take_along_axis(made, at, axis=1)
        # A list that is used up generates what is first already.
        np.put_along_axis(made, at, np.where(is_one & (now <= 0), KEPT - step, now), axis=1)
    return made


def _draw(d: int, seed: int) -> Weights:
    normal = drawer(seed)
    return {
        "query": normal(d, WIDTH),
        "next": normal(WIDTH, WIDTH),
        "seen": normal(WIDTH, WIDTH),
        "read": 0.3 * normal(LEVELS, CODES, WIDTH),
        "code": jnp.zeros((LEVELS, CODES, WIDTH)),
        "trust": jnp.asarray(2.0),
    }


def item_chances(weights: Weights, state: Array, lists: Lists, left: Array) -> tuple[Array, Array]:
    """Log of the chance that each candidate is generated next, and the greedy choice.

    The first code is drawn among those of what is left, then the second among those of what is left
    with the first, then the ranker's best of both: (B, SHOWN) and (B,).
    """
    first, second = lists.codes[..., 0], lists.codes[..., 1]
    left_j = left[:, jnp.newaxis]
    same = (first[:, :, jnp.newaxis] == first[:, jnp.newaxis]) & left_j
    both = same & (second[:, :, jnp.newaxis] == second[:, jnp.newaxis])
    own = weights["trust"] * lists.score
    code = weights["code"]
    asked = state[:, jnp.newaxis] + weights["read"][0][first]
    one = jnp.einsum("bw,blw->bl", state, code[0][first]) + _best(own, same)
    two = jnp.einsum("blw,blw->bl", asked, code[1][second]) + _best(own, both)
    # Each code once, however many candidates have it.
    once = jnp.where(left, one - jnp.log(jnp.maximum(same.sum(-1), 1)), _NEVER)
    twice = (two - jnp.log(jnp.maximum(both.sum(-1), 1)))[:, jnp.newaxis]
    chance = one - jax.nn.logsumexp(once, axis=-1, keepdims=True)
    chance += two - jax.nn.logsumexp(jnp.where(same, twice, _NEVER), axis=-1)
    last = jnp.where(both, own[:, jnp.newaxis], _NEVER)
    chance += own - jax.nn.logsumexp(last, axis=-1)
    best = jnp.argmax(jnp.where(left, one, _NEVER), axis=-1)
    of_first = jnp.take_along_axis(same, best[:, None, None], axis=1)[:, 0]
    best = jnp.argmax(jnp.where(of_first, two, _NEVER), axis=-1)
    of_both = jnp.take_along_axis(both, best[:, None, None], axis=1)[:, 0]
    return jnp.where(left, chance, _NEVER), jnp.argmax(jnp.where(of_both, own, _NEVER), axis=-1)


def _best(own: Array, among: Array) -> Array:
    return jnp.where(among, own[:, jnp.newaxis], _NEVER).max(axis=-1)


def _generate(weights: Weights, lists: Lists, forced: Array | None, key: Any = None) -> Any:
    """Generate each list: greedily, as `forced` (B, KEPT) says, or by chance where a key is given.

    Returns
    -------
    chosen (B, KEPT), and the log of the chance of each choice (B, KEPT)
    """
    rows = jnp.arange(len(lists.query))

    def step(carry: Any, given: Any) -> Any:
        state, left = carry
        wanted, own_key = given
        chance, greedy = item_chances(weights, state, lists, left)
        if forced is not None:
            chosen = wanted
        elif key is not None:
            chosen = jax.random.categorical(own_key, chance, axis=-1)
        else:
            chosen = greedy
        code = lists.codes[rows, chosen]
        seen = weights["read"][0][code[:, 0]] + weights["read"][1][code[:, 1]]
        state = jnp.tanh(state @ weights["next"] + seen @ weights["seen"])
        # The chance of a pad, in a list that is used up, teaches nothing.
        there = left[rows, chosen]
        left = left.at[rows, chosen].set(False)
        return (state, left), (chosen, jnp.where(there, chance[rows, chosen], 0.0))

    steps = jnp.zeros((KEPT, len(rows)), dtype=jnp.int32) if forced is None else forced.T
    keys = jax.random.split(jax.random.PRNGKey(0) if key is None else key, KEPT)
    start = (jnp.tanh(lists.query @ weights["query"] * WIDTH), jnp.asarray(lists.there))
    _, (chosen, chances) = jax.lax.scan(step, start, (steps, keys))
    return chosen.T, chances.T


def _fit(lists: Lists, taken: Floats, d: int, seed: int) -> Weights:
    """Learn from good lists, then from what lists are worth; `taken` is (B, SHOWN), 1 or 0."""
    weights = _draw(d, seed)
    adam = optax.adam(RATE)
    state = adam.init(weights)
    good = np.argsort(-taken, axis=1, kind="stable")[:, :KEPT].astype(np.int32)

    def supervised(weights: Weights, own: Lists, good: Array, taken: Array, key: Any) -> Array:
        return -(_generate(weights, own, good)[1] * _DISCOUNT).sum(axis=1).mean()

    def reinforced(weights: Weights, own: Lists, good: Array, taken: Array, key: Any) -> Array:
        drawn, chances = _generate(weights, own, None, key)
        greedy, _ = _generate(weights, own, None)
        more = list_worth(drawn, taken) - list_worth(greedy, taken)
        return -(jax.lax.stop_gradient(more) * chances.sum(axis=1)).mean()

    rng = np.random.default_rng([seed, 17])
    keys = jax.random.split(jax.random.PRNGKey(seed), SUPERVISED + REINFORCED)
    number = 0
    for loss, steps in ((supervised, SUPERVISED), (reinforced, REINFORCED)):
        gradient = jax.jit(jax.grad(loss))
        for _ in range(steps):
            rows = rng.integers(0, len(taken), BATCH)
            own = Lists(*(each[rows] for each in lists))
            change, state = adam.update(
                gradient(weights, own, good[rows], taken[rows], keys[number]), state, weights
            )
            weights = optax.apply_updates(weights, change)
            number += 1
    return weights


def list_worth(chosen: Array, taken: Array) -> Array:
    """What each list is worth, its nDCG@10 where one item is relevant: (B,)."""
    return (jnp.take_along_axis(taken, chosen, axis=1) * _DISCOUNT).sum(axis=1)
