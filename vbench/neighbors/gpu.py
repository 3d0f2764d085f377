"""Exact nearest neighbors with the float32 products on a GPU; float64 on the CPU decides, as ever.

The GPU keeps the best scores of each query, more than k of them. What it dropped has no better
float32 score than the last of those, so with the bound on its error it is known whether any of it
can belong to the k nearest. If it can, the query is done again on the CPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from vbench._invocation import spell_option
from vbench.errors import MissingExtraError, VbenchError
from vbench.metric import NO_COSINE, FloatArray, Metric
from vbench.neighbors.candidates import Candidates, capacity
from vbench.neighbors.exact import nearest
from vbench.neighbors.space import FLOAT32, Ids, ScoreSpace, Vectors

if TYPE_CHECKING:
    import torch

_GROUP_BYTES = 1 << 30
"""Of candidates: as many queries at a time as have room in it."""
_TILE_BYTES = 1 << 30
_SLAB_ROWS = 1 << 16
"""Base rows that are sent to the GPU at a time, and scores of them there."""


def open_gpu(name: str) -> torch.device:
    """The GPU of a name, ``cuda`` or ``cuda:1``.

    Raises
    ------
    MissingExtraError
    VbenchError
        There is none of this name that can be used.
    """
    kind, _, number = name.partition(":")
    if kind != "cuda" or (number and not number.isdecimal()) or name.endswith(":"):
        allowed = "give cpu, cuda, or cuda:1 for the second GPU"
        raise VbenchError(f"{spell_option('device')} {name!r} is no device; {allowed}")
    try:
        import torch
    except ImportError:
        raise MissingExtraError("exact search on a GPU", "gpu") from None
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(number or 0) >= count:
        found = f"torch {torch.__version__} finds {count or 'none'} that CUDA can use"
        raise VbenchError(
            f"there is no GPU {name!r} here: {found}; leave out {spell_option('device')}"
        )
    return torch.device(name)


def nearest_on(
    device: torch.device,
    queries: Vectors,
    base: Vectors,
    metric: Metric,
    k: int,
    *,
    start: int = 0,
    stop: int | None = None,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Ids, FloatArray]:
    """Find what :func:`vbench.neighbors.exact.nearest` finds, to the bit.

    Parameters
    ----------
    threads
        Of the CPU, for queries that have to be done there.

    Raises
    ------
    DataError
        As :func:`nearest`.
    VbenchError
        The GPU has no room.
    """
    import torch

    queries, base = np.asarray(queries), np.asarray(base)
    numbers = range(start, len(base) if stop is None else stop)
    m = len(queries)
    ids, distances = np.empty((m, k), np.int64), np.empty((m, k))
    unsure = np.zeros(m, np.bool_)
    group = max(1, _GROUP_BYTES // (12 * capacity(k)))
    try:
        with _plain_float32():
            for first in range(0, m, group):
                some = slice(first, min(first + group, m))
                space = ScoreSpace(queries[some], base, metric, first)
                ids[some], distances[some], unsure[some] = _search(
                    space, k, numbers, device, progress
                )
    except torch.OutOfMemoryError:
        raise VbenchError(
            f"{device} has no room for the exact search; leave out {spell_option('device')}, or "
            "let go of what else is in its memory"
        ) from None
    again = np.flatnonzero(unsure)
    if len(again):
        ids[again], distances[again] = nearest(
            queries[again], base, metric, k, start=start, stop=stop, threads=threads
        )
    return ids, distances


@contextlib.contextmanager
def _plain_float32() -> Iterator[None]:
    """Products of float32 as they are bounded, not rounded to TF32 before."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _search(
    space: ScoreSpace,
    k: int,
    numbers: range,
    device: torch.device,
    progress: Callable[[int, int], None] | None,
) -> tuple[Ids, FloatArray, Any]:
    """Ids and distances (m, k) of a group of queries, and for which of them they are not sure."""
    import torch

    m, room = len(space.queries), capacity(k)
    asked = torch.from_numpy(space.narrow).to(device)
    best = torch.full((m, room), -torch.inf, device=device)
    ids = torch.full((m, room), -1, dtype=torch.int64, device=device)
    chunk = max(1, _TILE_BYTES // (4 * (_SLAB_ROWS + room)))
    largest = 0.0
    for first in numbers[::_SLAB_ROWS]:
        block = space.base[first : min(first + _SLAB_ROWS, numbers.stop)]
        rows, norms = space.rows(block, np.float32, first)
        largest = float(np.maximum(largest, norms.max()))  # NaN stays
        if not np.isfinite(largest):
            break  # the CPU says what is wrong, or does it in float64
        there = torch.from_numpy(rows).to(device)
        nowhere = torch.from_numpy(np.flatnonzero(norms == 0)).to(device)
        for at in range(0, m, chunk):
            part = slice(at, at + chunk)
            scores = asked[part] @ there.T
            if space.metric == "cosine":
                scores[:, nowhere] = 1.0 - NO_COSINE
            found = torch.topk(scores, min(room, len(block)), dim=1, sorted=False)
            scores = torch.cat([best[part], found.values], dim=1)
            places = torch.cat([ids[part], found.indices + first], dim=1)
            kept = torch.topk(scores, room, dim=1, sorted=False)
            best[part], ids[part] = kept.values, places.gather(1, kept.indices)
        if progress:
            progress(len(block), m)
    return _decide(space, k, best.cpu().numpy(), ids.cpu().numpy(), largest)


def _decide(
    space: ScoreSpace, k: int, best: Any, ids: Ids, largest: float
) -> tuple[Ids, FloatArray, Any]:
    """Rank what was kept by float64 distances; unsure is who may lack some that was dropped."""
    m = len(ids)
    error = space.error(slice(0, m), largest, FLOAT32) if np.isfinite(largest) else None
    if error is None or not space.is_safe(error):
        return np.full((m, k), -1), np.full((m, k), np.inf), np.ones(m, np.bool_)
    candidates = Candidates(space, slice(0, m), k, None)
    there = ids >= 0
    scores = best.astype(np.float64)
    candidates.low[there] = (scores - error[:, np.newaxis])[there]
    candidates.high[there] = (scores + error[:, np.newaxis])[there]
    candidates.ids[...] = ids
    candidates.fill[...] = there.sum(axis=1)
    place = candidates.capacity - k
    surely = np.partition(candidates.low, place, axis=1)[:, place]
    # Of what was dropped none has a better float32 score than the worst that was kept.
    unsure = there.all(axis=1) & (scores.min(axis=1) + error >= surely)
    return *candidates.finish(), unsure
