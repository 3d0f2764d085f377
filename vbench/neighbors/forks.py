"""Work on ranges of queries by forks of this process: they share the vectors, and no lock.

Threads of Python wait for each other: two of them take an eighth longer than two forks.
"""

from __future__ import annotations

import itertools
import math
import mmap
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench._process.forks import CAN_FORK, start_from_new_thread
from vbench._process.text import signal_name
from vbench.errors import VbenchError

Progress = Callable[[int, int], None]

FEWEST_QUERIES = 64
"""With fewer, a product reads the base more than it computes."""
_FEWEST_PRODUCTS = 10_000_000_000
"""Multiplications that are worth a fork: some tenths of a second."""


def count_forks(threads: int, m: int, products: int) -> int:
    """How many forks are to share the queries (m,) and so many multiplications; 1: none."""
    if not CAN_FORK or multiprocessing.current_process().daemon:
        return 1
    if "jax" in sys.modules:  # its threads may hold a lock that a fork would wait for
        return 1
    return max(1, min(threads, m // FEWEST_QUERIES, products // _FEWEST_PRODUCTS))


def shared_array(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An array of zeros that forks write to as well."""
    count = math.prod(shape)
    memory = mmap.mmap(-1, max(1, count * np.dtype(dtype).itemsize))
    return np.frombuffer(memory, dtype, count).reshape(shape)


def work_in_forks(
    work: Callable[[slice, Progress], None], m: int, forks: int, progress: Progress | None
) -> None:
    """Let each fork work on its range of `m` queries, and wait for all of them.

    What is to be seen of it here goes to a :func:`shared_array`; what it raises is raised here.

    Raises
    ------
    VbenchError
        A fork ended before its work.
    """
    context = multiprocessing.get_context("fork")
    ends = [m * number // forks for number in range(forks + 1)]
    running: dict[Connection, Any] = {}
    try:
        for first, last in itertools.pairwise(ends):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_work,
                args=(theirs, [ours, *running], work, slice(first, last)),
                daemon=True,
            )
            start_from_new_thread(process)
            theirs.close()
            running[ours] = process
        unfinished = list(running)
        while unfinished:
            for pipe in wait(unfinished):
                assert isinstance(pipe, Connection)
                said = _hear(pipe, running[pipe])
                if said is None:
                    unfinished.remove(pipe)
                elif progress:
                    progress(*said)
    finally:
        for pipe, process in running.items():
            pipe.close()
            process.kill()
            process.join()


def _hear(pipe: Connection, process: Any) -> tuple[int, int] | None:
    try:
        said = pipe.recv()
    except EOFError:
        process.join()
        code = process.exitcode
        how = f"killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        raise VbenchError(f"a process of the exact search was {how}") from None
    if isinstance(said, BaseException):
        raise said
    heard: tuple[int, int] | None = said
    return heard


def _work(
    pipe: Connection,
    inherited: Sequence[Connection],
    work: Callable[[slice, Progress], None],
    part: slice,
) -> None:
    # Else this one would not notice that the other side is gone.
    for each in inherited:
        each.close()
    try:
        work(part, lambda rows, queries: pipe.send((rows, queries)))
        pipe.send(None)
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    # It belongs to the side that waits.
    except Exception as error:
        pipe.send(error)
