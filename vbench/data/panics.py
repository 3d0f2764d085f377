"""What a library of Rust prints when it panics at a damaged file is not for the reader."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

_turn = threading.RLock()


@contextlib.contextmanager
def unprinted_panics() -> Iterator[None]:
    """Keep from standard error what is printed there by code that then raises.

    What other threads print meanwhile comes out afterwards, where nothing is raised.
    """
    with _turn:
        try:
            sys.stderr.flush()
            kept = os.dup(2)
        except (OSError, ValueError, AttributeError):  # there is no standard error
            yield
            return
        with tempfile.TemporaryFile() as printed:
            os.dup2(printed.fileno(), 2)
            try:
                yield
            except BaseException:
                os.dup2(kept, 2)
                raise
            else:
                os.dup2(kept, 2)
                printed.seek(0)
                while block := printed.read(1 << 16):
                    os.write(2, block)
            finally:
                os.close(kept)
