"""What the adapters of servers that speak JSON over HTTP share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from vbench.indexes.in_server import ServerIndex
from vbench.indexes.protocol import Filter, Ids, Vectors
from vbench.indexes.rest import Rest
from vbench.indexes.service import Server, Service
from vbench.metric import Metric


class RestService(Service):
    """A server that is reached by its address alone."""

    key: ClassVar[tuple[str, str]] = ("Authorization", "Bearer ")
    """The header that a key goes in, and what stands before it."""

    @classmethod
    def open(cls, address: str) -> Rest:
        """A connection to the server."""
        return Rest(address, cls.key)

    @classmethod
    def ask_once(cls, address: str, use: Callable[[Rest], Any]) -> Any:
        """What a connection of its own is used for."""
        rest = cls.open(address)
        try:
            return use(rest)
        finally:
            rest.close()


class RestIndex(ServerIndex):
    """An index in such a server, which takes vectors by parts and conditions as lists of ids.

    A subclass gives ``build``, ``ask_one`` and ``insert``.
    """

    rest: Rest | None = None
    allowed: Sequence[int] | None = None
    """Ids that may answer, ascending; None: all."""

    at_once: ClassVar[int] = 500
    """Vectors of one request."""

    def insert(self, ids: Sequence[int], vectors: Sequence[Any]) -> None:
        """Send some vectors."""
        raise NotImplementedError

    def ask_one(self, query: Sequence[float], k: int) -> Sequence[int]:
        """Ids of one query, nearest first."""
        raise NotImplementedError

    def open(self, server: Server, metric: Metric) -> None:
        assert self.service is not None
        assert issubclass(self.service, RestService)
        self.rest, self.allowed = self.service.open(server.address), None

    @property
    def is_open(self) -> bool:
        return self.rest is not None

    def send(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a request."""
        self.check_open()
        assert self.rest is not None
        return self.rest.ask(method, path, body)

    def send_all(self, ids: Ids, vectors: Vectors) -> None:
        """Send all vectors, some at a time."""
        for start in range(0, len(ids), self.at_once):
            part = slice(start, start + self.at_once)
            self.insert(np.asarray(ids)[part].tolist(), vectors[part].tolist())

    def search_one(self, query: Vectors, k: int) -> Ids:
        return np.array(self.ask_one(query.tolist(), k), dtype=np.int64)

    def allow(self, condition: Filter | None) -> None:
        self.allowed = None
        if condition is not None:
            self.allowed = np.flatnonzero(condition.mask).tolist()

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self.send_all(ids, vectors)

    def close(self) -> None:
        if self.rest is not None:
            self.rest.close()
            self.rest = None
