"""Checks of what an index leaves: files, figures, processes."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import psutil

from vbench.indexes.conformance.busy import started_processes
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    changed_rows,
    prepare_array,
    search,
)
from vbench.indexes.parameters import select_accepted
from vbench.indexes.protocol import Index, is_count, versions

GRACE_SECONDS = 2.0


def save_and_load(subject: Subject) -> None:
    """An index that was saved and loaded gives the same answers."""
    own = [name for name in ("save", "load") if getattr(subject.kind, name) != getattr(Index, name)]
    if not own:
        raise NotApplicableError("save and load are not offered")
    if own == ["load"]:
        raise WrongError("load is offered without save", "offer save too, or neither")
    base, queries = subject.vectors(1000, seed=25), subject.vectors(20, seed=26)
    n, d = base.shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        with subject.make_fitted(base) as index:
            before = search(index, queries, K, n)
            index.save(path)
            if changed := changed_rows(search(index, queries, K, n), before):
                raise WrongError(
                    f"{changed} of {len(queries)} queries differ after save",
                    "leave the index as it is when it is saved",
                )
        if not any(each.is_file() for each in Path(folder).rglob("*")):
            raise WrongError("save wrote nothing to the path it was given", "write there")
        if own == ["save"]:
            return
        with subject.make() as other:
            other.load(
                path, **select_accepted(other.load, metric=subject.metric, d=d, n=n, threads=1)
            )
            other.set(**subject.setting(-1))
            after = search(other, queries, K, n)
    if changed := changed_rows(after, before):
        raise WrongError(
            f"{changed} of {len(queries)} queries differ after load", "save everything"
        )


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
    _, left = psutil.wait_procs(set(started_processes()) - earlier, timeout=GRACE_SECONDS)
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
