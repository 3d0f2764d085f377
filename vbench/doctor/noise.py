"""A self-test: the same work on one core after the other, and how evenly it goes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vbench._process.cores import usable_cores
from vbench.analysis.doctor import Noise

Progress = Callable[[str, int, int], None]
_ROUND_NS = 1_000_000
"""About as long as a slow query."""
_FEWEST = 40
_STAT = Path("/proc/stat")


class Round(NamedTuple):
    """Wall time and CPU time of the same work, done once, in ns."""

    wall: int
    cpu: int


def measure_noise(
    seconds: float,
    progress: Progress,
    rounds: Callable[[float], Iterator[Round]] | None = None,
) -> Noise:
    """Do the same work on every usable core for its part of `seconds`."""
    work = rounds or _work
    cores = usable_cores()
    each = seconds / len(cores)
    found: list[list[Round]] = []
    began, steal = time.monotonic(), _stolen()
    for place, core in enumerate(cores):
        with _pinned(core):
            own: list[Round] = []
            for done in work(each):
                own.append(done)
                if len(own) % 100 == 1:
                    progress(
                        f"self-test on core {core}",
                        min(round(time.monotonic() - began), round(seconds)),
                        round(seconds),
                    )
        found.append(own if len(own) > 1 else own * 2)
        progress(f"self-test on core {core}", round((place + 1) * each), round(seconds))
    later = _stolen()
    stolen = None
    if steal is not None and later is not None and later[1] > steal[1]:
        stolen = (later[0] - steal[0]) / (later[1] - steal[1])
    walls = [np.array([one.wall for one in own], dtype=np.float64) for own in found]
    halves = [(wall[: len(wall) // 2], wall[len(wall) // 2 :]) for wall in walls]
    drifts = [float(np.median(late) / np.median(early)) for early, late in halves]
    return Noise(
        seconds=time.monotonic() - began,
        rounds=sum(map(len, found)),
        cpu_share=min(sum(x.cpu for x in own) / sum(x.wall for x in own) for own in found),
        spread=max(float(np.percentile(wall, 99) / np.median(wall)) for wall in walls),
        drift=max(drifts, key=lambda drift: abs(np.log(drift))),
        stolen=stolen,
    )


def _work(seconds: float) -> Iterator[Round]:
    """Sums of products that fit into a core's own cache, until the time is up."""
    vectors = np.random.default_rng(0).standard_normal((64, 256)).astype(np.float32)
    query = vectors[0].copy()
    often = _often(lambda: vectors @ query)
    end = time.monotonic() + seconds
    done = 0
    while done < _FEWEST or time.monotonic() < end:
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        for _ in range(often):
            vectors @ query
        yield Round(time.perf_counter_ns() - wall, time.thread_time_ns() - cpu)
        done += 1


def _often(call: Callable[[], object]) -> int:
    """How often a call fills a round."""
    best = min(_time(call) for _ in range(50))
    return max(1, round(_ROUND_NS / max(1, best)))


def _time(call: Callable[[], object]) -> int:
    began = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - began


@contextlib.contextmanager
def _pinned(core: int) -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _stolen() -> tuple[int, int] | None:
    """Ticks that the host of a virtual machine took, and all ticks; None where nothing says it."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        ticks = [int(each) for each in _STAT.read_text().split("\n", 1)[0].split()[1:]]
        return ticks[7], sum(ticks[:8])
    return None
