"""Messages between parent and worker: an answer is what was asked for, or an error."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from vbench._process.channel import Arrays, Channel, ChannelError, ClosedError
from vbench.bench import wire

N, M, K = 50, 4, 3
ASK = wire.Search(setting={"ef": 16}, k=K, repeats=2, warmup=0)


def searched(**changes: Any) -> wire.Searched:
    facts: dict[str, Any] = {
        "cpu_share": [1.0, 1.0],
        "disturbed": [False, False],
        "order_seeds": [7, 8],
        "wall_s": [0.1, 0.1],
        "redone": 0,
        "unstable": 0,
        "batch_seconds": 0.5,
        "batch_differs": 0,
        "work": None,
        "cpu_ns": None,
        "unseen_ns": 1000.0,
        "overhead_ns": 12.5,
        "spent_ns": 300_000_000,
    }
    return wire.Searched(**facts | changes)


def sent(answer: wire.Answer, arrays: Sequence[np.ndarray]) -> tuple[wire.Answer, Arrays]:
    """An answer as it arrives, checked."""
    ours, theirs = (Channel(end) for end in socket.socketpair())
    theirs.send(wire.encode(answer, *arrays), arrays)
    theirs.close()
    try:
        got, others = ours.receive(lambda head: wire.prepare_answer(head, ASK, wire.Searched, N, M))
    finally:
        ours.close()
    wire.check_values(others, wire.expected_arrays(ASK, got, N, M))
    return got, others


def test_a_question_arrives_as_it_was_asked() -> None:
    """Also numbers that JSON has no word for."""
    setting = {"ef": 16, "quick": True, "share": 0.5, "high": float("inf"), "none": None}
    ask = wire.Search(setting=setting, k=3, repeats=2, warmup=0)
    ours, theirs = (Channel(end) for end in socket.socketpair())
    ours.send(wire.encode(ask))
    assert wire.receive_question(theirs) == ask
    ours.send(wire.encode(wire.Search(setting={"x": float("nan")}, k=3, repeats=2, warmup=0)))
    got = wire.receive_question(theirs)
    assert isinstance(got, wire.Search)
    assert np.isnan(got.setting["x"])
    ours.close()
    with pytest.raises(ClosedError):
        wire.receive_question(theirs)
    theirs.close()


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_an_answer_and_its_arrays_arrive_unchanged(dtype: type) -> None:
    """Types, shapes and values survive."""
    ids = np.arange(M * K).reshape(M, K).astype(dtype) - 1
    latency = np.full((M, 2), 1 << 40)
    first = np.arange(M)
    answer, arrays = sent(searched(work=3.5), [ids, latency, first])
    assert answer == searched(work=3.5)
    for before, after in zip([ids, latency, first], arrays, strict=True):
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)
        assert after.flags.writeable


def test_a_failure_comes_without_arrays() -> None:
    """In place of what was asked for."""
    assert sent(wire.Raised("no", "trace"), []) == (wire.Raised("no", "trace"), [])


IDS, LATENCY = np.zeros((M, K), dtype=np.int32), np.ones((M, 2), dtype=np.int64)
FIRST = LATENCY[:, 0]


@pytest.mark.parametrize(
    ("answer", "arrays"),
    [
        (searched(), []),
        (searched(), [IDS]),
        (searched(), [IDS, LATENCY]),
        (searched(), [IDS, LATENCY, FIRST[:2]]),
        (searched(), [IDS, LATENCY, -FIRST]),
        (searched(), [IDS, LATENCY, LATENCY]),
        (searched(), [IDS[:, :2], LATENCY, FIRST]),
        (searched(), [IDS.ravel(), LATENCY, FIRST]),
        (searched(), [IDS, LATENCY[:, :1], FIRST]),
        (searched(), [IDS.astype(np.float32), LATENCY, FIRST]),
        (searched(), [IDS, LATENCY.astype(np.float64), FIRST]),
        (searched(), [IDS, LATENCY.astype(">i8"), FIRST]),
        (searched(), [IDS + N, LATENCY, FIRST]),
        (searched(), [IDS - 2, LATENCY, FIRST]),
        (searched(), [IDS, -LATENCY, FIRST]),
        (wire.Opened("l2"), []),
        (wire.Raised("no", ""), [IDS]),
    ],
)
def test_another_answer_than_was_asked_for_is_an_error(
    answer: wire.Answer, arrays: list[np.ndarray]
) -> None:
    """Count, shape, type and range of arrays; the message itself."""
    with pytest.raises(ChannelError):
        sent(answer, arrays)


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_seconds": float("nan")},
        {"overhead_ns": float("inf")},
        {"cpu_share": [1.0, float("nan")]},
        {"wall_s": [-1.0, 1.0]},
        {"cpu_ns": float("nan")},
        {"spent_ns": -1},
        {"unstable": -1},
        {"work": -0.5},
    ],
)
def test_numbers_of_an_answer_are_finite_and_not_negative(changes: dict[str, Any]) -> None:
    """Else it is none."""
    right = msgspec.to_builtins(searched())
    head = msgspec.msgpack.encode((right | changes, []))
    with pytest.raises(ChannelError):
        wire.prepare_answer(head, ASK, wire.Searched, N, M)


def test_an_array_larger_than_memory_is_an_error() -> None:
    """Where the worker says how large it is, it may say anything."""
    heads = [("<i8", [1 << 40, 1 << 40]), ("<i8", [1])]
    head = msgspec.msgpack.encode((wire.Inspected(graph=True, lists=False), heads))
    with pytest.raises(ChannelError):
        wire.prepare_answer(head, wire.Inspect(), wire.Inspected, 1 << 40, M)
