"""What one client does while the clock runs: as little as possible, in a closed loop or an open."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.bench.worker import clock

Call = Callable[[NDArray[np.float32], int], Any]
SOON_NS = 3_000_000
"""From the moment that all clients are ready to the start."""
_SLACK_NS = 120_000
"""How late a sleep may end; what is left of it is waited for in naps of no length."""


class Part(NamedTuple):
    """What one client asks in a pass: queries (r, d), alone or in batches, one after another.

    `due_ns` is when each may be asked, from the start of the pass: clients then take the next one
    of all, and hold all of them.
    """

    queries: NDArray[np.float32]
    batch: int | None = None
    due_ns: Sequence[int] | None = None

    def calls(self) -> list[NDArray[np.float32]]:
        """What each call is asked: a query (d,), or a batch of them."""
        if self.batch is None:
            return list(self.queries)
        starts = range(0, len(self.queries), self.batch)
        return [self.queries[start : start + self.batch] for start in starts]


class Asked(NamedTuple):
    """What a client was answered.

    Attributes
    ----------
    numbers
        Places of the calls in the client's part.
    answers, times_ns
        The answer to each, as the index gave it, and its time: from when it was due.
    waits_ns
        How long each waited for its call to begin.
    idle_ns
        Of the waits, what passed while the client had nothing else to do.
    began_ns, ended_ns, cpu_ns
        When the client began and ended; the CPU time of its process, if it has one of its own.
    """

    numbers: Sequence[int]
    answers: list[Any]
    times_ns: list[int]
    waits_ns: list[int] | None
    idle_ns: int
    began_ns: int
    ended_ns: int
    cpu_ns: int = 0


def ask_part(
    call: Call, part: Part, k: int, take: Callable[[], int], start: int, time_: clock.Clock
) -> Asked:
    """Ask what a client is to ask from `start` on; `take` gives the next number of all clients'."""
    now, calls = time_.wall, part.calls()
    if part.due_ns is None:
        wait_until(start, now)
        began = now()
        answers, times = clock.time_calls(call, calls, k, now)
        return Asked(range(len(answers)), answers, times, None, 0, began, now())
    copy, due_ns = np.array, part.due_ns
    numbers: list[int] = []
    found: list[Any] = []
    spent: list[int] = []
    waits: list[int] = []
    idle, began, ended = 0, start, start
    while (number := take()) < len(calls):
        due = start + due_ns[number]
        free = ended < due
        wait_until(due, now)
        before = now()
        answer = call(calls[number], k)
        ended = now()
        idle += before - due if free else 0
        numbers.append(number)
        spent.append(ended - due)
        waits.append(before - due)
        try:
            found.append(answer if type(answer) is tuple else copy(answer))
        except (TypeError, ValueError):
            found.append(answer)
    return Asked(numbers, found, spent, waits, idle, began, ended)


def wait_until(due: int, now: Callable[[], int]) -> None:
    """Wait for a moment, and let other threads work meanwhile."""
    while (left := due - now()) > 0:
        time.sleep((left - _SLACK_NS) * 1e-9 if left > _SLACK_NS else 0)
