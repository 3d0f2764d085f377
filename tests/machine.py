"""A machine whose clock stands still but for what a test lets pass."""

from __future__ import annotations

from vbench.bench.worker.clock import Clock


class Machine:
    """Wall time and CPU time in ns."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0
        self.clock = Clock(lambda: self.wall, lambda: self.cpu)

    def work(self, ns: int) -> None:
        """Let the process work."""
        self.wall += ns
        self.cpu += ns

    def wait(self, ns: int) -> None:
        """Let it wait while others have the core."""
        self.wall += ns
