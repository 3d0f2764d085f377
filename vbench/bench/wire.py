"""What parent and worker say to each other: typed messages, arrays as raw bytes behind them."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.metric import Metric


class Message(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """Base of all messages; the tag is the class name."""


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
    params: dict[str, Any]
    transform: str
    metric: Metric
    base: ArrayFile
    queries: ArrayFile
    seed: int
    threads: int
    sys_path: list[str]


class Opened(Message):
    """The data is loaded, in the space that the transform made."""

    space: str


class Fit(Message):
    """Build the index."""


class Fitted(Message):
    """The index is built. Seconds are of ``fit`` alone; bytes as named in METHOD."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int | None
    index_bytes: int | None
    size_source: str


class Search(Message):
    """Measure one setting at one K."""

    setting: dict[str, Any]
    k: int
    repeats: int
    warmup: int


class Searched(Message):
    """What was measured; ids (m, k) and latencies in ns (m, repeats) follow as arrays.

    `cpu_share` is CPU time / wall time of each pass, `redone` the passes that were repeated
    because the machine was busy, `unstable` the queries whose ids differ between repeats,
    `batch_differs` those whose ids differ between one-by-one and batch.
    """

    cpu_share: list[float]
    redone: int
    disturbed: bool
    unstable: int
    batch_seconds: float
    batch_differs: int
    work: float | None
    overhead_ns: float


class Inspect(Message):
    """Show what the index is made of inside."""


class Inspected(Message):
    """Which parts the index shows. Arrays in row numbers of the dataset follow.

    With `graph`, its neighbors (n, degree) and entries (e,); with `lists`, the list of each base
    vector (n,).
    """

    graph: bool
    lists: bool


class Raised(Message):
    """The adapter, or the check of what it returned, failed."""

    reason: str
    trace: str


Any_ = Open | Opened | Fit | Fitted | Search | Searched | Inspect | Inspected | Raised


def send(connection: Connection, message: Message, *arrays: NDArray[Any]) -> None:
    """Send a message and the arrays that go with it."""
    heads = [(array.dtype.str, array.shape) for array in arrays]
    connection.send_bytes(msgspec.json.encode((message, heads)))
    for array in arrays:
        connection.send_bytes(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def receive(connection: Connection) -> tuple[Any_, list[NDArray[Any]]]:
    """Receive a message and its arrays.

    Raises
    ------
    EOFError
        When the other side is gone.
    """
    message, heads = msgspec.json.decode(
        connection.recv_bytes(), type=tuple[Any_, list[tuple[str, list[int]]]]
    )
    arrays: list[NDArray[Any]] = [
        np.frombuffer(connection.recv_bytes(), dtype=dtype).reshape(shape) for dtype, shape in heads
    ]
    return message, arrays
