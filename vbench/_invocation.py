"""The call that is being carried out: its command line, for what keeps it, and what it trusts.

Light: `vbench --help` needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

argv: ContextVar[tuple[str, ...] | None] = ContextVar("argv", default=None)
"""The words after `vbench`; None where nothing came from a command line."""
say: Callable[[str], None] | None = None
"""Prints a line to the person at once; None where nothing came from a command line."""
_TRUSTED = ContextVar("vbench_trusted", default=False)

REMEDY = "if it comes from somebody you trust, --trust (in Python trust=True)"


@contextmanager
def within_command(words: Sequence[str] | None) -> Iterator[None]:
    """Take what happens inside for the doing of this command line."""
    token = argv.set(tuple(sys.argv[1:] if words is None else words))
    try:
        yield
    finally:
        argv.reset(token)


def is_trusted() -> bool:
    """Whether the files of this call may name code and unpack to any size."""
    return _TRUSTED.get()


@contextmanager
def trusting(given: bool = True) -> Iterator[None]:
    """Trust the files that are opened inside; False leaves it as it is."""
    token = _TRUSTED.set(given or _TRUSTED.get())
    try:
        yield
    finally:
        _TRUSTED.reset(token)
