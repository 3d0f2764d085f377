"""The isolated process that holds one build: loads the data, builds the index, runs the clock.

Started as ``python -m vbench.bench.worker FD CORES``; it answers the messages of
:mod:`vbench.bench.wire` that come through the inherited socket until the other side closes it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import socket
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from vbench._process.channel import Channel, ClosedError
from vbench._process.text import reason_of, trace_of
from vbench._process.tree import Tree
from vbench.bench import clock, memory, wire
from vbench.bench.attributes import Attributes
from vbench.bench.changing import ChangingBase
from vbench.bench.conditions import Condition
from vbench.bench.drive import drive
from vbench.bench.files import files_of, load_rows, read_rows
from vbench.bench.machine import kernels
from vbench.bench.scratch import make_scratch
from vbench.indexes.answers import AnswerError, check_batch, check_range
from vbench.indexes.parameters import select_accepted
from vbench.indexes.protocol import Index, is_count, phases_of, versions
from vbench.indexes.registry import resolve
from vbench.indexes.space import Space, check_dimension, insertion_order, plan_space

_UNSEEN = 100
"""About how many queries beside the timed ones are asked."""
_SAVED = "index"
"""Name of what an index saves."""
_SHIFT = 1e-5
"""How far they are shifted, relative to each coordinate."""


class Worker:
    """One build and what is asked of it."""

    def __init__(self, order: wire.Open, time: clock.Clock = clock.SYSTEM) -> None:
        # Taken before any code of an adapter runs.
        self.time = time
        self.warm: NDArray[np.float32] | None = None
        self.noise = np.random.default_rng([order.order_seed, 3])
        sys.path[:] = order.sys_path
        self.order = order
        kind: type[Index] = resolve(order.adapter)
        self.index = kind(**order.params)
        self.build_threads = order.build_threads or order.threads
        self.threads = threadpoolctl.threadpool_limits(self.build_threads)
        self.space: Space = plan_space(order.transform, order.metric, kind.metrics)
        n, d = order.base.shape
        check_dimension(kind, self.space, d)
        # Inserted row j is row places⁻¹[j] of the dataset; `original` maps answers back.
        self.original = insertion_order(n, order.left_out, order.order_seed)
        self.base: NDArray[np.float32] | None = None
        if not order.is_loaded:
            self.base = self._load_base(n, d)
        self.changing: ChangingBase | None = None
        if order.is_kept and self.base is not None:
            self.changing = ChangingBase(self.base, self.original, n, order.fitted)
            base = self.changing.fitted_base()
            self.base = base.copy() if self.index.writes else _read_only(base)
            self.original = self.changing.rows
        self.queries = _read_only(self._load_queries(order.queries))
        self.learn = None if order.learn is None else self._load_queries(order.learn)
        if self.learn is not None and not self.index.writes:
            self.learn = _read_only(self.learn)
        self.attributes = Attributes(order.attributes)
        self.condition = Condition(self.index, self.original, time)
        self.is_served = kind.service is not None

    def given(self) -> NDArray[np.float32]:
        """The queries as the index gets them: for one that writes, a copy for each pass."""
        return self.queries.copy() if self.index.writes else self.queries

    def _load_queries(self, file: wire.ArrayFile) -> NDArray[np.float32]:
        queries = np.empty(file.shape, dtype=np.float32)
        load_rows(file, queries, np.arange(len(queries)))
        return self.space.queries(queries)

    def _load_base(self, n: int, d: int) -> NDArray[np.float32]:
        places = np.full(n, -1)
        places[self.original] = np.arange(len(self.original))
        base = make_scratch((len(self.original), self.space.width(d)))
        load_rows(self.order.base, base, places)
        # Of all that is ever in the index: lengths are relative to the largest.
        self.space.finish_base(base, d)
        return base if self.index.writes else _read_only(base)

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
        size, source = self._size()
        return wire.Fitted(
            seconds=wall * 1e-9,
            cpu_seconds=cpu * 1e-9,
            peak_bytes=None if peak is None or resting is None else max(0, peak - resting),
            index_bytes=size,
            size_source=source,
            kernels=kernels(),
            version=versions(self.index),
            phases=phases_of(found, wall * 1e-9),
            sizes=self._sizes(),
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
        return wire.Loaded(
            seconds=(self.time.wall() - began) * 1e-9,
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
        size, source = self._size()
        return wire.Altered(
            seconds=spent * 1e-9,
            settle_seconds=None if settling is None else settling * 1e-9,
            index_bytes=size,
            size_source=source,
            sizes=self._sizes(),
        )

    def _sizes(self) -> dict[str, int]:
        said = {
            name: _count("sizes", size) for name, size in type(self.index).sizes(self.index).items()
        }
        return {name: size for name, size in said.items() if size is not None}

    def _size(self) -> tuple[int | None, str]:
        size = _count("size_bytes", self.index.size_bytes())
        if size is not None:
            return size, "adapter"
        if type(self.index).save is Index.save:
            return None, "unknown"
        with tempfile.TemporaryDirectory() as folder:
            self.index.save(Path(folder) / "index")
            # Some libraries write a folder, or further files beside the one that is named.
            written = [path for path in Path(folder).rglob("*") if path.is_file()]
            return sum(path.stat().st_size for path in written), "saved file"

    def search(self, ask: wire.Search) -> tuple[wire.Searched, list[NDArray[Any]]]:
        """Warm up, ask one by one `repeats` times, then all at once; check every answer."""
        began = self.time.wall()
        index, k, n = self.index, ask.k, len(self.original)
        index.set(**ask.setting)
        setup = self.condition.take(ask.condition)
        conditions = self.condition.of_queries()
        # An index that answers the queries and nothing else, from stored answers say, is one too.
        with contextlib.suppress(Exception):
            if ask.warmup:
                warm = self.warm_up_queries(ask.warmup)
                clock.time_singly(index.search_one, warm, k, clock=self.time)
        index.work()
        others = self.others()
        children_cpu = others.cpu_seconds_below()
        done = clock.measure(
            index.search_one,
            self.given,
            k,
            repeats=ask.repeats,
            order_seed=self.order.order_seed,
            local=index.local,
            clock=self.time,
            conditions=conditions,
        )
        children_cpu = max(0.0, others.cpu_seconds_below() - children_cpu)
        work = self.count_work()
        unseen_ns = self._unseen_ns(k, conditions) if ask.warmup else None
        batch, batch_ns = None, None
        if conditions is None and self._has_batch():
            batch, batch_ns = self._batch(k)
        counted, asked = done.counted, done.total * len(self.queries)
        for ids in (*(each.ids for each in counted), *(() if batch is None else (batch,))):
            check_range(ids, n)
            self.check_condition(ids)
        first = counted[0].ids
        unstable = np.zeros(len(first), dtype=bool)
        for other in counted[1:]:
            unstable |= (other.ids != first).any(axis=1)
        own_cpu_ns = float(np.mean([each.own_cpu_ns for each in counted]))
        latency = np.stack([each.latency_ns for each in counted], axis=1)
        answer = wire.Searched(
            cpu_share=[each.cpu_share for each in counted],
            disturbed=[clock.is_disturbed(each, local=index.local) for each in counted],
            order_seeds=done.order_seeds,
            wall_s=[each.wall_ns * 1e-9 for each in counted],
            redone=done.redone,
            unstable=int(unstable.sum()),
            batch_seconds=None if batch_ns is None else batch_ns * 1e-9,
            batch_differs=0 if batch is None else clock.count_differing(first, batch),
            work=None if work is None else work / asked,
            cpu_ns=self._cpu_ns(own_cpu_ns, children_cpu * 1e9 / asked),
            unseen_ns=unseen_ns,
            overhead_ns=max(0.0, min(each.outside_ns for each in counted)),
            spent_ns=self.time.wall() - began,
            filter_setup_s=setup,
        )
        given = [each.filter_ns for each in counted if each.filter_ns is not None]
        more = [np.min(given, axis=0)] if given else []
        return answer, [self.rows_of(first), latency, done.first_ns, *more]

    def others(self) -> Tree:
        """Processes that work for this one: below it, or the server that was started for it."""
        return Tree(os.getpid() if self.order.server_pid is None else self.order.server_pid)

    def _cpu_ns(self, own: float, others: float) -> float | None:
        """CPU time a query: of a server it is its own alone, as far as it is seen."""
        if self.is_served:
            return None if self.order.server_pid is None else others
        return own + others if self.index.local or others else None

    def drive(self, ask: wire.Drive) -> tuple[wire.Searched, list[NDArray[Any]]]:
        """Measure under a load."""
        return drive(self, ask)

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.integer[Any]]:
        """Ids as rows of the dataset, -1 pads, as narrow as they go."""
        n = len(self.original)
        narrow = np.int32 if n <= np.iinfo(np.int32).max else np.int64
        return np.where(ids < 0, -1, self.original[ids]).astype(narrow)

    def count_work(self) -> int | None:
        """Distance computations since the last call, checked."""
        return _count("work", self.index.work())

    def check_condition(self, ids: NDArray[np.int64]) -> None:
        """Raise where an id does not pass, or was removed: it is as wrong as one out of range."""
        if self.changing is not None:
            self.changing.check(ids)
        self.condition.check(ids)

    def _unseen_ns(self, k: int, conditions: clock.Conditions | None) -> float | None:
        """Median time of queries as hard as the timed ones, but new to whatever is remembered.

        They are some of them, shifted a little, and otherwise at each setting: an index that
        remembers from one setting to the next knows the others. None where they are not answered.
        """
        rows = np.arange(0, len(self.queries), max(1, len(self.queries) // _UNSEEN))
        some = self.queries[rows]
        if conditions is not None:
            of = conditions.of
            conditions = conditions._replace(of=lambda which: of(rows[which]))
        shift = 1.0 + _SHIFT * self.noise.standard_normal(some.shape)
        asked = (some * shift).astype(np.float32)
        given = asked if self.index.writes else _read_only(asked)
        try:
            done = clock.time_singly(
                self.index.search_one, given, k, clock=self.time, conditions=conditions
            )
        except Exception:
            return None
        return float(np.median(done.latency_ns))

    def _has_batch(self) -> bool:
        """Whether a server takes many queries in one call; nothing is to be learned of a loop."""
        return not self.is_served or type(self.index).search is not Index.search

    def _batch(self, k: int) -> tuple[NDArray[np.int64], int]:
        """Ids of all queries in one call, and its time in ns."""
        given = self.given()
        with clock.unchanged(given):
            began = self.time.wall()
            answer = self.index.search(given, k)
            spent = self.time.wall() - began
        return check_batch(answer, len(given), k), spent

    def warm_up_queries(self, count: int) -> NDArray[np.float32]:
        """Rows of the base, drawn by the build's seed, that are none of the queries."""
        if self.warm is None:
            n, d = self.order.base.shape
            rng = np.random.default_rng([self.order.order_seed, 2])
            raw = np.empty((min(n, count), d), dtype=np.float32)
            read_rows(self.order.base, raw, rng.choice(n, len(raw), replace=False))
            # A vector without a direction is no query.
            drawn = self.space.queries(raw[raw.any(axis=1)])
            alike = np.isin(self.queries[:, 0], drawn[:, 0])
            asked = {query.tobytes() for query in self.queries[alike]}
            others = [row for row in range(len(drawn)) if drawn[row].tobytes() not in asked]
            self.warm = _read_only(drawn[others])
        return self.warm.copy() if self.index.writes else self.warm

    def inspect(self) -> tuple[wire.Inspected, list[NDArray[Any]]]:
        """What the index is made of inside, where its class shows it.

        In row numbers of the dataset; rows that the index did not get have no neighbors.
        """
        # An adapter that knows nothing of these methods may have attributes of the same names.
        kind = type(self.index)
        graph = kind.neighbors(self.index) if callable(kind.neighbors) else None
        lists = kind.lists(self.index) if callable(kind.lists) else None
        arrays: list[NDArray[Any]] = []
        back, n = self.original, self.order.base.shape[0]
        if graph is not None:
            try:
                links, entries = graph
            except (TypeError, ValueError):
                raise AnswerError(
                    f"neighbors() gave {type(graph).__name__}: it gives "
                    "vbench.indexes.protocol.Graph(neighbors, entries), or None"
                ) from None
            links = _rows("neighbors", links, len(back), (len(back), "degree"), pads=True)
            neighbors = np.full((n, links.shape[1]), -1, dtype=np.int64)
            neighbors[back] = np.where(links < 0, -1, back[links])
            arrays += [neighbors, back[_rows("entries", entries, len(back), ("entries",))]]
        if lists is not None:
            numbers = np.zeros(n, dtype=np.int64)
            numbers[back] = _rows("lists", lists, None, (len(back),))
            arrays.append(numbers)
        return wire.Inspected(graph=graph is not None, lists=lists is not None), arrays

    def close(self) -> wire.Closed:
        """Let the adapter clean up behind itself."""
        began = self.time.wall()
        self.index.close()
        return wire.Closed(seconds=(self.time.wall() - began) * 1e-9)


def _count(method: str, given: object) -> int | None:
    if given is None:
        return None
    if not is_count(given):
        raise AnswerError(f"{method} returned {given!r:.200}; a count is needed, or None")
    return int(given)  # type: ignore[call-overload, no-any-return]


def _rows(
    what: str, given: Any, n: int | None, shape: tuple[int | str, ...], *, pads: bool = False
) -> NDArray[np.integer[Any]]:
    """Integers of this shape, row numbers under `n`, or -1 that `pads`; words stand for any number.

    Raises
    ------
    AnswerError
        The adapter gave something else.
    """
    array = np.asarray(given)
    fits = array.ndim == len(shape) and all(
        isinstance(wanted, str) or wanted == size
        for wanted, size in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind not in "iu" or not fits:
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise AnswerError(
            f"{what} are {array.dtype} of shape {array.shape}; give integers ({wanted})"
        )
    if n is not None:
        wrong = array[(array >= n) | (array < (-1 if pads else 0))]
        if wrong.size:
            raise AnswerError(
                f"{what} lead to vector {wrong[0]}, and there are {n}: give row numbers of the "
                f"base that fit() was given{', and -1 to pad' if pads else ''}"
            )
    return array


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """A view that cannot be made writeable again."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array.view()


def serve(channel: Channel) -> None:
    """Answer messages until the other side closes."""
    worker: Worker | None = None
    own = os.getpid()
    with contextlib.suppress(ClosedError):
        while True:
            message = wire.receive_question(channel)
            arrays: tuple[NDArray[Any], ...] = ()
            answer: wire.Answer
            try:
                match message, worker:
                    case wire.Open(), None:
                        worker = Worker(message)
                        answer = wire.Opened(space=worker.space.name)
                    case wire.Fit(), Worker():
                        answer = worker.fit()
                    case wire.Save(), Worker():
                        answer = worker.save(message)
                    case wire.Load(), Worker():
                        answer = worker.load(message)
                    case wire.Alter(), Worker():
                        answer = worker.alter(message)
                    case wire.Search(), Worker():
                        answer, found = worker.search(message)
                        arrays = tuple(found)
                    case wire.Drive(), Worker():
                        answer, found = worker.drive(message)
                        arrays = tuple(found)
                    case wire.Inspect(), Worker():
                        answer, inside = worker.inspect()
                        arrays = tuple(inside)
                    case wire.Version(), Worker():
                        answer = wire.Versioned(version=versions(worker.index))
                    case wire.Close(), Worker():
                        answer = worker.close()
                    case wire.Close(), None:
                        answer = wire.Closed(seconds=0.0)
                    case _:
                        raise ValueError(f"unexpected message {message!r}")
                head = wire.encode(answer, *arrays)
            # Whatever an adapter raises, SystemExit too, is this trial's failure and not ours.
            except BaseException as error:
                reason = reason_of(error, bare=isinstance(error, AnswerError))
                head, arrays = wire.encode(wire.Raised(reason, trace_of(error))), ()
            if os.getpid() != own:
                os._exit(0)  # a copy of this process, left by an adapter that forks
            channel.send(head, arrays)


def main() -> None:
    """Take socket and cores from the command line, pin this process, serve."""
    faulthandler.enable()
    descriptor = int(sys.argv[1])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [int(core) for core in sys.argv[2].split(",")])
    serve(Channel(socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    main()
