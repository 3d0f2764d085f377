"""A promise held against a collection of Qdrant, as a stand-in of its interface has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from databases import Database, QdrantLike, serve
from vectors import gaussian_pair

import vbench
from vbench.errors import VbenchError
from vbench.indexes.qdrant_server import QdrantServer
from vbench.indexes.service import Server

BASE, QUERIES = gaussian_pair(400, 120, 8, seed=5)


@pytest.fixture
def service() -> Iterator[tuple[str, Database]]:
    """The address, and what others have put there."""
    with serve(QdrantLike) as (address, database):
        index = QdrantServer()
        index.fit(BASE, "l2", seed=0, threads=1, server=Server(address, "items"))
        index.close()
        database.asked.clear()
        yield address, database


def ask(address: str, **more: Any) -> vbench.Watch:
    given = {"place": "items", "settings": {"hnsw_ef": [64]}, "sample": 1.0, **more}
    return vbench.watch(
        BASE, "qdrant-server", "Recall@10>=0.8", queries=QUERIES, metric="l2",
        connect={"qdrant-server": address}, **given,
    )  # fmt: skip


def test_a_collection_is_watched_and_not_changed(service: tuple[str, Database]) -> None:
    """Its own exhaustive search judges; it is asked for its points and for nothing else."""
    address, database = service
    found = ask(address)
    assert (found.status, found.truth, found.value.value) == ("holds", "service", 1.0)
    assert found.searches == found.exact_searches == 120
    assert {each.partition(" /collections/items")[2] for each in database.asked} == {
        "", "/points/query", "/points/query/batch",
    }  # fmt: skip
    assert not any(each.startswith(("PUT", "PATCH", "DELETE")) for each in database.asked)
    assert "items" in database.tables


def test_what_gets_worse_is_found(service: tuple[str, Database]) -> None:
    """Points that are gone are missed, where the base vectors judge."""
    address, database = service
    for row in range(0, 400, 2):
        del database.tables["items"].rows[row]
    assert ask(address, exact="dataset").status == "broken"


def test_named_vectors_are_searched_by_their_name(service: tuple[str, Database]) -> None:
    """As many services have several of a point."""
    address, database = service
    database.tables["items"].using = "image"
    assert ask(address, place="items(image)").status == "holds"
    with pytest.raises(VbenchError, match=r"have names; give items\(image\)"):
        ask(address)
    with pytest.raises(VbenchError, match="no vectors by the name text"):
        ask(address, place="items (text)")


def test_what_cannot_be_watched_is_one_line(
    service: tuple[str, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such collection, another metric, ids that are no rows, no place."""
    address, database = service
    with pytest.raises(VbenchError, match="there is no collection things"):
        ask(address, place="things")
    with pytest.raises(VbenchError, match="is no place; give items"):
        ask(address, place="items(a)(b)")
    monkeypatch.setattr(QdrantLike, "call", staticmethod(lambda row: f"u-{row}"))
    with pytest.raises(VbenchError, match="no row number of the base vectors"):
        ask(address)
    database.tables["items"].metric = "ip"
    with pytest.raises(VbenchError, match="is searched by Dot, and l2 is Euclid"):
        ask(address)


def test_filters_go_along(service: tuple[str, Database]) -> None:
    """As lists of ids, which both searches get."""
    found = ask(service[0], filter="random:0.3")
    assert (found.status, found.truth) == ("holds", "service")
    assert np.isclose(found.value.value or 0.0, 1.0)
