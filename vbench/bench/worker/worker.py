"""One build: its data, its index, and what becomes of it."""

from __future__ import annotations

import contextlib
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import threadpoolctl
from numpy.typing import NDArray

from vbench._process.tree import Tree
from vbench.bench import wire
from vbench.bench.machine import kernels
from vbench.bench.worker import clock, memory
from vbench.bench.worker.attributes import Attributes
from vbench.bench.worker.changing import ChangingBase
from vbench.bench.worker.conditions import Condition
from vbench.bench.worker.counts import size_of, sizes_of
from vbench.bench.worker.files import files_of, load_rows
from vbench.bench.worker.questions import Questions, read_only
from vbench.bench.worker.scratch import make_scratch
from vbench.indexes.answers import AnswerError
from vbench.indexes.parameters import select_accepted
from vbench.indexes.protocol import Index, phases_of, versions
from vbench.indexes.registry import resolve
from vbench.indexes.space import Space, check_dimension, insertion_order, plan_space

_SAVED = "index"
"""Name of what an index saves."""


class Worker:
    """One build and what is asked of it."""

    def __init__(self, order: wire.Open, time: clock.Clock = clock.SYSTEM) -> None:
        # Taken before any code of an adapter runs.
        self.time = time
        sys.path[:] = order.sys_path
        self.order = order
        kind: type[Index] = resolve(order.adapter)
        self.index = kind(**order.params)
        self.build_threads = order.build_threads or order.threads
        self.threads = threadpoolctl.threadpool_limits(self.build_threads)
        self.space: Space = plan_space(order.transform, order.metric, kind.metrics)
        n, d = order.base.shape
        check_dimension(kind, self.space, d)
        # Inserted row j is row original[j] of the dataset: it maps answers back.
        self.original = insertion_order(n, order.left_out, order.order_seed)
        self.base: NDArray[np.float32] | None = None
        if not order.is_loaded:
            self.base = self._load_base(d)
        self.changing: ChangingBase | None = None
        if order.is_kept and self.base is not None:
            self.changing = ChangingBase(self.base, self.original, n, order.fitted)
            base = self.changing.fitted_base()
            self.base = base.copy() if self.index.writes else read_only(base)
            self.original = self.changing.rows
        self.questions = Questions(
            self._load(order.queries), order, self.space, copied=self.index.writes
        )
        self.learn = None if order.learn is None else self._load(order.learn)
        if self.learn is not None and not self.index.writes:
            self.learn = read_only(self.learn)
        self.attributes = Attributes(order.attributes)
        self.condition = Condition(self.index, self.original, time)
        self.is_served = kind.service is not None

    def _load(self, file: wire.ArrayFile) -> NDArray[np.float32]:
        queries = np.empty(file.shape, dtype=np.float32)
        load_rows(file, queries, np.arange(len(queries)))
        return self.space.queries(queries)

    def _load_base(self, d: int) -> NDArray[np.float32]:
        base = make_scratch((len(self.original), self.space.width(d)))
        limit = self.order.memory_limit
        room = None if limit is None else limit - psutil.Process().memory_info().rss - base.nbytes
        load_rows(self.order.base, base, self.original, room)
        # Of all that is ever in the index: lengths are relative to the largest.
        self.space.finish_base(base, d)
        return base if self.index.writes else read_only(base)

    def fit(self) -> wire.Fitted:
        """Build the index, then let go of the base."""
        base, given = self.base, {} if self.learn is None else {"learn": self.learn}
        if base is None:
            raise AnswerError("fit was asked for twice")
        before = [zlib.crc32(each.data) for each in (base, *given.values())]
        more = self.attributes.offer(self.index.fit, self.original)
        resting = memory.reset_peak()
        cpu, wall = self.time.cpu(), self.time.wall()
        found = self.index.fit(
            base,
            self.space.metric,
            seed=self.order.seed,
            threads=self.build_threads,
            **given,
            **more,
            **({"server": self.order.server} if self.is_served else {}),
        )
        wall, cpu = self.time.wall() - wall, self.time.cpu() - cpu
        peak = memory.peak()
        after = [zlib.crc32(each.data) for each in (base, *given.values())]
        if not self.index.writes and after != before:
            what = "base vectors" if after[0] != before[0] else "queries to learn from that"
            raise AnswerError(f"fit changed the {what} it was given; copy them first")
        self.base = self.learn = None
        if self.build_threads != self.order.threads:
            self.index.use_threads(self.order.threads)
            self._narrow()
        clock.leave_to_gc_what_is_new()
        size, source = size_of(self.index)
        return wire.Fitted(
            seconds=wall * 1e-9,
            cpu_seconds=cpu * 1e-9,
            peak_bytes=None if peak is None or resting is None else max(0, peak - resting),
            index_bytes=size,
            size_source=source,
            kernels=kernels(),
            version=versions(self.index),
            phases=phases_of(found, wall * 1e-9),
            sizes=sizes_of(self.index),
        )

    def _narrow(self) -> None:
        """From here on only as many cores and threads as a search may use."""
        threads = self.order.threads
        self.threads = threadpoolctl.threadpool_limits(threads)
        if self.build_threads > threads and hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))[-threads:]
            tasks = Path("/proc/self/task")
            for thread in [int(each.name) for each in tasks.iterdir()] if tasks.is_dir() else [0]:
                with contextlib.suppress(OSError):  # it has ended
                    os.sched_setaffinity(thread, cores)

    def save(self, ask: wire.Save) -> wire.Saved:
        """Save the index in a folder."""
        folder = Path(ask.folder)
        began = self.time.wall()
        self.index.save(folder / _SAVED)
        spent, written = self.time.wall() - began, files_of(folder)
        if not written:
            raise AnswerError("save wrote nothing to the path it was given")
        return wire.Saved(seconds=spent * 1e-9, files=written)

    def load(self, ask: wire.Load) -> wire.Loaded:
        """Take the place of `fit`, by what `save` left in a folder."""
        folder = Path(ask.folder)
        if files_of(folder) != ask.files:
            raise AnswerError("its files are not those that were saved")
        facts = {
            "metric": self.space.metric,
            "n": len(self.original),
            "d": self.space.width(self.order.base.shape[1]),
            "threads": self.order.threads,
        }
        self._narrow()
        began = self.time.wall()
        self.index.load(folder / _SAVED, **select_accepted(self.index.load, **facts))
        spent = self.time.wall() - began
        clock.leave_to_gc_what_is_new()
        return wire.Loaded(
            seconds=spent * 1e-9,
            kernels=kernels(),
            version=versions(self.index),
        )

    def alter(self, ask: wire.Alter) -> wire.Altered:
        """Change the base of the index, and let it settle."""
        if self.changing is None:
            raise AnswerError("the base was not kept")
        # What is hidden by a filter is there.
        self.condition.take(None)
        change = self.changing.change(ask.op, np.load(ask.rows))
        more = {}
        if change.added is not None:
            more = self.attributes.offer(self.index.add, self.changing.rows[change.added])
        began = self.time.wall()
        if change.gone is not None:
            self.index.remove(change.gone)
        if change.added is not None and change.vectors is not None:
            self.index.add(change.added, change.vectors, **more)
        spent, settling = self.time.wall() - began, None
        if type(self.index).settle is not Index.settle:
            began = self.time.wall()
            self.index.settle()
            settling = self.time.wall() - began
        self.original = self.changing.rows
        self.condition.rebase(self.original, self.changing.is_gone)
        clock.leave_to_gc_what_is_new()
        size, source = size_of(self.index)
        return wire.Altered(
            seconds=spent * 1e-9,
            settle_seconds=None if settling is None else settling * 1e-9,
            index_bytes=size,
            size_source=source,
            sizes=sizes_of(self.index),
        )

    def others(self) -> Tree:
        """Processes that work for this one: below it, or the server that was started for it."""
        return Tree(os.getpid() if self.order.server_pid is None else self.order.server_pid)

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.integer[Any]]:
        """Ids as rows of the dataset, -1 pads, as narrow as they go."""
        n = len(self.original)
        narrow = np.int32 if n <= np.iinfo(np.int32).max else np.int64
        return np.where(ids < 0, -1, self.original[ids]).astype(narrow)

    def check_condition(self, ids: NDArray[np.int64]) -> None:
        """Raise where an id does not pass, or was removed: it is as wrong as one out of range."""
        if self.changing is not None:
            self.changing.check(ids)
        self.condition.check(ids)

    def close(self) -> wire.Closed:
        """Let the adapter clean up behind itself."""
        began = self.time.wall()
        self.index.close()
        return wire.Closed(seconds=(self.time.wall() - began) * 1e-9)
