"""Counted passes: their orders, the first touch of each query, what is done again."""

from __future__ import annotations

from typing import Any

import numpy as np
from machine import Machine

from vbench.bench.worker import clock

M = 40
QUERIES = np.arange(M, dtype=np.float32)[:, np.newaxis]


class Searched:
    """Notes the queries of each pass; call `slow(pass, query)` says for how long others work."""

    def __init__(self, slow: Any = lambda number, query: 0) -> None:
        self.machine = Machine()
        self.asked: list[int] = []
        self._slow = slow

    def search_one(self, query: np.ndarray, k: int) -> list[int]:
        number, asked = len(self.asked) // M, int(query[0])
        self.asked.append(asked)
        self.machine.work(1000 + number)
        self.machine.wait(self._slow(number, asked))
        return [asked]

    def orders(self) -> list[list[int]]:
        return np.reshape(self.asked, (-1, M)).tolist()


def measured(searched: Searched, order_seed: int = 5, **options: Any) -> clock.Passes:
    return clock.measure(
        searched.search_one,
        lambda: QUERIES,
        1,
        order_seed=order_seed,
        clock=searched.machine.clock,
        **{"repeats": 3} | options,
    )


def test_each_pass_asks_all_queries_in_an_order_of_its_own() -> None:
    """Drawn for the build; what drew it is kept; ids are those of the queries all the same."""
    here, there = Searched(), Searched()
    done = measured(here)
    measured(there, order_seed=6)
    orders = here.orders() + there.orders()
    assert len({tuple(order) for order in orders}) == 6
    assert all(sorted(order) == list(range(M)) for order in orders)
    assert list(range(M)) not in orders
    for order, seed in zip(here.orders(), done.order_seeds, strict=True):
        assert np.random.default_rng(seed).permutation(M).tolist() == order
    for each in done.counted:
        assert each.ids[:, 0].tolist() == list(range(M))


def test_the_same_build_is_asked_in_the_same_orders() -> None:
    """So that its settings differ in nothing else."""
    first, second = Searched(), Searched()
    measured(first)
    measured(second)
    assert first.orders() == second.orders()


def test_a_disturbed_pass_is_made_again_and_not_counted() -> None:
    """In another order; its first touches of the queries are kept."""
    searched = Searched(lambda number, query: 90 if number == 0 else 0)
    done = measured(searched)
    assert (done.redone, done.total, len(done.counted)) == (1, 4, 3)
    assert len({tuple(order) for order in searched.orders()}) == 4
    assert [each.latency_ns[0] for each in done.counted] == [1001, 1002, 1003]
    assert done.first_ns.tolist() == [1090] * M
    assert not any(clock.is_disturbed(each, local=True) for each in done.counted)


def test_a_little_of_the_core_for_others_is_no_disturbance() -> None:
    """From 93 % of the time on."""
    assert measured(Searched(lambda number, query: 70)).redone == 0
    assert measured(Searched(lambda number, query: 80)).redone == 3


def test_passes_are_made_again_up_to_a_limit() -> None:
    """As often as there are repeats; what is disturbed then is counted, and told."""
    done = measured(Searched(lambda number, query: 5000), repeats=2)
    assert (done.redone, len(done.counted)) == (2, 2)
    assert all(clock.is_disturbed(each, local=True) for each in done.counted)


def test_who_waits_for_another_process_is_not_disturbed() -> None:
    """As an index that is not local does."""
    done = measured(Searched(lambda number, query: 5000), local=False)
    assert done.redone == 0


def test_the_first_counted_pass_is_the_first_touch() -> None:
    """It costs no pass of its own."""
    done = measured(Searched())
    assert done.total == 3
    assert done.first_ns.tolist() == done.counted[0].latency_ns.tolist() == [1000] * M
