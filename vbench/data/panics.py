"""What a library of Rust prints when it panics at a damaged file is not for the reader."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

_turn = threading.Lock()
_mine = threading.local()


@functools.cache
def _sink() -> int:
    """Where it goes instead: made once, since files are read by the hundred."""
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


@contextlib.contextmanager
def unprinted_panics() -> Iterator[None]:
    """Keep from standard error what is printed there by code that then raises.

    What other threads print meanwhile comes out afterwards, where nothing is raised.
    """
    if getattr(_mine, "inside", False):
        yield
        return
    with _turn:
        try:
            sys.stderr.flush()
            kept = os.dup(2)
        except (OSError, ValueError, AttributeError):  # there is no standard error
            yield
            return
        sink = _sink()
        begin = os.lseek(sink, 0, os.SEEK_END)
        os.dup2(sink, 2)
        printed, _mine.inside = False, True
        try:
            yield
            printed = True
        finally:
            _mine.inside = False
            os.dup2(kept, 2)
            os.close(kept)
            end = os.lseek(sink, 0, os.SEEK_END)
            while printed and begin < end and (block := os.pread(sink, 1 << 16, begin)):
                os.write(2, block)
                begin += len(block)
