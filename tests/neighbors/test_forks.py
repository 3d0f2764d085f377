"""Forks that share the queries answer as threads do, and what goes wrong with one is told."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable

import numpy as np
import pytest

from vbench._process.forks import CAN_FORK
from vbench.errors import DataError, VbenchError
from vbench.metric import METRICS, Metric
from vbench.neighbors import forks as module
from vbench.neighbors.exact import nearest
from vbench.neighbors.forks import count_forks, shared_array, work_in_forks

N, M, D, K = 900, 31, 6, 12


def made(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, D), np.float32), rng.standard_normal((M, D), np.float32)


@pytest.fixture
def _worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    if not CAN_FORK:
        pytest.skip("no forks here")
    monkeypatch.setattr(module, "FEWEST_QUERIES", 1)
    monkeypatch.setattr(module, "_FEWEST_PRODUCTS", 1)


@pytest.mark.parametrize(
    ("threads", "m", "products", "forks"),
    [
        (1, 10_000, 10**13, 1),
        (2, 10_000, 10**13, 2),
        (2, 10_000, 10**10, 1),
        (16, 10_000, 10**13, 16),
        (16, 100, 10**13, 1),
        (16, 640, 10**13, 10),
        (16, 10_000, 5 * 10**10, 5),
        (16, 0, 0, 1),
    ],
)
def test_forks_are_as_many_as_are_worth_it(
    threads: int, m: int, products: int, forks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None for one thread, thin products or little to do; none where nothing can be forked."""
    monkeypatch.setattr(module, "CAN_FORK", True)
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    assert count_forks(threads, m, products) == forks
    monkeypatch.setitem(sys.modules, "jax", object())
    assert count_forks(threads, m, products) == 1
    monkeypatch.delitem(sys.modules, "jax")
    monkeypatch.setattr(module, "CAN_FORK", False)
    assert count_forks(threads, m, products) == 1


@pytest.mark.usefixtures("_worth_it")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_answers_are_those_of_one_thread(metric: Metric, threads: int) -> None:
    """To the last bit, also within a limit and of a range; progress counts each pair once."""
    base, queries = made()
    pairs = 0

    def count(rows: int, asked: int) -> None:
        nonlocal pairs
        pairs += rows * asked

    alone = nearest(queries, base, metric, K, start=5, stop=800)
    limit = alone[1][:, 5]
    several = nearest(queries, base, metric, K, start=5, stop=800, threads=threads, progress=count)
    for one, other in zip(alone, several, strict=True):
        np.testing.assert_array_equal(one, other)
    assert pairs == 795 * M
    for one, other in zip(
        nearest(queries, base, metric, K, limit=limit),
        nearest(queries, base, metric, K, limit=limit, threads=threads),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("_worth_it")
def test_what_is_wrong_is_told_by_its_row() -> None:
    """Of all queries, not of those of the fork."""
    base, queries = made()
    queries[20] = np.nan
    with pytest.raises(DataError, match="queries, row 20"):
        nearest(queries, base, "l2", K, threads=3)
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("_worth_it")
def test_a_fork_that_is_killed_is_told() -> None:
    """And the others end."""
    written = shared_array((4,), np.int64)

    def work(part: slice, tell: Callable[[int, int], None]) -> None:
        if part.start == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        written[part] = 1

    with pytest.raises(VbenchError, match="was killed by SIGKILL"):
        work_in_forks(work, 4, 2, None)
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("_worth_it")
def test_what_forks_write_is_seen() -> None:
    """In an array that is shared."""
    written = shared_array((2, 3), np.float64)

    def work(part: slice, tell: Callable[[int, int], None]) -> None:
        written[part] = os.getpid()

    work_in_forks(work, 2, 2, None)
    assert len({*written[:, 0], float(os.getpid())}) == 3
