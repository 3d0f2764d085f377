"""How an index was asked: what a load is called, and what documents say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from vbench.runs.schema import SINGLE, Load


class LoadInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How a setting was asked, for programs; null where it was one query after another.

    Attributes
    ----------
    mode
        `closed`: each client asks its next query when the last is answered. `open`: queries come
        at a rate, whether the last is answered or not. `single`: one client, by single calls or
        by batches.
    rate
        Queries a second.
    batch
        Queries of one call; null: one.
    """

    mode: Literal["single", "closed", "open"]
    clients: int
    rate: float | None
    batch: int | None
    cache: Literal["warm", "cold"]


def describe_load(load: Load) -> LoadInfo | None:
    """What documents say of a load: whether by threads or processes is the index's own affair."""
    if load.key == SINGLE:
        return None
    return LoadInfo(
        mode=load.mode,
        clients=load.clients,
        rate=load.rate,
        batch=load.batch,
        cache=load.cache,
    )


def label_load(load: Load | LoadInfo | None) -> str:
    """What a load is called, in words that select it: ``clients=2 batch=10``; "" for the usual."""
    if load is None or (isinstance(load, Load) and load.key == SINGLE):
        return ""
    words = [] if load.rate is None else [f"rate={load.rate:g}"]
    words += [f"clients={load.clients}"] if load.clients > 1 else []
    words += [] if load.batch is None else [f"batch={load.batch}"]
    words += ["cache=cold"] if load.cache == "cold" else []
    return " ".join(words)


def find_load(loads: Sequence[Load], key: str) -> Load:
    """The load of a key."""
    return next((each for each in loads if each.key == key), Load(key=key))
