"""Messages through a socket whose other end runs third-party code: whole and right, or an error.

A message is a head and arrays. Before it goes a frame: a mark, the length of the head, that of all
arrays, and a checksum. So whatever a library writes to a descriptor that is not its own is
noticed, and nothing is allocated that the receiver did not expect.
"""

from __future__ import annotations

import select
import socket
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

_FRAME = struct.Struct("<4sIQI")
_MARK = b"\x93vb2"
_LONGEST_HEAD = 64 << 20
_NO_MESSAGE = "bytes that are no message came through the worker's socket"
_STALLED_SECONDS = 60.0
"""How long the rest of a message may let itself be waited for once it has begun."""

Arrays = list[NDArray[Any]]
Message = TypeVar("Message")


class ChannelError(Exception):
    """What came is no message, or not the one that was expected."""


class ClosedError(ChannelError):
    """The other side is gone, or has closed its end."""


class Channel:
    """One end of a socket.

    Parameters
    ----------
    wait
        Called with `select.POLLIN` or `POLLOUT` when the socket is not ready; returns after a
        while, or when it may be; raises to give up. Without it the socket blocks.
    longest_head
        Bytes of a head that is accepted.
    """

    def __init__(
        self,
        end: socket.socket,
        wait: Callable[[int], None] | None = None,
        *,
        longest_head: int = _LONGEST_HEAD,
    ) -> None:
        self._socket = end
        self._wait = wait or (lambda _: None)
        self._longest_head = longest_head
        self._heard: float | None = None
        end.setblocking(wait is None)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def send(self, head: bytes, arrays: Sequence[NDArray[Any]] = ()) -> None:
        """Send a message.

        Raises
        ------
        ClosedError
            The other side is gone.
        """
        bodies = [np.ascontiguousarray(each).reshape(-1).view(np.uint8).data for each in arrays]
        checksum = zlib.crc32(head)
        for body in bodies:
            checksum = zlib.crc32(body, checksum)
        frame = _FRAME.pack(_MARK, len(head), sum(map(len, bodies)), checksum)
        for piece in (memoryview(frame + head), *bodies):
            self._write(piece)

    def receive(self, prepare: Callable[[bytes], tuple[Message, Arrays]]) -> tuple[Message, Arrays]:
        """Receive a message.

        `prepare` reads the head, makes the arrays that are to be filled, and raises `ChannelError`
        where the head is not what was expected.

        Raises
        ------
        ClosedError
            The other side is gone.
        ChannelError
            What came is no message.
        """
        self._heard = None
        mark, length, size, checksum = _FRAME.unpack(self._read(_FRAME.size))
        if mark != _MARK or length > self._longest_head:
            raise ChannelError(_NO_MESSAGE)
        head = self._read(length)
        message, arrays = prepare(head)
        if size != sum(each.nbytes for each in arrays):
            raise ChannelError("a message came with arrays of another size than it says")
        seen = zlib.crc32(head)
        for array in arrays:
            body = array.reshape(-1).view(np.uint8).data
            self._fill(body)
            seen = zlib.crc32(body, seen)
        if seen != checksum:
            raise ChannelError("a message came garbled through the worker's socket")
        return message, arrays

    def refuse_input(self) -> None:
        """Raise where something has come that nobody has asked for, or the end.

        Raises
        ------
        ClosedError
            The other side is gone.
        ChannelError
            Something has come.
        """
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(0):
            return
        if not self._socket.recv(1, socket.MSG_PEEK):
            raise ClosedError("the other side is gone")
        raise ChannelError(_NO_MESSAGE)

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _read(self, size: int) -> bytes:
        buffer = bytearray(size)
        self._fill(memoryview(buffer))
        return bytes(buffer)

    def _fill(self, view: memoryview) -> None:
        while view:
            try:
                count = self._socket.recv_into(view)
            except BlockingIOError:
                if self._heard is not None and time.monotonic() - self._heard > _STALLED_SECONDS:
                    raise ChannelError("the worker stopped in the middle of a message") from None
                self._wait(select.POLLIN)
                continue
            except OSError as error:
                raise ClosedError(str(error)) from None
            if not count:
                raise ClosedError("the other side is gone")
            self._heard = time.monotonic()
            view = view[count:]

    def _write(self, view: memoryview) -> None:
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)
            except OSError as error:
                raise ClosedError(str(error)) from None


def decode(head: bytes, kind: type[Message]) -> Message:
    """What a head holds, which must be of this type."""
    try:
        return msgspec.msgpack.decode(head, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ChannelError(f"the worker's answer cannot be read: {error}") from None
