"""The self-test: what is told of how evenly the same work goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from vbench._process.cores import usable_cores
from vbench.doctor.noise import Round, measure_noise


def silent(doing: str, done: int, total: int) -> None:
    pass


def rounds(walls: list[float], share: float = 1.0) -> Callable[[float], Iterator[Round]]:
    """Work that takes these times, of which the CPU has a share."""

    def work(seconds: float) -> Iterator[Round]:
        for wall in walls:
            yield Round(round(wall), round(wall * share))

    return work


def test_even_work_has_no_spread() -> None:
    """All rounds alike: nothing between the 99th percentile and the median."""
    found = measure_noise(1.0, silent, rounds([1000.0] * 100))
    assert (found.cpu_share, found.spread, found.drift) == (1.0, 1.0, 1.0)
    assert found.rounds == 100 * len(usable_cores())


def test_a_core_that_others_take_has_less_cpu_time() -> None:
    """CPU time / wall time."""
    assert measure_noise(1.0, silent, rounds([1000.0] * 50, 0.4)).cpu_share == pytest.approx(0.4)


def test_a_few_slow_rounds_are_the_spread() -> None:
    """The 99th percentile over the median, as numpy has it."""
    walls = [1000.0] * 95 + [8000.0] * 5
    found = measure_noise(1.0, silent, rounds(walls))
    assert found.spread == pytest.approx(np.percentile(walls, 99) / 1000)


def test_a_core_that_slows_down_drifts() -> None:
    """Median of the later half over that of the first; the change that is largest, either way."""
    assert measure_noise(1.0, silent, rounds([1000.0] * 50 + [1200.0] * 50)).drift == 1.2
    assert measure_noise(1.0, silent, rounds([1000.0] * 50 + [500.0] * 50)).drift == 0.5


def test_real_work_is_done_on_every_core_and_the_process_is_free_again() -> None:
    """It takes its time, says how far it is, and leaves the cores as they were."""
    told: list[str] = []
    before = usable_cores()
    found = measure_noise(0.2, lambda doing, done, total: told.append(doing))
    assert found.seconds >= 0.2
    assert found.rounds >= 40 * len(before)
    assert 0 < found.cpu_share <= 1.1
    assert {f"self-test on core {core}" for core in before} == set(told)
    assert usable_cores() == before
    assert os.getpid()
