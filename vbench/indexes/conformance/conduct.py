"""Checks of conduct: input, threads, dimensions, few vectors, a second fit, files, processes."""

from __future__ import annotations

import contextlib
import copy
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psutil

from vbench._process.cores import usable_cores
from vbench._process.text import describe_error
from vbench.indexes.answers import AnswerError
from vbench.indexes.conformance.busy import busy_cores, started_processes
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    changed_rows,
    prepare_array,
    search,
    search_each,
)
from vbench.indexes.parameters import select_accepted
from vbench.indexes.protocol import (
    Filter,
    Ids,
    Index,
    Vectors,
    can_filter,
    is_count,
    versions,
)
from vbench.indexes.space import in_words, nearest
from vbench.metric import Metric

_MOST_CORES = 1.25
_IDLE_CORES = 0.5
GRACE_SECONDS = 5.0
END_SECONDS = 2.0


def input_unchanged(subject: Subject) -> None:
    """Fit leaves the base as it is, search the queries."""
    if subject.kind.writes:
        raise NotApplicableError("writes is True: it is given copies of its own")
    base, queries = subject.vectors(1000, seed=15), subject.vectors(20, seed=16)
    copies = base.copy(), queries.copy()
    for metric in subject.kind.metrics:
        with subject.make_fitted(base, metric) as index:
            if not np.array_equal(base, copies[0]):
                raise WrongError(
                    f"fit changed the base ({metric})",
                    "work on a copy, np.array(base), or say writes = True",
                )
            index.search(queries, K)
            index.search_one(queries[0], K)
            if not np.array_equal(queries, copies[1]):
                raise WrongError(
                    f"search changed the queries ({metric})",
                    "work on a copy, or say writes = True",
                )


def one_thread(subject: Subject) -> None:
    """With threads=1, fit and search keep no more than one core busy, and none afterwards."""
    if len(usable_cores()) < 2:
        raise NotApplicableError("needs two cores to be seen")
    base, queries = subject.vectors(5000, seed=17, d=48), subject.vectors(500, seed=18, d=48)
    # Of a server, its client is busy too.
    most = _MOST_CORES + (subject.kind.service is not None)
    with subject.make() as index:
        _refuse_many("fit", busy_cores(lambda: subject.fit(index, base)), most)
        _refuse_spinning("fit")
        asked = prepare_array(index, queries)
        busy = busy_cores(lambda: index.search(asked, K), least_seconds=0.3)
        _refuse_many("search", busy, most)
        _refuse_spinning("search")


def _refuse_many(method: str, cores: float, most: float) -> None:
    if cores > most:
        raise WrongError(
            f"{method} kept {cores:.1f} cores busy with threads=1",
            "let the library and what it starts use the number of threads that fit is given",
        )


def _refuse_spinning(method: str) -> None:
    """What a library still does when a call is over takes the core from the next one."""
    end = time.monotonic() + GRACE_SECONDS
    while (cores := busy_cores(lambda: time.sleep(0.3))) > _IDLE_CORES:
        if time.monotonic() > end:
            raise WrongError(
                f"{cores:.1f} cores are still busy {GRACE_SECONDS:g} s after {method} has returned",
                f"let {method} return when the work is done, and threads sleep while they wait",
            )


def some_dimensions(subject: Subject) -> None:
    """Vectors of few, odd and more dimensions can be searched, as far as they are allowed."""
    allowed = subject.kind.dimensions
    for d in sorted({nearest(allowed, each) for each in (2, 3, 17, 100)}):
        base, queries = subject.vectors(600, seed=35, d=d), subject.vectors(5, seed=36, d=d)
        try:
            with subject.make_fitted(base) as index:
                search(index, queries, K, len(base))
        except AnswerError:
            raise
        except Exception as error:
            reason = f"vectors of {d} dimensions raised {describe_error(error)}"
            if allowed is not None:
                raise WrongError(
                    f"{reason}; dimensions says {in_words(allowed)}", "say those it can do"
                ) from error
            raise DoubtfulError(
                reason, "say which it can do, such as dimensions = range(8, 4097, 8)"
            ) from error


def tiny_bases(subject: Subject) -> None:
    """One vector is found; no vector is answered by pads or refused."""
    queries = subject.vectors(3, seed=19)
    with subject.make() as one:
        try:
            subject.fit(one, subject.vectors(1, seed=20))
        except Exception as error:
            raise DoubtfulError(
                f"fit on one vector raised {describe_error(error)}",
                "make do with few vectors where that can be",
            ) from error
        ids = search(one, queries, 3, 1)
    if (np.sort(ids, axis=1)[:, -1] != 0).any():
        raise WrongError("the only vector of a base was not found", "answer id 0, then pads of -1")
    with subject.make() as none:
        try:
            subject.fit(none, subject.vectors(0, seed=21))
            none.search(prepare_array(none, queries), 3)
        # To refuse an empty base is right; how, is the index's own affair.
        except Exception:
            return
        search(none, queries, 3, 0)


def before_fit(subject: Subject) -> None:
    """Search without a base is an error that the process survives."""
    queries = subject.vectors(3, seed=37)
    with subject.make() as index:
        try:
            answer = index.search(prepare_array(index, queries), 3)
        except Exception:
            return
    raise DoubtfulError(
        f"search before fit raised nothing and returned {type(answer).__name__}",
        "raise an error where there is nothing to search in",
    )


def fit_again(subject: Subject) -> None:
    """A second fit forgets the first."""
    queries = subject.vectors(20, seed=22)
    large, small = subject.vectors(1000, seed=23), subject.vectors(400, seed=24)
    with subject.make_fitted(large) as index:
        subject.fit(index, small)
        again = search(index, queries, K, len(small))
    fresh = []
    for _ in range(2):
        with subject.make_fitted(small) as index:
            fresh.append(search(index, queries, K, len(small)))
    if changed_rows(*fresh):
        raise NotApplicableError("cannot be told: two fresh indexes do not agree either")
    if changed := changed_rows(again, fresh[0]):
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
        raise WrongError("load is offered without save", "offer save too, or neither")
    for metric in sorted(subject.kind.metrics):
        _save_and_load(subject, metric, loads=own != ["save"])


def _save_and_load(subject: Subject, metric: Metric, *, loads: bool) -> None:
    base, queries = subject.vectors(1000, seed=25), subject.vectors(20, seed=26)
    n, d = base.shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        with subject.make_fitted(base, metric) as index:
            before = _shown(subject, index, queries, n)
            index.save(path)
            _refuse_other(
                _shown(subject, index, queries, n),
                before,
                "save",
                "leave the index as it is when it is saved",
            )
        if not any(each.is_file() for each in Path(folder).rglob("*")):
            raise WrongError("save wrote nothing to the path it was given", "write there")
        if loads:
            with subject.make() as other:
                facts = select_accepted(other.load, metric=metric, d=d, n=n, threads=1)
                other.load(path, **facts)
                after = _shown(subject, other, queries, n)
            _refuse_other(after, before, f"load ({metric})", "save everything that fit made")


def _shown(subject: Subject, index: Index, queries: Vectors, n: int) -> dict[str, Ids]:
    """What an index answers and shows of itself, in every way that a run asks."""
    found: dict[str, Ids] = {}
    several = max([1, *(len(values) for values in subject.sweep.values())])
    for place in range(several):
        setting = {
            name: values[min(place, len(values) - 1)] for name, values in subject.sweep.items()
        }
        index.set(**copy.deepcopy(setting))
        found[f"queries in a batch at {setting}"] = search(index, queries, K, n)
        found[f"queries at {setting}"] = search_each(index, queries, K, n)
    if can_filter(subject.kind):
        mask = np.arange(n) % 3 == 0
        mask.flags.writeable = False
        index.allow(Filter(mask))
        found["queries under a filter"] = search(index, queries, K, n)
        index.allow(None)
    graph, lists = index.neighbors(), index.lists()
    if graph is not None:
        found["vectors' neighbors"] = np.asarray(graph.neighbors)
    if lists is not None:
        found["vectors' lists"] = np.asarray(lists)[:, np.newaxis]
    return found


def _refuse_other(
    after: Mapping[str, Ids], before: Mapping[str, Ids], what: str, remedy: str
) -> None:
    for name, ids in before.items():
        other = after.get(name)
        if other is None or other.shape != ids.shape:
            raise WrongError(f"{name} are of another shape after {what}", remedy)
        if changed := changed_rows(other, ids):
            raise WrongError(f"{changed} of {len(ids)} {name} differ after {what}", remedy)


def size_and_work(subject: Subject) -> None:
    """Size and work are counts, or None; versions are texts."""
    with subject.make_fitted(subject.vectors(500, seed=27)) as index:
        index.work()
        index.search(prepare_array(index, subject.vectors(10, seed=28)), K)
        for name, value in (("size_bytes", index.size_bytes()), ("work", index.work())):
            if value is not None and not is_count(value):
                raise WrongError(f"{name} returned {value!r}", "return a count, or None")
        versions(index)


def closes(subject: Subject) -> None:
    """Close comes back, raises nothing, and ends the processes that the index has started."""
    base, queries = subject.vectors(300, seed=38), subject.vectors(3, seed=39)
    earlier = set(started_processes())
    with subject.make_fitted(base) as index:
        search(index, queries, K, len(base))
    if True in subject.close_problems:
        subject.raise_close_problem()
    _, left = psutil.wait_procs(set(started_processes()) - earlier, timeout=END_SECONDS)
    if names := sorted(filter(None, map(_name, left))):
        raise DoubtfulError(
            f"close left what fit has started: {', '.join(names)}",
            "end in close what fit has started",
        )
    with subject.make():
        pass  # an index whose fit has failed is closed too
    subject.raise_close_problem()


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        if process.status() != psutil.STATUS_ZOMBIE:
            return str(process.name())
    return ""
