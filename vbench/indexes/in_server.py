"""What the adapters of servers share: how ``fit`` opens one, and handles of several clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from vbench.errors import VbenchError
from vbench.indexes.library import ExtraIndex
from vbench.indexes.protocol import Vectors
from vbench.indexes.service import Phases, Server
from vbench.metric import Metric


class ServerIndex(ExtraIndex):
    """An index that is built in a server.

    A subclass gives ``open``, ``is_open`` and ``build``, and names its service.
    """

    local = False
    seeded = False

    def open(self, server: Server, metric: Metric) -> None:
        """Connect to a server, for searches by a metric."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        """Whether it is connected."""
        raise NotImplementedError

    def build(self, base: Vectors, phases: Phases, *, threads: int) -> None:
        """Build the index in the place that is open, which is new."""
        raise NotImplementedError

    def fit(
        self,
        base: Vectors,
        metric: Metric,
        *,
        seed: int,
        threads: int,
        server: Server | None = None,
    ) -> Mapping[str, float]:
        if server is None:
            raise VbenchError("fit needs server=Server(address, namespace)")
        self.close()
        phases = Phases()
        self._connect(server, metric)
        self.build(base, phases, threads=threads)
        return phases.seconds

    def _connect(self, server: Server, metric: Metric) -> None:
        self._server, self._metric = server, metric
        self.open(server, metric)

    def check_open(self) -> None:
        """Refuse a search where nothing was built.

        Raises
        ------
        VbenchError
        """
        if not self.is_open:
            raise VbenchError("there is nothing to search in before fit")

    def server(self) -> tuple[str, str, Metric]:
        return self._server.address, self._server.namespace, self._metric

    @classmethod
    def connect(cls, server: tuple[str, str, Metric]) -> Self:
        address, namespace, metric = server
        made = cls()
        made._connect(Server(address, namespace), metric)
        return made
