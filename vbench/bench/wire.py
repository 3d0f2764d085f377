"""What parent and worker say to each other: typed messages, and which arrays come with them."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Params
from vbench._process.channel import Arrays, Channel, ChannelError, decode
from vbench.indexes.service import Server
from vbench.metric import Metric


class Message(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """Base of all messages; the tag is the class name."""


class Answer(Message):
    """Base of what a worker answers: every number is finite, and none is negative."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            values = list(value.values()) if isinstance(value, dict) else value
            for each in values if isinstance(values, list) else [values]:
                if isinstance(each, int | float) and not (math.isfinite(each) and each >= 0):
                    raise ValueError(f"{name} is {each}")


class ArrayFile(msgspec.Struct, frozen=True):
    """Rows of an array inside a file: where the first begins, and how far apart they lie."""

    path: str
    offset: int
    row_stride: int
    dtype: str
    shape: tuple[int, int]


class Open(Message):
    """Load the data, permuted, and make the index object."""

    adapter: str
    params: Params
    transform: str
    metric: Metric
    base: ArrayFile
    queries: ArrayFile
    seed: int
    threads: int
    sys_path: list[str]
    order_seed: int = 0
    left_out: list[int] = []
    """Base rows that the index does not get."""
    learn: ArrayFile | None = None
    """Queries that the index may learn from."""
    attributes: str | None = None
    """File of the attributes of the base, for an index that takes them."""
    fitted: str | None = None
    """File of the base rows that ``fit`` takes; None: all."""
    is_kept: bool = False
    """Whether the base is needed behind ``fit``, as vectors of it are added later."""
    build_threads: int | None = None
    """What ``fit`` may use; None: `threads`."""
    memory_limit: int | None = None
    """Bytes that the worker may hold; None: what there is."""
    is_loaded: bool = False
    """Whether :class:`Load` takes the place of :class:`Fit`: then no base is needed."""
    server: Server | None = None
    """Where an index that is built in a service has its place."""
    server_pid: int | None = None
    """The process that this server runs below, where it was started for the run."""


class Opened(Answer):
    """The data is loaded, in the space that the transform made."""

    space: str


class Fit(Message):
    """Build the index."""


class Fitted(Answer):
    """The index is built, in seconds of ``fit`` alone; `version` is what it says of itself.

    `phases` are what these seconds went into, `sizes` bytes of what lies beside the index.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int | None
    index_bytes: int | None
    size_source: str
    kernels: dict[str, str] = {}
    version: dict[str, str] = {}
    phases: dict[str, float] = {}
    sizes: dict[str, int] = {}


class KeptFile(msgspec.Struct, frozen=True):
    """A file of a saved index: its path in the folder, its bytes, their CRC-32."""

    name: str
    bytes: int
    checksum: int


class Save(Message):
    """Save the index in a folder that is there, so that it can be loaded later."""

    folder: str


class Saved(Answer):
    """It is saved, in seconds of ``save``; what was written."""

    seconds: float
    files: list[KeptFile]


class Load(Message):
    """Check the files that :class:`Save` left in a folder, and load the index."""

    folder: str
    files: list[KeptFile]


class Loaded(Answer):
    """It is loaded, in seconds of ``load`` alone."""

    seconds: float
    kernels: dict[str, str] = {}
    version: dict[str, str] = {}


class Alter(Message):
    """Change the base of the index; `rows` is the file of the base rows that it is about."""

    op: Literal["insert", "delete", "replace"]
    rows: str


class Altered(Answer):
    """It was changed, in seconds of ``add`` and ``remove``, and in those of ``settle``."""

    seconds: float
    settle_seconds: float | None
    index_bytes: int | None
    size_source: str
    sizes: dict[str, int] = {}


class Search(Message):
    """Measure one setting at one K.

    `condition` is the file of the condition on the base, if there is one; `is_per_query` where
    each query has its own.
    """

    setting: Params
    k: int
    repeats: int
    warmup: int
    condition: str | None = None
    is_per_query: bool = False


class Searched(Answer):
    """What was measured; ids (m, k) and latencies (m, repeats) follow.

    After a `Search` also first touches (m,) and, where each query has its own condition, the part
    of a latency that went into it (m,). After a `Drive` at a rate, waits (m, repeats), which are
    part of the latencies; `overhead_ns` is then by how much calls came too late.

    Attributes
    ----------
    cpu_share, disturbed, order_seeds, wall_s
        Of each pass: CPU time / wall time, whether other processes took its core (not judged under
        a load), what drew the order of its queries, how long it took.
    redone
        Passes that were made again because they were disturbed.
    unstable, batch_differs
        Queries whose ids differ between passes, and between one-by-one and batch.
    batch_seconds
        Of all queries at once, or of a pass in batches; None where there are none.
    filter_setup_s
        Time in which the index took the condition that all queries share.
    cpu_ns
        CPU time a query, of the worker and its children, or of the server that was started for
        the run; None where another process works.
    unseen_ns
        Median time of queries beside the timed ones, which were never asked before.
    overhead_ns
        The harness's own time a query outside the timed call.
    spent_ns
        Time from the question to the answer, by the worker's clock.
    """

    cpu_share: list[float]
    order_seeds: list[int]
    wall_s: list[float]
    unstable: int
    batch_seconds: float | None
    batch_differs: int
    work: float | None
    cpu_ns: float | None
    overhead_ns: float
    spent_ns: int
    disturbed: list[bool] = []
    redone: int = 0
    unseen_ns: float | None = None
    filter_setup_s: float | None = None


class Drive(Message):
    """Measure one setting at one K under a load: clients at once, a rate, or batches.

    `cores` are those that all clients may use together. What is cold is asked by one of them, and
    its files are taken out of memory before each query.
    """

    setting: Params
    k: int
    repeats: int
    warmup: int
    clients: int
    by: Literal["forks", "threads", "processes"] | None
    rate: float | None
    batch: int | None
    cores: list[int]
    is_cold: bool = False
    condition: str | None = None


class Inspect(Message):
    """Show what the index is made of inside."""


class Inspected(Answer):
    """Which parts the index shows. Arrays in row numbers of the dataset follow.

    With `graph`, its neighbors (n, degree) and entries (e,); with `lists`, the list of each base
    vector (n,).
    """

    graph: bool
    lists: bool


class Raised(Answer):
    """The adapter, or the check of what it returned, failed."""

    reason: str
    trace: str


class Version(Message):
    """Say of which version what is behind the index is."""


class Versioned(Answer):
    """What the index says of itself; nothing where it can only say it once it is built."""

    version: dict[str, str]


class Close(Message):
    """Let the adapter clean up behind itself."""


class Closed(Answer):
    """It has, in so many seconds."""

    seconds: float


Asked = Open | Fit | Save | Load | Alter | Search | Drive | Inspect | Version | Close
Answered = (
    Opened | Fitted | Saved | Loaded | Altered | Searched | Inspected | Versioned | Closed | Raised
)
Reply = TypeVar("Reply", bound=Answer)


class _Head(NamedTuple):
    answer: Answered
    arrays: list[tuple[str, tuple[int, ...]]]


class Expected(NamedTuple):
    """An array that comes with an answer: its types, its shape (None: up to `most`), its values."""

    dtypes: tuple[type[np.generic], ...]
    shape: tuple[int | None, ...]
    least: int
    most: int


def expected_arrays(asked: Message, answer: Message, n: int, m: int) -> list[Expected]:
    """The arrays that come with an answer, of `n` base vectors and `m` queries."""
    row, count = (np.int32, np.int64), (np.int64,)
    most = int(np.iinfo(np.int64).max)
    match asked, answer:
        case Search(k=k, repeats=repeats, is_per_query=per_query), Searched():
            return [
                Expected(row, (m, k), -1, n - 1),
                Expected(count, (m, repeats), 0, most),
                Expected(count, (m,), 0, most),
                *([Expected(count, (m,), 0, most)] if per_query else []),
            ]
        case Drive(k=k, repeats=repeats, rate=rate), Searched():
            times = Expected(count, (m, repeats), 0, most)
            return [Expected(row, (m, k), -1, n - 1), times, *([] if rate is None else [times])]
        case Inspect(), Inspected(graph=graph, lists=lists):
            links = [Expected(row, (n, None), -1, n - 1), Expected(row, (None,), 0, n - 1)]
            return [*(links if graph else []), *([Expected(count, (n,), 0, most)] if lists else [])]
    return []


def encode(message: Message, *arrays: NDArray[Any]) -> bytes:
    """The head of a message: itself, and type and shape of the arrays behind it."""
    heads = [(array.dtype.str, array.shape) for array in arrays]
    # Unlike JSON, it knows nan and the infinities.
    return msgspec.msgpack.encode((message, heads))


def receive_question(channel: Channel) -> Asked:
    """What the parent asks for.

    Raises
    ------
    ClosedError
        When the parent is gone.
    """

    def prepare(head: bytes) -> tuple[Asked, Arrays]:
        return decode(head, tuple[Asked, list[Any]])[0], []

    return channel.receive(prepare)[0]


def prepare_answer(
    head: bytes, asked: Message, expected: type[Reply], n: int, m: int
) -> tuple[Reply | Raised, Arrays]:
    """Read the head of an answer, and make the arrays to be filled.

    Raises
    ------
    ChannelError
        It is another message than `expected` or `Raised`, or comes with other arrays.
    """
    answer, heads = decode(head, _Head)
    if not isinstance(answer, expected | Raised):
        raise ChannelError(
            f"the worker answered with {type(answer).__name__} and not with {expected.__name__}"
        )
    wanted = expected_arrays(asked, answer, n, m)
    if len(heads) != len(wanted):
        raise ChannelError(f"the worker sent {len(heads)} arrays and not {len(wanted)}")
    return answer, [_empty(*given, each) for given, each in zip(heads, wanted, strict=True)]


def _empty(dtype: str, shape: tuple[int, ...], wanted: Expected) -> NDArray[Any]:
    allowed = {np.dtype(each).str: np.dtype(each) for each in wanted.dtypes}
    fits = len(shape) == len(wanted.shape) and all(
        0 <= size <= wanted.most + 1 if free is None else size == free
        for size, free in zip(shape, wanted.shape, strict=True)
    )
    if dtype not in allowed or not fits:
        raise ChannelError("the worker sent an array of another type or shape than was asked for")
    try:
        return np.empty(shape, dtype=allowed[dtype])
    except (MemoryError, ValueError):
        raise ChannelError("the worker sent an array that does not fit into memory") from None


def check_values(arrays: Arrays, wanted: list[Expected]) -> None:
    """Raise where a value of an array lies outside its range.

    Raises
    ------
    ChannelError
    """
    for array, each in zip(arrays, wanted, strict=True):
        if array.size and not each.least <= int(array.min()) <= int(array.max()) <= each.most:
            raise ChannelError("the worker sent numbers that are none: its memory is damaged")
