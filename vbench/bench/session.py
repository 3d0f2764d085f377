"""The parent's side of a worker: ask it, and turn whatever is no answer into a trial's failure.

What is asked of it is a generator of steps, so that several workers are at work side by side.
"""

from __future__ import annotations

import select
import time
from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from numpy.typing import NDArray

from vbench._process.channel import Arrays, ChannelError
from vbench._process.child import Child, ChildError, Deadline
from vbench._process.cores import usable_cores
from vbench._process.text import FailureKind, shorten, shorten_log
from vbench.bench import wire
from vbench.bench.services import RunningService
from vbench.bench.worker import clock

Result = TypeVar("Result")
Steps = Generator["Session", None, Result]
"""Goes as far as it can without waiting, and yields the session whose worker it waits for."""
_LOOK_EVERY_SECONDS = 0.1
"""How often a worker at work is looked at: its memory, and whether it is stopped or late."""
_CLOSE_WITHIN_SECONDS = 10.0
_END_WITHIN_SECONDS = 5.0
_LEAST_SECONDS = 0.2
"""The system counts CPU time in hundredths of a second: of less time no share is told."""


class TrialError(Exception):
    """A trial, or a whole build, left no result. `log` holds the last lines the worker printed.

    `kind` is one word for why; `fatal` tells that the worker is gone.
    """

    def __init__(
        self, reason: str, log: str = "", *, kind: FailureKind = "error", fatal: bool
    ) -> None:
        self.reason = shorten(reason)
        super().__init__(self.reason)
        self.log = shorten_log(log)
        self.kind = kind
        self.fatal = fatal


class ChangeError(TrialError):
    """The base of an index could not be changed: neither this step nor a later one is measured."""


class Closing(NamedTuple):
    """How long `close` took, the end of the process included, and what went wrong."""

    seconds: float
    error: str | None


def wait_for_any(sessions: Iterable[Session]) -> None:
    """Wait until one of the workers answers or ends, or until it is time to look at them."""
    poll = select.poll()
    for session in sessions:
        poll.register(session, select.POLLIN)
    poll.poll(1000 * _LOOK_EVERY_SECONDS)


def finish(steps: Steps[Result]) -> Result:
    """Go through all steps, waiting between them."""
    try:
        while True:
            wait_for_any([next(steps)])
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        steps.close()


class Session:
    """One worker process, with its own threads and cores.

    Attributes
    ----------
    cores_seen : float or None
        CPU time / wall time of the worker and all that it started, during the last `ask`; None
        where that was too short to tell.
    seconds : float
        Time from the question to the answer during the last `ask`, by this process's clock.
    closing : Closing or None
        What `close` met; None before, and where the worker was killed.
    service : RunningService or None
        What its index is built in, and `server` its place there.
    """

    def __init__(
        self,
        *,
        threads: int,
        memory_limit: int | None = None,
        cores: list[int] | None = None,
        service: RunningService | None = None,
    ) -> None:
        self.service = service
        self.server = None if service is None else service.new_server()
        pinned = cores if cores is not None else usable_cores()[-threads:]
        self._child = Child(
            "vbench.bench.worker",
            [",".join(map(str, pinned))],
            threads=threads,
            memory_limit=memory_limit,
        )
        self.cores_seen: float | None = None
        self.seconds = 0.0
        self.closing: Closing | None = None
        self._size = 0, 0

    @property
    def pid(self) -> int:
        """The worker's process number."""
        return self._child.pid

    def fileno(self) -> int:
        """What gets readable when the worker begins to answer, or ends."""
        return self._child.fileno()

    def ask(
        self,
        message: wire.Message,
        expected: type[wire.Reply],
        *,
        timeout: float | None,
        doing: str,
    ) -> tuple[wire.Reply, list[NDArray[Any]]]:
        """Send a message and wait for its answer.

        The arguments are those of :meth:`asking`.
        """
        return finish(self.asking(message, expected, timeout=timeout, doing=doing))

    def asking(
        self,
        message: wire.Message,
        expected: type[wire.Reply],
        *,
        timeout: float | None,
        doing: str,
    ) -> Steps[tuple[wire.Reply, list[NDArray[Any]]]]:
        """Send a message, and go on when the answer has come.

        Raises
        ------
        TrialError
            When the worker raises, dies, sends something else, takes longer than `timeout` seconds
            or more memory than its limit. In all cases but the first it is gone afterwards.
        """
        if isinstance(message, wire.Open):
            self._size = message.base.shape[0], message.queries.shape[0]
        n, m = self._size

        def prepare(head: bytes) -> tuple[wire.Reply | wire.Raised, Arrays]:
            return wire.prepare_answer(head, message, expected, n, m)

        try:
            head = wire.encode(message)
        except (OverflowError, UnicodeError, TypeError) as error:
            raise TrialError(f"cannot be sent to the worker: {error}", fatal=False) from None
        cpu = self._cpu_seconds(now=False)
        began = clock.SYSTEM.wall()
        deadline = Deadline.after(timeout)
        try:
            self._child.send(head, deadline=deadline)
            while not self._child.is_ready(deadline=deadline):
                yield self
            answer, arrays = self._child.receive(prepare, deadline=deadline)
            wire.check_values(arrays, wire.expected_arrays(message, answer, n, m))
        except ChildError as error:
            self._blame_server(doing)
            raise TrialError(
                self._mask(f"{error.reason} (in {doing})"),
                self._mask(error.log),
                kind=error.kind,
                fatal=True,
            ) from None
        except ChannelError as error:
            log = self._child.kill()
            raise TrialError(f"{error} (in {doing})", log, kind="protocol", fatal=True) from None
        self.seconds = (clock.SYSTEM.wall() - began) * 1e-9
        self.cores_seen = None
        if self.seconds >= _LEAST_SECONDS:
            self.cores_seen = max(0.0, self._cpu_seconds() - cpu) / self.seconds
        if isinstance(answer, wire.Raised):
            self._blame_server(doing)
            reason, trace = self._mask(answer.reason), self._mask(answer.trace)
            raise TrialError(f"{reason} (in {doing})", trace, fatal=False)
        return answer, arrays

    def _cpu_seconds(self, *, now: bool = True) -> float:
        """CPU time of the worker, and of the server that was started for it."""
        trees = [self._child.tree]
        if self.service is not None and self.service.tree is not None:
            trees.append(self.service.tree)
        return sum(tree.cpu_seconds(now=now) for tree in trees)

    def _mask(self, text: str) -> str:
        return text if self.service is None else self.service.mask(text)

    def _blame_server(self, doing: str) -> None:
        """Raise where the server is gone, and the worker only says that it has lost it.

        Raises
        ------
        TrialError
        """
        if self.service is None or not self.service.has_ended:
            return
        self._child.kill()
        why = self.service.why_ended()
        raise TrialError(f"{why.reason} (in {doing})", why.log, kind=why.kind, fatal=True)

    def kill(self) -> str:
        """End the worker and all it started; the last lines that it printed."""
        return self._child.kill()

    def memory(self) -> int:
        """Bytes that the worker and all that it started hold; 0 when it is gone."""
        return 0 if self._child.has_ended else self._child.tree.memory()

    def close(self) -> Closing | None:
        """Let the adapter clean up and the worker end by itself; kill it when it does not."""
        if not self._child.has_ended:
            began = time.monotonic()
            try:
                error = self._closed()
            finally:
                self._child.kill()
            self.closing = Closing(time.monotonic() - began, error)
        if (problem := self._drop()) is not None and self.closing is not None:
            self.closing = self.closing._replace(error=self.closing.error or problem)
        return self.closing

    def _drop(self) -> str | None:
        """Remove the index's place in its service; what went wrong, if anything did."""
        server, self.server = self.server, None
        if self.service is None or server is None:
            return None
        return self.service.drop(server)

    def _closed(self) -> str | None:
        """What went wrong in closing, if anything did."""
        try:
            self.ask(wire.Close(), wire.Closed, timeout=_CLOSE_WITHIN_SECONDS, doing="close")
        except TrialError as failure:
            return failure.reason
        if not self._child.wait(_END_WITHIN_SECONDS):
            return f"the process did not end within {_END_WITHIN_SECONDS:g} s after close()"
        return None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self.kill()
        self.close()
