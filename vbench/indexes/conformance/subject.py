"""What is under test, what is found, where in the index's own code, and the test data."""

from __future__ import annotations

import contextlib
import copy
import inspect
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from vbench._document import Params
from vbench._process.text import describe_error
from vbench.indexes.answers import check_batch, check_range, stack
from vbench.indexes.parameters import is_taken
from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.indexes.service import Server
from vbench.indexes.space import nearest
from vbench.metric import METRICS, Metric

if TYPE_CHECKING:
    import polars as pl

_KIT = Path(__file__).parent
_VBENCH = _KIT.parents[1]
_PYTHON = Path(os.__file__).parent
_DUMP = re.compile(r"^(Fatal Python error: |Timeout \()", re.MULTILINE)
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_METHODS = frozenset(name for name, value in vars(Index).items() if callable(value))
Status = Literal["pass", "warn", "fail", "skip"]
K = 10
_D = 16
_LEARN = 200
CLOSE_SECONDS = 10.0


def place_of_error(error: BaseException, kind: type[Index]) -> str:
    """``file.py:12, in search``: the deepest frame of the index's own code, else of the library.

    Empty where no frame but vbench's own is in it.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not Path(frame.filename).is_relative_to(_KIT)
    ]
    own = [frame for frame in frames if _is_own(Path(frame.filename), kind)]
    foreign = [frame for frame in frames if _is_foreign(Path(frame.filename))]
    if found := (own or foreign):
        return f"{_shown(found[-1].filename)}:{found[-1].lineno}, in {found[-1].name}"
    return ""


def place_of_dump(log: str, kind: type[Index]) -> tuple[str, str]:
    """What a process printed before :mod:`faulthandler` told of its end, and the place it tells.

    The place is the deepest frame of the index's own code, in whatever thread; empty without one.
    """
    start = _DUMP.search(log)
    if start is None:
        return log, ""
    for file, line, name in _FRAME.findall(log, start.start()):
        if _is_own(Path(file), kind):
            return log[: start.start()], f"{_shown(file)}:{line}, in {name}"
    return log[: start.start()], ""


def place_of_method(name: str, kind: type[Index]) -> str:
    """``file.py:12, in search``: where the index defines a method of the protocol, or empty."""
    if name not in _METHODS:
        return ""
    try:
        code = inspect.unwrap(getattr(kind, name)).__code__
    except (AttributeError, ValueError):
        return ""
    if not _is_own(Path(code.co_filename), kind):
        return ""
    return f"{_shown(code.co_filename)}:{code.co_firstlineno}, in {code.co_name}"


def _is_own(file: Path, kind: type[Index]) -> bool:
    """Whether it is the module of the index, or another of the same package."""
    for one in {*kind.__mro__, getattr(kind, "wrapped", kind)} - {Index, object}:
        module = sys.modules.get(one.__module__)
        source = getattr(module, "__file__", None)
        if source is None:
            continue
        if file == Path(source):
            return True
        package = sys.modules.get(one.__module__.partition(".")[0])
        roots = [] if package is module else list(getattr(package, "__path__", []))
        if any(file.is_relative_to(root) for root in roots if Path(root) != _VBENCH):
            return True
    return False


def _is_foreign(file: Path) -> bool:
    """Whether it is neither vbench's nor Python's."""
    installed = {"site-packages", "dist-packages"} & set(file.parts)
    own = file.is_relative_to(_VBENCH) or not file.is_file()
    return not own and (bool(installed) or not file.is_relative_to(_PYTHON))


def _shown(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


class TookTooLongError(BaseException):
    """A call has not come back in time. No `except Exception` of the call's own catches it."""


@contextlib.contextmanager
def limit_time(seconds: float) -> Iterator[None]:
    """Interrupt what is done inside after `seconds`, where signals can: not in compiled code."""
    if not hasattr(signal, "setitimer") or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLongError

    before = signal.signal(signal.SIGALRM, interrupt)
    # Again and again, since a `finally` of the call's own may wait too.
    signal.setitimer(signal.ITIMER_REAL, seconds, max(seconds / 10, 0.01))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Finding(msgspec.Struct, frozen=True):
    """What one check found, why, what to do about it, and where in the index's own code."""

    check: str
    status: Status
    reason: str = ""
    remedy: str = ""
    where: str = ""


class WrongError(Exception):
    """A check failed: reason and remedy, and where if that is known."""

    def __init__(self, reason: str, remedy: str = "", where: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy
        self.where = where


class DoubtfulError(WrongError):
    """A check that saw something which may be right."""


class NotApplicableError(Exception):
    """A check that does not concern this index."""


@dataclass
class Subject:
    """The index under test, with its parameters.

    `close_problems` are what first went wrong when an index was closed that had been fitted, and
    one that had not. Once a call has not come back, no other is made.
    """

    kind: type[Index]
    build: Params
    sweep: Mapping[str, Sequence[Any]]
    close_problems: dict[bool, WrongError] = field(default_factory=dict)
    stuck: bool = False
    servers: Callable[[], Server] | None = None
    """Where an index that is built in a server has its place, a new one each time."""
    _ready: set[int] = field(default_factory=set)

    @contextlib.contextmanager
    def make(self, **build: Any) -> Iterator[Index]:
        """A new index, closed when it is no longer needed, whatever has happened."""
        index = self.kind(**copy.deepcopy({**self.build, **build}))
        try:
            yield index
        finally:
            self.close(index)

    @contextlib.contextmanager
    def make_fitted(
        self,
        base: Vectors,
        metric: Metric | None = None,
        *,
        seed: int = 1,
        learn: Vectors | None = None,
        attributes: Any = None,
        **build: Any,
    ) -> Iterator[Index]:
        """A new index over `base`, at its widest setting; `attributes` where it takes them."""
        with self.make(**build) as index:
            self.fit(index, base, metric, seed=seed, learn=learn, attributes=attributes)
            yield index

    def fit(
        self,
        index: Index,
        base: Vectors,
        metric: Metric | None = None,
        *,
        seed: int = 1,
        threads: int = 1,
        learn: Vectors | None = None,
        attributes: Any = None,
    ) -> None:
        """Fit as the runner does, and take the widest setting.

        Without queries to learn from, and without attributes, as long as the index does without.
        """
        if attributes is None and is_taken(self.kind.fit, "attributes", always=True):
            attributes = made_attributes(len(base))
        if learn is None and is_taken(self.kind.fit, "learn", always=True):
            learn = self.queries_to_learn(base)
        more: dict[str, Any] = {} if learn is None else {"learn": prepare_array(index, learn)}
        if attributes is not None and is_taken(self.kind.fit, "attributes"):
            more["attributes"] = attributes
        if self.servers is not None:
            more["server"] = self.servers()
        index.fit(
            prepare_array(index, base), metric or self.metric, seed=seed, threads=threads, **more
        )
        self._ready.add(id(index))
        index.set(**self.setting(-1))

    def queries_to_learn(self, base: Vectors) -> Vectors | None:
        """Queries for an index that takes some to learn from."""
        if not is_taken(self.kind.fit, "learn"):
            return None
        return self.vectors(_LEARN, seed=41, d=base.shape[1])

    def close(self, index: Index) -> None:
        """Close an index, and note what goes wrong."""
        fitted = id(index) in self._ready
        self._ready.discard(id(index))
        if self.stuck:
            return
        try:
            with limit_time(CLOSE_SECONDS):
                index.close()
        except TookTooLongError as late:
            self.stuck = True
            self._note(fitted, f"close did not return within {CLOSE_SECONDS:g} s", late)
        # Third-party code may raise anything, SystemExit included.
        except BaseException as error:
            self._note(fitted, f"close raised {describe_error(error)}", error)

    def _note(self, fitted: bool, reason: str, error: BaseException) -> None:
        kind = WrongError if fitted else DoubtfulError
        problem = kind(
            reason if fitted else f"{reason}, where nothing was fitted",
            "let go of what there is, and return",
            place_of_error(error, self.kind),
        )
        self.close_problems.setdefault(fitted, problem)

    def raise_close_problem(self) -> None:
        """Raise what went wrong when an index was closed, if anything did."""
        for fitted in (True, False):
            if fitted in self.close_problems:
                raise self.close_problems[fitted]

    def setting(self, place: int) -> Params:
        """One value of each swept parameter."""
        return {name: copy.deepcopy(values[place]) for name, values in self.sweep.items()}

    @property
    def metric(self) -> Metric:
        """The metric of the checks that are not about metrics."""
        return next(metric for metric in METRICS if metric in self.kind.metrics)

    def vectors(self, n: int, *, seed: int, d: int = _D) -> Vectors:
        """Read-only float32 vectors (n, d) whose lengths differ widely.

        Euclidean distance, inner product and cosine then have different nearest neighbors. `d`
        becomes the nearest dimension that the index can do.
        """
        rng = np.random.default_rng(seed)
        lengths = np.exp(rng.uniform(-1.0, 1.0, size=(n, 1)))
        width = nearest(self.kind.dimensions, d)
        made = (rng.standard_normal((n, width)) * lengths).astype(np.float32)
        made.flags.writeable = False
        return made


def made_attributes(n: int) -> pl.DataFrame:
    """Attributes of `n` vectors: a number, some of them unknown, and a color."""
    import polars as pl

    rng = np.random.default_rng(45)
    prices = [None if each < 5 else each for each in rng.integers(0, 100, n).tolist()]
    colors = rng.choice(["red", "green", "it's blue"], n)
    return pl.DataFrame({"price": prices, "color": colors}, schema_overrides={"price": pl.Int64})


def prepare_array(index: Index, array: Vectors) -> Vectors:
    """The array as the runner hands it to this index: a copy for one that writes."""
    return np.array(array) if index.writes else array


def search(index: Index, queries: Vectors, k: int, n: int) -> Ids:
    """Ids of one call with all queries, checked: int64 (m, k), in memory of their own."""
    ids = np.array(check_batch(index.search(prepare_array(index, queries), k), len(queries), k))
    check_range(ids, n)
    return ids


def search_each(index: Index, queries: Vectors, k: int, n: int) -> Ids:
    """Ids of one call for each query, checked: int64 (m, k), in memory of their own."""
    ids = np.full((len(queries), k), -1, dtype=np.int64)
    for row, query in enumerate(prepare_array(index, queries)):
        ids[row] = stack([index.search_one(query, k)], k, [row])[0]
    check_range(ids, n)
    return ids


def changed_rows(one: Ids, other: Ids) -> int:
    """How many queries have other ids, or the same ones in another order."""
    return int((one != other).any(axis=1).sum())
