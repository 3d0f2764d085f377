"""A real Dask scheduler on this machine, with worker processes of its own."""

from __future__ import annotations

import logging
from typing import Any


def local_cluster(workers: int) -> Any:
    """So many workers, of which each may be timed at one task at a time."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        resources={"vbench": 1},
        memory_limit=0,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        silence_logs=logging.CRITICAL,
    )
