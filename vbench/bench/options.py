"""Check what a caller asks of a run, before anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vbench._process.cores import usable_cores
from vbench._trust import is_trusted
from vbench.data.check import check_k
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.measures.hits import RULES
from vbench.runs.schema import Options

WARMUP = 1000


def make_options(
    dataset: Dataset,
    *,
    k: int | Sequence[int],
    builds: int,
    repeats: int,
    threads: int,
    seed: int,
    rule: str,
    timeout: float | None,
    memory_limit: int | None,
    at_recall: float | None = None,
) -> Options:
    """The options of a run; parameters as :func:`vbench.bench.runner.run` has them.

    Raises
    ------
    VbenchError
        A value is not allowed.
    """
    for name, limit in (("timeout", timeout), ("memory_limit", memory_limit)):
        # Not NaN either, which nothing exceeds.
        if limit is not None and not limit > 0:
            raise VbenchError(f"{name}={limit}; give a number above 0, or None for no limit")
    usable = len(usable_cores())
    if not 1 <= threads <= usable:
        raise VbenchError(
            f"threads={threads}; this process may use {usable} cores, give 1 to {usable}"
        )
    if rule not in RULES:
        raise VbenchError(f"recall rule {rule!r} is unknown; give one of {', '.join(RULES)}")
    if at_recall is not None and not 0.0 < at_recall <= 1.0:
        raise VbenchError(f"at_recall={at_recall:g}; give a mean recall above 0, up to 1")
    wanted = np.atleast_1d(k)
    if wanted.dtype.kind not in "iu" or not wanted.size:
        raise VbenchError(f"k={k!r}; give a whole number from 1 on, or several")
    ks = sorted(set(wanted.tolist()))
    for each in ks:
        check_k(dataset, each)
    return Options(
        k=ks,
        builds=_whole("builds", builds, 1),
        repeats=_whole("repeats", repeats, 1),
        threads=threads,
        seed=_whole("seed", seed, 0),
        rule=next(known for known in RULES if known == rule),
        warmup=min(WARMUP, dataset.n),
        warmup_from="base",
        timeout=timeout,
        memory_limit=memory_limit,
        at_recall=at_recall,
        trust=is_trusted(),
    )


def _whole(name: str, value: Any, least: int) -> int:
    if not isinstance(value, int | np.integer) or value < least:
        raise VbenchError(f"{name}={value}; give a whole number from {least} on")
    return int(value)


def listed(indexes: Sequence[str] | str) -> list[str]:
    """The names of the indexes, of which there must be one."""
    names = [indexes] if isinstance(indexes, str) else list(indexes)
    if not names:
        raise VbenchError("no index given; name at least one, such as --index hnsw")
    return names
