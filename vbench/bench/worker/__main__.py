"""Started as ``python -m vbench.bench.worker FD CORES``.

It answers the messages of :mod:`vbench.bench.wire` that come through the inherited socket until the
other side closes it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import socket
import sys
from typing import Any

from numpy.typing import NDArray

from vbench._process.channel import Channel, ClosedError
from vbench._process.text import reason_of, trace_of
from vbench.bench import wire
from vbench.bench.worker.drive import drive
from vbench.bench.worker.inspect import inspect
from vbench.bench.worker.search import search
from vbench.bench.worker.worker import Worker
from vbench.indexes.answers import AnswerError
from vbench.indexes.protocol import versions


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
                        answer, found = search(worker, message)
                        arrays = tuple(found)
                    case wire.Drive(), Worker():
                        answer, found = drive(worker, message)
                        arrays = tuple(found)
                    case wire.Inspect(), Worker():
                        answer, inside = inspect(worker)
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
