"""The counted passes over the queries: each in an order of its own, a disturbed one done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.bench.clock import QUIET, SYSTEM, Clock, Pass, SearchOne, time_singly

Queries = Callable[[], NDArray[np.float32]]
"""The queries as an index is given them."""


class Passes(NamedTuple):
    """What was measured at one setting.

    Attributes
    ----------
    counted
        As many as were asked for.
    order_seeds
        What the order of each of them was drawn with.
    redone
        How many more there were, left out because other processes disturbed them.
    first_ns : int64 (m,)
        The first touch of each query: its time in the first pass of all, counted or not.
    """

    counted: list[Pass]
    order_seeds: list[int]
    redone: int
    first_ns: NDArray[np.int64]

    @property
    def total(self) -> int:
        """How many passes there were in all."""
        return len(self.counted) + self.redone


def measure(
    search_one: SearchOne,
    queries: Queries,
    k: int,
    *,
    repeats: int,
    order_seed: int,
    local: bool = True,
    clock: Clock = SYSTEM,
) -> Passes:
    """Make `repeats` passes; a disturbed one is done again, at most `repeats` times in all.

    Parameters
    ----------
    order_seed
        Of it and of its number each pass draws the order of its queries.
    local
        False where another process does the work: then waiting is no disturbance.
    """
    counted: list[Pass] = []
    seeds: list[int] = []
    redone = 0
    first: NDArray[np.int64] | None = None
    while len(counted) < repeats:
        seed = pass_seed(order_seed, len(counted) + redone)
        given = queries()
        order = np.random.default_rng(seed).permutation(len(given))
        done = time_singly(search_one, given, k, order=order, clock=clock)
        first = done.latency_ns if first is None else first
        if is_disturbed(done, local=local) and redone < repeats:
            redone += 1
            continue
        counted.append(done)
        seeds.append(seed)
    return Passes(counted, seeds, redone, counted[0].latency_ns if first is None else first)


def pass_seed(order_seed: int, number: int) -> int:
    """The seed of the order of a build's pass of this number."""
    return int(np.random.SeedSequence([order_seed, 1, number]).generate_state(1)[0])


def is_disturbed(done: Pass, *, local: bool) -> bool:
    """Whether other processes took the core during a pass."""
    return local and done.cpu_share < QUIET
