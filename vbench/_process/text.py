"""What third-party code says of its failure: short enough, and such that UTF-8 can hold it."""

from __future__ import annotations

import contextlib
import signal
import traceback
from typing import Literal

FailureKind = Literal["error", "timeout", "memory", "signal", "protocol", "lost"]
MOST_REASON = 500
"""Characters that a failure's reason may have."""
MOST_LOG = 8 << 10
"""Bytes that a failure's log may have."""


def shorten(text: str, length: int = MOST_REASON) -> str:
    """`text`, or its beginning and end where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    middle = f" … ({len(text):,} characters) … "
    half = (length - len(middle)) // 2
    return text[:half] + middle + text[-half:]


def shorten_log(text: str) -> str:
    """The end of `text`, of at most `MOST_LOG`."""
    return text.encode(errors="replace")[-MOST_LOG:].decode(errors="ignore")


def make_encodable(text: str) -> str:
    """`text` with escapes for halves of surrogate pairs, which UTF-8 does not have."""
    return text.encode(errors="backslashreplace").decode()


def reason_of(error: BaseException, *, bare: bool = False) -> str:
    """Type and text of an error, or its text alone; it may fail at showing itself too."""
    name = type(error).__name__
    try:
        text = make_encodable(str(error))
    except BaseException:
        return f"{name}, which cannot be shown"
    return shorten(text if bare else f"{name}: {text}" if text else name)


def describe_error(error: BaseException) -> str:
    """Type and text of an error in one line, in bounds."""
    return " ".join(reason_of(error).split())


def trace_of(error: BaseException) -> str:
    """The traceback of an error, in bounds."""
    try:
        trace = "".join(traceback.format_exception(error))
    except BaseException as another:
        trace = "".join(traceback.format_tb(error.__traceback__))
        trace += f"{type(error).__name__}, which cannot be shown: {type(another).__name__}\n"
    # Four bytes is the most that a character takes.
    return shorten(make_encodable(trace), MOST_LOG // 4)


def signal_name(number: int) -> str:
    """The name of a signal; real-time signals are counted from the first of them."""
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    first = getattr(signal, "SIGRTMIN", None)
    return f"SIGRTMIN+{number - first}" if first and number > first else f"signal {number}"
