"""What the operating system says about a process's memory."""

from __future__ import annotations

import contextlib
import re
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
