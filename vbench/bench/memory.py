"""What the operating system says about a process's memory, and about its parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import sys
from pathlib import Path


def reset_peak() -> int | None:
    """Set the high-water mark back to what is resident now; that number of bytes, or None."""
    # Only Linux forgets a high-water mark; elsewhere the earlier one stands.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int | None:
    """High-water mark of this process's resident memory in bytes, or None where unknown."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if found:
            return int(found[1]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when `parent` dies, so that none is left behind."""
    if sys.platform != "linux":
        return
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the parent process is gone")
