"""What the conformance kit asks of an index: each check a function, run where it may crash."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from vbench.adapters.parameters import REQUIRED, check, parameters, positional
from vbench.adapters.protocol import Ids, Index, Vectors, is_count
from vbench.errors import VbenchError
from vbench.metric import METRICS, Metric, distance
from vbench.plugins import said

Status = Literal["pass", "warn", "fail", "skip"]

BASIC = "shapes and types of ids"
"""The check without which the others say nothing."""

_K = 10
_D = 16


class Finding(NamedTuple):
    """What one check found, why, and what to do about it."""

    check: str
    status: Status
    reason: str = ""
    remedy: str = ""


class WrongError(Exception):
    """A check failed: reason and remedy."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class DoubtfulError(WrongError):
    """A check that saw something which may be right."""


class NotApplicableError(Exception):
    """A check that does not concern this index."""


class Subject(NamedTuple):
    """The index under test, with its parameters."""

    kind: type[Index]
    build: Mapping[str, Any]
    sweep: Mapping[str, Sequence[Any]]

    def fitted(
        self, base: Vectors, metric: Metric | None = None, *, seed: int = 1, **build: Any
    ) -> Index:
        """A new index over `base`, at its widest setting."""
        index = self.kind(**{**self.build, **build})
        index.fit(base, metric or self.metric, seed=seed, threads=1)
        index.set(**self.setting(-1))
        return index

    def setting(self, place: int) -> dict[str, Any]:
        """One value of each swept parameter."""
        return {name: values[place] for name, values in self.sweep.items()}

    @property
    def metric(self) -> Metric:
        """The metric of the checks that are not about metrics."""
        return next(metric for metric in METRICS if metric in self.kind.metrics)


def vectors(n: int, *, seed: int, d: int = _D) -> Vectors:
    """Read-only float32 vectors (n, d) whose lengths differ widely.

    Euclidean distance, inner product and cosine then have different nearest neighbours.
    """
    rng = np.random.default_rng(seed)
    lengths = np.exp(rng.uniform(-1.0, 1.0, size=(n, 1)))
    made = (rng.standard_normal((n, d)) * lengths).astype(np.float32)
    made.flags.writeable = False
    return made


def as_ids(answer: Any, m: int, k: int, n: int) -> Ids:
    """`answer` as int64 (m, k), checked.

    Raises
    ------
    WrongError
        It is not an integer array of m rows of at most k ids below n, or of pads.
    """
    if isinstance(answer, tuple):
        raise WrongError(
            f"search returned a tuple of {len(answer)}",
            "return the ids alone: distances that an index reports are not used",
        )
    ids = np.asarray(answer)
    if not ids.ndim:
        raise WrongError(
            f"search returned {type(answer).__name__}", f"return an array of ids, ({m}, {k})"
        )
    if ids.ndim != 2 or ids.shape[0] != m or ids.shape[1] > k:
        raise WrongError(
            f"search returned shape {ids.shape} for {m} queries and k={k}",
            f"return an array of shape ({m}, {k}), padded with -1 where fewer are found",
        )
    # Numpy takes a list without numbers for floats.
    if ids.size and ids.dtype.kind not in "iu":
        raise WrongError(
            f"search returned {ids.dtype}, not integers", "return ids.astype(np.int64), not scores"
        )
    padded = np.full((m, k), -1, dtype=np.int64)
    padded[:, : ids.shape[1]] = ids
    wrong = (padded < -1) | (padded >= n)
    if wrong.any():
        query, place = np.argwhere(wrong)[0]
        raise WrongError(
            f"query {query} got id {padded[query, place]} from a base of {n} vectors",
            "ids are row numbers of the base that fit was given, from 0; -1 pads",
        )
    return padded


def _search(index: Index, queries: Vectors, k: int, n: int) -> Ids:
    return as_ids(index.search(queries, k), len(queries), k, n)


def known_parameters(subject: Subject) -> None:
    """Parameters are known, and the sweep fits them."""
    known = parameters(subject.kind)
    missing = [
        name
        for name, each in known.items()
        if each.stage == "build" and each.default is REQUIRED and name not in subject.build
    ]
    if missing:
        raise WrongError(
            f"the build needs {', '.join(missing)} and no recipe gives it",
            "give the parameter a default, or check a recipe that sets it",
        )
    for stage, function in (("__init__", subject.kind.__init__), ("set", subject.kind.set)):
        alone = positional(function)
        if alone:
            raise WrongError(
                f"{stage} takes {', '.join(alone)} by position only",
                "parameters are given by name: leave out the / of the signature",
            )
    for place in (0, -1):
        try:
            check(subject.kind, subject.build, subject.setting(place))
        except VbenchError as error:
            raise WrongError(str(error), "make sweep and signature of set agree") from None
    knob = subject.kind.knob
    if knob is not None and knob not in known and knob not in subject.sweep:
        raise WrongError(
            f"knob is {knob!r}, which is no parameter", "name a search parameter in knob"
        )


def answers_queries(subject: Subject) -> None:
    """Ids come as an integer array (m, k) of row numbers."""
    base, queries = vectors(1000, seed=1), vectors(20, seed=2)
    index = subject.fitted(base)
    for k in (1, _K):
        ids = _search(index, queries, k, len(base))
        repeated = sum(len(found) - len(set(found)) for found in (row[row >= 0] for row in ids))
        if repeated:
            raise WrongError(f"{repeated} ids came twice for one query", "return each id once")
        if (ids < 0).all():
            raise WrongError("every id is a pad: nothing is found", "search after fit must answer")


def more_than_there_are(subject: Subject) -> None:
    """K > n gives n ids and pads, or a shorter row."""
    base, queries = vectors(300, seed=3), vectors(5, seed=4)
    k = len(base) + 20
    index = subject.fitted(base)
    try:
        answers = [index.search(queries, k), [index.search_one(query, k) for query in queries]]
    except Exception as error:
        raise WrongError(
            f"k={k} on {len(base)} vectors raised {said(error)}", "pad the missing ids with -1"
        ) from error
    for answer in answers:
        as_ids(answer, len(queries), k, len(base))


def one_is_a_batch_of_one(subject: Subject) -> None:
    """A query gets the same ids alone, in a batch of one, and among others."""
    base, queries = vectors(1000, seed=5), vectors(30, seed=6)
    index = subject.fitted(base)
    batch = _search(index, queries, _K, len(base))
    for row, query in enumerate(queries):
        alone = np.asarray(index.search_one(query, _K))
        if alone.ndim != 1:
            raise WrongError(
                f"search_one returned shape {alone.shape}", f"return one row of {_K} ids, ({_K},)"
            )
        single = as_ids(alone[np.newaxis], 1, _K, len(base))
        first = _search(index, query[np.newaxis], _K, len(base))
        for name, ids in (("search_one", single), ("a batch of one", first)):
            if set(ids[0]) != set(batch[row]):
                raise WrongError(
                    f"query {row}: {name} gave {ids[0].tolist()}, the batch {batch[row].tolist()}",
                    "search each query with the same parameters whether alone or not",
                )


def same_seed_same_answers(subject: Subject) -> None:
    """The same seed and one thread give the same answers; so does asking again."""
    base, queries = vectors(2000, seed=7), vectors(50, seed=8)
    index = subject.fitted(base, seed=3)
    first = _search(index, queries, _K, len(base))
    again = _search(index, queries, _K, len(base))
    rebuilt = _search(subject.fitted(base, seed=3), queries, _K, len(base))
    for name, other in (("asked twice", again), ("built twice with seed 3", rebuilt)):
        changed = int((first != other).any(axis=1).sum())
        if changed:
            raise WrongError(
                f"{name}: {changed} of {len(queries)} queries got other ids",
                "draw all randomness from the seed that fit is given",
            )


def metric_check(metric: Metric) -> Callable[[Subject], None]:
    """The check that `metric` is honoured, where it is claimed."""

    def honoured(subject: Subject) -> None:
        if metric not in subject.kind.metrics:
            raise NotApplicableError(f"{metric} is not claimed")
        base, queries = vectors(2000, seed=9), vectors(50, seed=10)
        ids = _search(subject.fitted(base, metric), queries, _K, len(base))
        recall = {other: _recall(ids, queries, base, other) for other in METRICS}
        best = max(recall, key=lambda each: recall[each])
        values = ", ".join(f"{value:.2f} under {name}" for name, value in recall.items())
        if recall[best] > recall[metric] + 0.05:
            raise WrongError(
                f"asked for {metric}, recall is {values}: it answers by {best}",
                f"use the metric that fit is given, or leave {metric!r} out of metrics",
            )
        if recall[metric] < 0.5:
            raise DoubtfulError(
                f"recall is only {recall[metric]:.2f} at the widest setting",
                "widen the sweep, or look whether the metric is right",
            )

    return honoured


def _recall(ids: Ids, queries: Vectors, base: Vectors, metric: Metric) -> float:
    distances = distance(queries[:, np.newaxis], base[np.newaxis], metric)
    truth = np.argsort(distances, axis=1)[:, : ids.shape[1]]
    hits = [len(set(found) & set(exact)) for found, exact in zip(ids, truth, strict=True)]
    return float(np.mean(hits) / ids.shape[1])


def search_parameters_matter(subject: Subject) -> None:
    """Each swept search parameter changes some answer."""
    swept = {name: values for name, values in subject.sweep.items() if len(set(values)) > 1}
    if not swept:
        raise NotApplicableError("no search parameter is swept")
    base, queries = vectors(4000, seed=11, d=48), vectors(100, seed=12, d=48)
    index = subject.fitted(base)
    idle = []
    for name, values in swept.items():
        # The others stay narrow: at its widest another parameter may hide the effect.
        answers = []
        for value in values:
            index.set(**{**subject.setting(0), name: value})
            answers.append(_search(index, queries, _K, len(base)))
        if all((other == answers[0]).all() for other in answers):
            idle.append(f"{name} = {', '.join(map(str, values))}")
    if idle:
        raise DoubtfulError(
            f"no effect seen: {'; '.join(idle)} gave the same answers",
            "see that set passes the value on to the library",
        )


def build_parameters_matter(subject: Subject) -> None:
    """Each build parameter with a numeric default changes some answer or the size."""
    base, queries = vectors(2000, seed=13, d=32), vectors(100, seed=14, d=32)

    def outcome(**build: Any) -> tuple[bytes, int | None]:
        index = subject.fitted(base, **build)
        index.set(**subject.setting(0))
        found = _search(index, queries, _K, len(base)).tobytes(), index.size_bytes()
        index.close()
        return found

    tried, idle = 0, []
    usual = outcome()
    for name, each in parameters(subject.kind).items():
        other = _another(subject, each.name, subject.build.get(name, each.default))
        if each.stage != "build" or other is None:
            continue
        tried += 1
        if outcome(**{name: other}) == usual:
            idle.append(f"{name}={other}")
    if not tried:
        raise NotApplicableError("no build parameter has another value to try")
    if idle:
        raise DoubtfulError(
            f"no effect seen of {', '.join(idle)} on answers or size",
            "see that __init__ passes the value on; some parameters matter on large data only",
        )


def _another(subject: Subject, name: str, value: Any) -> Any:
    """Another allowed value of a parameter: the opposite, half, or double; None without one."""
    if isinstance(value, bool):
        return not value
    if not isinstance(value, int | float) or value == 0:
        return None
    for other in (type(value)(value / 2), value * 2):
        try:
            check(subject.kind, {**subject.build, name: other}, {})
        except VbenchError:
            continue
        if other != value and other:
            return other
    return None


def input_unchanged(subject: Subject) -> None:
    """Fit leaves the base as it is, search the queries."""
    base, queries = vectors(1000, seed=15), vectors(20, seed=16)
    copies = base.copy(), queries.copy()
    for metric in subject.kind.metrics:
        index = subject.fitted(base, metric)
        if not np.array_equal(base, copies[0]):
            raise WrongError(f"fit changed the base ({metric})", "work on a copy: np.array(base)")
        index.search(queries, _K)
        index.search_one(queries[0], _K)
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
    shares["search"] = _busy(lambda: index.search(queries, _K), 0.3)
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
    ids = _search(one, queries, 3, 1)
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
    again = _search(index, queries, _K, len(small))
    fresh, another = (_search(subject.fitted(small), queries, _K, len(small)) for _ in range(2))
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
    if len(own) == 1:
        raise WrongError(
            f"{own[0]} is offered without the other", "offer save and load, or neither"
        )
    base, queries = vectors(1000, seed=25), vectors(20, seed=26)
    index = subject.fitted(base)
    before = _search(index, queries, _K, len(base))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        index.save(path)
        other = subject.kind(**subject.build)
        other.load(path)
    other.set(**subject.setting(-1))
    changed = int((_search(other, queries, _K, len(base)) != before).any(axis=1).sum())
    if changed:
        raise WrongError(
            f"{changed} of {len(queries)} queries differ after load", "save everything"
        )


def size_and_work(subject: Subject) -> None:
    """Size and work are counts, or None."""
    index = subject.fitted(vectors(500, seed=27))
    index.work()
    index.search(vectors(10, seed=28), _K)
    for name, value in (("size_bytes", index.size_bytes()), ("work", index.work())):
        if value is not None and not is_count(value):
            raise WrongError(f"{name} returned {value!r}", "return a count, or None")
    index.close()


CHECKS: tuple[tuple[str, Callable[[Subject], None]], ...] = (
    ("parameters are known", known_parameters),
    (BASIC, answers_queries),
    ("k larger than n", more_than_there_are),
    ("one query = batch of one", one_is_a_batch_of_one),
    ("same seed, same answers", same_seed_same_answers),
    *((f"metric {metric}", metric_check(metric)) for metric in METRICS),
    ("search parameters matter", search_parameters_matter),
    ("build parameters matter", build_parameters_matter),
    ("input left unchanged", input_unchanged),
    ("threads respected", one_thread),
    ("one vector, none", tiny_bases),
    ("fit again", fit_again),
    ("save and load", save_and_load),
    ("size and work", size_and_work),
)


def perform(number: int, subject: Subject) -> Finding:
    """Run one check, and say what it found."""
    name, function = CHECKS[number]
    try:
        function(subject)
    except NotApplicableError as reason:
        return Finding(name, "skip", str(reason))
    except DoubtfulError as doubt:
        return Finding(name, "warn", str(doubt), doubt.remedy)
    except WrongError as wrong:
        return Finding(name, "fail", str(wrong), wrong.remedy)
    # Whatever an index raises is what the check found.
    except Exception as error:
        return Finding(name, "fail", f"raised {said(error)}", _remedy(error))
    return Finding(name, "pass")


def _remedy(error: Exception) -> str:
    if "read-only" in str(error):
        return "the vectors given to fit and search must not be written to: work on a copy"
    return "make it answer, or raise an error that says what to do"
