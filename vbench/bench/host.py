"""The process that a server of indexes runs below: starts it, drops what builds leave there.

Started as ``python -m vbench.bench.host FD CORES``; it answers the messages of this module that
come through the inherited socket, and ends the server when the other side closes it. Its
supervisor adopts whatever the server leaves, and ends all.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from pathlib import Path

import msgspec

from vbench._process.channel import Arrays, Channel, ClosedError, decode
from vbench._process.text import reason_of, trace_of
from vbench.errors import VbenchError
from vbench.indexes.registry import resolve
from vbench.indexes.service import Service, drop_left_over


class Start(msgspec.Struct, tag=True, frozen=True):
    """Start the service of an adapter, or reach it at an address."""

    adapter: str
    connect: str | None
    threads: int
    sys_path: list[str]


class Drop(msgspec.Struct, tag=True, frozen=True):
    """Remove a namespace."""

    address: str
    namespace: str


class Done(msgspec.Struct, tag=True, frozen=True):
    """It is done; `dropped` are namespaces of runs that were killed."""

    address: str
    dropped: list[str] = []


class Failed(msgspec.Struct, tag=True, frozen=True):
    """It is not."""

    reason: str
    trace: str


def question(head: bytes) -> tuple[Start | Drop, Arrays]:
    """Read what is asked."""
    return decode(head, tuple[Start | Drop])[0], []


def answer(head: bytes) -> tuple[Done | Failed, Arrays]:
    """Read what is answered."""
    return decode(head, tuple[Done | Failed])[0], []


def _carry_out(message: Start | Drop, service: Service | None) -> tuple[Service, Done]:
    if isinstance(message, Drop):
        assert service is not None
        service.drop(message.address, message.namespace)
        return service, Done(message.address)
    sys.path[:] = message.sys_path
    kind = resolve(message.adapter).service
    if kind is None:
        raise VbenchError(f"{message.adapter} has no service")
    service = kind()
    if message.connect is None:
        # Below this process's own folder, which is removed however it ends.
        folder = Path(tempfile.mkdtemp(prefix=f"{kind.name}-"))
        return service, Done(service.start(folder, threads=message.threads))
    return service, Done(message.connect, drop_left_over(service, message.connect))


def serve(channel: Channel) -> None:
    """Answer until the other side closes, then end the server."""
    service: Service | None = None
    with contextlib.suppress(ClosedError):
        while True:
            message, _ = channel.receive(question)
            said: Done | Failed
            try:
                service, said = _carry_out(message, service)
            # Whatever a client's library raises is told to the side that waits.
            except BaseException as error:
                bare = isinstance(error, VbenchError)
                said = Failed(reason_of(error, bare=bare), trace_of(error))
            channel.send(msgspec.msgpack.encode((said,)))
    if service is not None:
        service.stop()


def main() -> None:
    """Take socket and cores from the command line, pin this process, serve."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [int(core) for core in sys.argv[2].split(",")])
    serve(Channel(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
