"""A small server of indexes, and indexes that are built in it: what a database is to vbench.

Run by its path, with a socket's path: ``python served.py SOCKET``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np

from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.indexes.service import Phases, Server, Service, end, spawn, wait_for
from vbench.metric import Metric


def ask(address: str, *words: Any) -> Any:
    """What the server answers."""
    with Client(address.removeprefix("toy://secret@"), "AF_UNIX") as connection:
        connection.send(words)
        found = connection.recv()
    if isinstance(found, Exception):
        raise found
    return found


class Toy(Service):
    """The server below."""

    name = "toy"
    process: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path, *, threads: int) -> str:
        address = str(folder / "s")
        self.process = spawn([sys.executable, __file__, address], folder)
        wait_for(lambda: ask(address, "names"), self.process)
        return address

    def stop(self) -> None:
        end(self.process)

    def namespaces(self, address: str) -> Sequence[str]:
        names: list[str] = ask(address, "names")
        return names

    def drop(self, address: str, namespace: str) -> None:
        ask(address, "drop", namespace)


class Reached(Toy):
    """One that is not to be started."""

    name = "far"
    start = Service.start


class Broken(Toy):
    """One whose server does not start."""

    name = "broken"

    def start(self, folder: Path, *, threads: int) -> str:
        process = spawn([sys.executable, "-c", "print('no license'); exit(3)"], folder)
        wait_for(lambda: ask(str(folder / "s"), "names"), process)
        return ""


class InServer(Index):
    """Exact, in the server."""

    metrics = frozenset({"l2"})
    local = False
    service: Any = Toy
    address: str | None = None

    def fit(
        self,
        base: Vectors,
        metric: Metric,
        *,
        seed: int,
        threads: int,
        server: Server | None = None,
    ) -> Mapping[str, float]:
        assert server is not None
        self.address, self.name = server.address, server.namespace
        phases = Phases()
        with phases("load"):
            ask(self.address, "put", self.name, base)
        with phases("index"):
            self.build()
        return phases.seconds

    def build(self) -> None:
        """What the server does beside."""

    def search_one(self, query: Vectors, k: int) -> Ids:
        found: Ids = ask(self.address or "", "ask", self.name, query, k)
        return found

    def sizes(self) -> Mapping[str, int]:
        return {"table": 12}

    def version(self) -> dict[str, str]:
        return {} if self.address is None else {"toy": "1.0"}


class Far(InServer):
    """In one that is only reached."""

    service = Reached


class NeverStarts(InServer):
    """In one that does not start."""

    service = Broken


class Hoards(InServer):
    """The server takes 300 MB while it is built."""

    def build(self) -> None:
        ask(self.address or "", "hoard", 300_000_000)


class Dies(InServer):
    """The server ends while the index is built."""

    def build(self) -> None:
        ask(self.address or "", "die")


class Slow(InServer):
    """A query takes a while."""

    def search_one(self, query: Vectors, k: int) -> Ids:
        time.sleep(0.002)
        return super().search_one(query, k)


def _answer(connection: Connection, bases: dict[str, Any]) -> None:
    match connection.recv():
        case ("names",):
            connection.send(["other", *bases])
        case ("put", name, base):
            bases[name] = base
            connection.send(len(base))
        case ("ask", name, query, k):
            distance = ((bases[name] - query) ** 2).sum(axis=1)
            connection.send(np.argsort(distance, kind="stable")[:k])
        case ("drop", name):
            bases.pop(name, None)
            connection.send(True)
        case ("hoard", size):
            hoard = np.ones(size, dtype=np.uint8)
            time.sleep(1.0)
            connection.send(len(hoard))
        case ("die",):
            print("out of luck", flush=True)
            os._exit(1)


def _serve(path: str) -> None:
    bases: dict[str, Any] = {}
    with Listener(path, "AF_UNIX") as listener:
        while True:
            connection = listener.accept()
            threading.Thread(target=_answer, args=(connection, bases), daemon=True).start()


if __name__ == "__main__":
    _serve(sys.argv[1])
