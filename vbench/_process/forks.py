"""Copies of this process that go on with what it has in memory."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from multiprocessing.process import BaseProcess

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""On macOS the system's own libraries do not go on in a fork."""


def start_from_new_thread(process: BaseProcess) -> None:
    """Start a process from a thread that has never worked.

    The threads of a library are not forked, and a thread that has used them, as OpenMP's, would
    wait for them in the copy. This one has not.
    """
    raised: list[BaseException] = []

    def start() -> None:
        try:
            process.start()
        except BaseException as error:
            raised.append(error)

    with warnings.catch_warnings():
        # Python's own, and those of libraries, that a copy may wait forever: ours do without them,
        # or whoever starts one looks whether it answers.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
    if raised:
        raise raised[0]
