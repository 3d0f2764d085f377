"""The command line that is being carried out, for what keeps it.

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


@contextmanager
def within_command(words: Sequence[str] | None) -> Iterator[None]:
    """Take what happens inside for the doing of this command line."""
    token = argv.set(tuple(sys.argv[1:] if words is None else words))
    try:
        yield
    finally:
        argv.reset(token)
