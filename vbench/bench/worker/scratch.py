"""Memory for vectors that are read once: large ones lie in a file, whose pages need not stay."""

from __future__ import annotations

import math
import mmap
import os
import tempfile

import numpy as np
from numpy.typing import NDArray

_LARGE_BYTES = 64 << 20
"""From here on a file is worth its making."""


def make_scratch(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Make a float32 array to be filled.

    The file has no name, and goes with the array. Where the disk has no room it is memory after
    all.
    """
    size = 4 * math.prod(shape)
    if size >= _LARGE_BYTES and hasattr(os, "posix_fallocate"):
        try:
            with tempfile.TemporaryFile() as file:
                # A page that finds no room later would end the process.
                os.posix_fallocate(file.fileno(), 0, size)
                return np.frombuffer(mmap.mmap(file.fileno(), size), np.float32).reshape(shape)
        except OSError:
            pass
    return np.empty(shape, dtype=np.float32)
