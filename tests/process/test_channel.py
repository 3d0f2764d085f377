"""Messages through a socket: whole and right, or an error; nothing is allocated on a wild claim."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from vbench._process import channel
from vbench._process.channel import Arrays, Channel, ChannelError, ClosedError, decode

SHAPE = (3, 2)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel, socket.socket]]:
    """A channel that gives up where it would wait, the other end, and its bare socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours, gives_up, longest_head=1000), Channel(theirs), theirs


class GaveUpError(Exception):
    """Nothing more has come."""


def gives_up(event: int) -> None:
    raise GaveUpError


def prepare(head: bytes) -> tuple[bytes, Arrays]:
    return head, [np.empty(SHAPE, dtype=np.int32)] if head == b"array" else []


def test_a_message_and_its_arrays_arrive_unchanged(ends: tuple[Channel, Channel, object]) -> None:
    """Arrays that are not contiguous too."""
    ours, theirs, _ = ends
    sent = np.arange(6, dtype=np.int32).reshape(2, 3).T
    theirs.send(b"array", [sent])
    theirs.send(b"more")
    head, (array,) = ours.receive(prepare)
    assert head == b"array"
    assert np.array_equal(array, sent)
    assert ours.receive(prepare) == (b"more", [])
    ours.refuse_input()


def garble(frame: bytes) -> bytes:
    return frame[:-1] + bytes([frame[-1] ^ 1])


def claim(head: int, body: int) -> bytes:
    return struct.pack("<4sIQI", channel._MARK, head, body, 0) + b"{}"


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: b"a line that a library prints to it\n" + frame,
        lambda frame: claim(1 << 31, 0),
        lambda frame: claim(2, 1 << 62),
        lambda frame: frame[:21] + b"printed amid" + frame[21:],
        garble,
    ],
)
def test_whatever_is_no_message_is_an_error(
    ends: tuple[Channel, Channel, socket.socket], change: Callable[[bytes], bytes]
) -> None:
    """Bytes before and amid, lengths that nobody has memory for, single bits."""
    ours, theirs, bare = ends
    theirs.send(b"array", [np.zeros(SHAPE, dtype=np.int32)])
    frame = ours._socket.recv(10_000)
    bare.sendall(change(frame))
    with pytest.raises(ChannelError):
        ours.receive(prepare)


def test_what_nobody_has_asked_for_is_an_error(
    ends: tuple[Channel, Channel, socket.socket],
) -> None:
    """Bytes that come before a message is sent, and the end of the other side."""
    ours, theirs, bare = ends
    bare.sendall(b"x")
    with pytest.raises(ChannelError, match="no message"):
        ours.refuse_input()
    ours._socket.recv(1)
    theirs.close()
    with pytest.raises(ClosedError):
        ours.refuse_input()
    with pytest.raises(ClosedError):
        ours.receive(prepare)


def test_half_a_message_is_waited_for_in_vain_not_forever(
    ends: tuple[Channel, Channel, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits looks at the clock; a while after the last byte it is an error by itself."""
    ours, _, bare = ends
    bare.sendall(claim(100, 0)[:7])
    with pytest.raises(GaveUpError):
        ours.receive(prepare)
    bare.sendall(b"more")
    monkeypatch.setattr(channel, "_STALLED_SECONDS", -1.0)
    with pytest.raises(ChannelError, match="in the middle of a message"):
        ours.receive(prepare)


@pytest.mark.parametrize("head", [b"", b"\xff\xfe", b"\xa2\xff\xff", b"\x91" * 5000, b"\xc3"])
def test_a_head_that_is_not_what_it_must_be_is_an_error(head: bytes) -> None:
    """Nothing, noise, text that is no UTF-8, thousands of levels, another type."""
    with pytest.raises(ChannelError):
        decode(head, str)
