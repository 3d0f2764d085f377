"""Handles by which several clients search one index: what a class says of them, and makes."""

from __future__ import annotations

from typing import Any, Literal

from vbench._process.forks import CAN_FORK
from vbench.indexes.protocol import Index


def client_means(kind: type[Index]) -> Literal["forks", "threads", "processes"] | None:
    """What the clients of an index are; None where it is asked by one alone."""
    if can_connect(kind) and kind.clients != "threads":
        return "processes"
    # What a service was told by one process, its copy does not know of.
    if kind.local and kind.forks and CAN_FORK:
        return "forks"
    return kind.clients


def can_connect(kind: type[Index]) -> bool:
    """Whether a class gives clients handles of their own."""
    # An adapter that knows nothing of the method may have one of the same name.
    found = next((vars(each)["connect"] for each in kind.__mro__ if "connect" in vars(each)), None)
    return isinstance(found, classmethod) and found is not vars(Index)["connect"]


def server_of(index: Index) -> Any:
    """What clients of an index connect to."""
    return index.server() if callable(getattr(type(index), "server", None)) else index


def handles_of(index: Index, count: int) -> list[Index]:
    """What so many threads search by: the index itself, or handles where its class gives them."""
    if not can_connect(type(index)):
        return [index] * count
    return [type(index).connect(server_of(index)) for _ in range(count)]
