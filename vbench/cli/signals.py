"""Signals that want a command to end: it tidies up first, and at the second one does not."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
_ONE_AND_THE_SAME_SECONDS = 0.5
"""A shell, `timeout` or systemd may send to the process and to its group."""


class Stopped(KeyboardInterrupt):
    """A signal came. Whatever tidies up after Ctrl-C does so now too."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Raise `Stopped` where the first of these signals finds us; the second ends us at once.

    A signal that was ignored when we were started, as HUP is by `nohup`, stays so.
    """
    before: dict[int, Any] = {}
    first: list[float] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if not first:
            first.append(time.monotonic())
            raise Stopped(number)
        if time.monotonic() - first[0] > _ONE_AND_THE_SAME_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    # Python lets no other thread set them.
    if threading.current_thread() is threading.main_thread():
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
