"""How an index is to be asked: what a call says, checked, as loads, each with a stable key.

The usual load, one query after another, is always measured; others are measured beside it.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from vbench._arguments import check_choice
from vbench._invocation import spell_option
from vbench.errors import VbenchError
from vbench.indexes.handles import client_means
from vbench.indexes.protocol import Index, reads_files
from vbench.runs.loads import label_load
from vbench.runs.schema import Load

_MOST_CLIENTS = 1024


def plan_loads(
    clients: int | Sequence[int] | None,
    rate: float | Sequence[float] | None,
    batch: int | Sequence[int] | None,
    m: int,
    cache: str = "warm",
) -> list[Load]:
    """The loads beside the usual one that a call asks for, for `m` queries.

    Several clients, each with its share of the queries, ask in single calls or in batches; with
    a rate, queries come at it and `clients` of them are answered at a time. With a cold `cache`
    what an index reads of files is taken out of memory before each query.

    Raises
    ------
    VbenchError
        A value is not allowed, or two that do not go together are given.
    """
    counts = _whole_numbers("clients", clients, "1,2,4", _MOST_CLIENTS)
    sizes = _whole_numbers("batch", batch, "1,10,100", m)
    rates = _rates(rate)
    if rates and sizes:
        raise VbenchError(
            "rate and batch do not go together: at a rate queries come one at a time; "
            "leave one of them out"
        )
    check_choice("cache", cache, ("warm", "cold"))
    found = [Load(cache="cold")] if cache == "cold" else []
    at: list[float | None] = [*rates] or [None]
    for count, size, each in itertools.product(counts or [1], sizes or [1], at):
        asked = count * size
        if asked > m:
            batches = f" with batches of {size} need {asked:,} queries" if size > 1 else ""
            raise VbenchError(
                f"clients={count}{batches}, and there are {m:,}; give each client a query at least"
            )
        if each is not None:
            found.append(Load(mode="open", clients=count, rate=each))
        elif asked > 1:
            found.append(
                Load(
                    mode="closed" if count > 1 else "single",
                    clients=count,
                    batch=size if size > 1 else None,
                )
            )
    return found


def loads_for(index: str, kind: type[Index], loads: Sequence[Load]) -> list[Load]:
    """The loads as an index takes them: its clients are forks, threads or connected processes.

    Raises
    ------
    VbenchError
        It can be asked by one client only.
    """
    if any(load.cache == "cold" for load in loads):
        _check_cold(index, kind)
    return [_keyed(load, _means(index, kind, load)) for load in loads]


def _check_cold(index: str, kind: type[Index]) -> None:
    if not reads_files(kind):
        raise VbenchError(
            f"{spell_option('cache', 'cold')} does not apply to index {index!r}: it lies in "
            "memory, or does not say by a method files() which files it reads; leave one of them "
            "out"
        )
    if not hasattr(os, "posix_fadvise") or not Path("/proc/self/maps").exists():
        raise VbenchError(
            f"{spell_option('cache', 'cold')} needs Linux: elsewhere nothing can be taken out of "
            "memory"
        )


def _means(index: str, kind: type[Index], load: Load) -> Any:
    """What the clients of a load are; None where there is one."""
    if load.clients == 1:
        return None
    if means := client_means(kind):
        return means
    raise VbenchError(
        f"index {index!r} is asked by one client only, not by clients={load.clients}: it cannot "
        'be forked, and its class says neither clients = "threads" nor how to connect'
    )


def _keyed(load: Load, means: Any) -> Load:
    label = label_load(msgspec.structs.replace(load, key=""))
    # It stands in the keys of trials, and is no name of a file: 1e+06 queries a second.
    key = "-".join([*label.split(), *([means] if means else [])]).replace("+", "")
    return msgspec.structs.replace(load, key=key, by=means)


def _whole_numbers(
    name: str, given: int | Sequence[int] | None, usual: str, most: int
) -> list[int]:
    """Numbers from 1 on, each once, ascending."""
    for each in _listed(given):
        whole = isinstance(each, int | np.integer) and not isinstance(each, bool)
        if not whole or not 1 <= each <= most:
            raise VbenchError(
                f"{name}={each}; give whole numbers from 1 to {most:,}, such as {usual}"
                + (": a batch cannot be larger than the queries" if name == "batch" else "")
            )
    return sorted({int(each) for each in _listed(given)})


def _rates(given: float | Sequence[float] | None) -> list[float]:
    for each in _listed(given):
        number = isinstance(each, int | float | np.number) and not isinstance(each, bool)
        if not number or not 0 < each < math.inf:
            raise VbenchError(
                f"rate={each}; give queries a second, a number above 0, such as rate=500"
            )
    return sorted({float(each) for each in _listed(given)})


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    several = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
    return list(given) if several else [given]
