"""Memory that a process keeps for its next arrays instead of giving it back in between."""

from __future__ import annotations

import contextlib

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_KEPT_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Let up to 1 GiB stay where it was freed, where the C library is one that can.

    Arrays of tens of megabytes are made and dropped by the hundred where many queries are looked
    at. glibc maps each of them anew, and the kernel clears all of its pages: up to a quarter of the
    time. For a process that ends with the command; it holds for all of the process.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        import ctypes

        library = ctypes.CDLL(None)
        for what in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            library.mallopt(what, _KEPT_BYTES)
