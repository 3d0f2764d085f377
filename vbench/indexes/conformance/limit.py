"""A limit of time for a call that cannot be left to a process of its own."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class TookTooLongError(BaseException):
    """A call has not come back in time. No `except Exception` of the call's own catches it."""


@contextlib.contextmanager
def limit_time(seconds: float) -> Iterator[None]:
    """Interrupt what is done inside after `seconds`, where signals can: not in compiled code.

    Raises
    ------
    TookTooLongError
    """
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
