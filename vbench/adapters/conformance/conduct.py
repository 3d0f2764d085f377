"""Checks of conduct: input, threads, few vectors, a second fit, files, counts."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vbench.adapters.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    as_ids,
    search,
    vectors,
)
from vbench.adapters.parameters import offered
from vbench.adapters.protocol import Index, is_count
from vbench.plugins import said


def input_unchanged(subject: Subject) -> None:
    """Fit leaves the base as it is, search the queries."""
    base, queries = vectors(1000, seed=15), vectors(20, seed=16)
    copies = base.copy(), queries.copy()
    for metric in subject.kind.metrics:
        index = subject.fitted(base, metric)
        if not np.array_equal(base, copies[0]):
            raise WrongError(f"fit changed the base ({metric})", "work on a copy: np.array(base)")
        index.search(queries, K)
        index.search_one(queries[0], K)
        if not np.array_equal(queries, copies[1]):
            raise WrongError(f"search changed the queries ({metric})", "work on a copy")


def one_thread(subject: Subject) -> None:
    """With threads=1, fit and search keep no more than one core busy."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if (cores or 1) < 2:
        raise NotApplicableError("needs two cores to be seen")
    base, queries = vectors(5000, seed=17, d=48), vectors(500, seed=18, d=48)
    index = subject.kind(**subject.build)
    shares = {"fit": _busy(lambda: index.fit(base, subject.metric, seed=1, threads=1), 0.0)}
    index.set(**subject.setting(-1))
    shares["search"] = _busy(lambda: index.search(queries, K), 0.3)
    for method, share in shares.items():
        if share > 1.25:
            raise WrongError(
                f"{method} kept {share:.1f} cores busy with threads=1",
                "give the library the number of threads that fit is given",
            )


def _busy(work: Callable[[], Any], least_seconds: float) -> float:
    """Cores kept busy by `work`, repeated for a while; 0 where it is over too soon to tell."""
    cpu, wall = time.process_time(), time.perf_counter()
    while True:
        work()
        spent = time.perf_counter() - wall
        if spent >= least_seconds:
            busy = time.process_time() - cpu
            return float(busy / spent) if spent > 0.05 else 0.0


def tiny_bases(subject: Subject) -> None:
    """One vector is found; no vector is answered by pads or refused."""
    queries = vectors(3, seed=19)
    try:
        one = subject.fitted(vectors(1, seed=20))
    except Exception as error:
        raise DoubtfulError(
            f"fit on one vector raised {said(error)}", "make do with few vectors where that can be"
        ) from error
    ids = search(one, queries, 3, 1)
    if (np.sort(ids, axis=1)[:, -1] != 0).any():
        raise WrongError("the only vector of a base was not found", "answer id 0, then pads of -1")
    try:
        answer = subject.fitted(vectors(0, seed=21)).search(queries, 3)
    # To refuse an empty base is right; how, is the index's own affair.
    except Exception:
        return
    as_ids(answer, len(queries), 3, 0)


def fit_again(subject: Subject) -> None:
    """A second fit forgets the first."""
    queries = vectors(20, seed=22)
    large, small = vectors(1000, seed=23), vectors(400, seed=24)
    index = subject.fitted(large)
    index.fit(small, subject.metric, seed=1, threads=1)
    index.set(**subject.setting(-1))
    again = search(index, queries, K, len(small))
    fresh, another = (search(subject.fitted(small), queries, K, len(small)) for _ in range(2))
    if (fresh != another).any():
        raise NotApplicableError("cannot be told: two fresh indexes do not agree either")
    changed = int((again != fresh).any(axis=1).sum())
    if changed:
        raise WrongError(
            f"after a second fit {changed} of {len(queries)} queries differ from a fresh index",
            "start from nothing in fit",
        )


def save_and_load(subject: Subject) -> None:
    """An index that was saved and loaded gives the same answers."""
    own = [name for name in ("save", "load") if getattr(subject.kind, name) != getattr(Index, name)]
    if not own:
        raise NotApplicableError("save and load are not offered")
    if own == ["load"]:
        raise WrongError("load is offered without save", "offer save, or neither")
    base, queries = vectors(1000, seed=25), vectors(20, seed=26)
    n, d = base.shape
    index = subject.fitted(base)
    before = search(index, queries, K, len(base))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        index.save(path)
        if own == ["save"]:
            return
        other = subject.kind(**subject.build)
        other.load(path, **offered(other.load, metric=subject.metric, d=d, n=n, threads=1))
    other.set(**subject.setting(-1))
    changed = int((search(other, queries, K, len(base)) != before).any(axis=1).sum())
    if changed:
        raise WrongError(
            f"{changed} of {len(queries)} queries differ after load", "save everything"
        )


def size_and_work(subject: Subject) -> None:
    """Size and work are counts, or None."""
    index = subject.fitted(vectors(500, seed=27))
    index.work()
    index.search(vectors(10, seed=28), K)
    for name, value in (("size_bytes", index.size_bytes()), ("work", index.work())):
        if value is not None and not is_count(value):
            raise WrongError(f"{name} returned {value!r}", "return a count, or None")
    index.close()
