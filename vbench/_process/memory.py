"""Memory that a process keeps for its next arrays instead of giving it back in between."""

from __future__ import annotations

import contextlib

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_KEPT_BYTES = 1 << 30
_OLD_MOST_BYTES = 32 << 20
"""Some releases of glibc map no less than this apart, whatever they are told."""


def keep_freed_memory() -> None:
    """Let up to 1 GiB stay where it was freed, where the C library is one that can.

    Arrays of tens of megabytes are made and dropped by the hundred where many queries are looked
    at. glibc maps each of them anew, and the kernel clears all of its pages: up to a quarter of the
    time. For a process that ends with the command; it holds for all of the process.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        import ctypes

        library = ctypes.CDLL(None)
        if not library.mallopt(_MMAP_THRESHOLD, _KEPT_BYTES):
            library.mallopt(_MMAP_THRESHOLD, _OLD_MOST_BYTES)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
