"""An index that takes the Dask worker with it that it is built for, once.

Named as `clustered:Deadly` where this folder is importable. `place` is a folder that remembers.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import psutil
from keeping import Keeps

from vbench.indexes.protocol import Vectors
from vbench.metric import Metric


class Deadly(Keeps):
    """Kills the Dask worker above its own process, `times` times, when it is built."""

    def __init__(self, place: str = "", times: int = 1) -> None:
        self.place, self.times = Path(place), times

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self.base, self.metric, self.hidden = base.copy(), metric, None
        for number in range(self.times):
            with contextlib.suppress(FileExistsError):
                (self.place / f"killed-{number}").touch(exist_ok=False)
                # Above this process are its supervisor and the worker of the cluster.
                os.kill(psutil.Process().parents()[1].pid, signal.SIGKILL)
                signal.pause()
