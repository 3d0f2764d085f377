"""Databases by address: what is sent, as stand-ins of their documented interfaces see it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from databases import (
    Database,
    OpenSearchLike,
    QdrantLike,
    Table,
    WeaviateLike,
    serve,
    serve_redis,
)
from vectors import gaussian_pair

import vbench
from vbench.errors import VbenchError
from vbench.indexes.protocol import Filter, Index
from vbench.indexes.registry import resolve
from vbench.indexes.rest import Rest, RestError
from vbench.indexes.service import Server, drop_left_over, new_namespace
from vbench.metric import METRICS, Metric

LIKE: dict[str, type[Database]] = {
    "qdrant-server": QdrantLike,
    "weaviate": WeaviateLike,
    "opensearch": OpenSearchLike,
    "elasticsearch": OpenSearchLike,
}
NAMES = [*LIKE, pytest.param("redis", marks=pytest.mark.engines)]
BASE, QUERIES = gaussian_pair(620, 8, 12, seed=3)


@contextmanager
def served(name: str) -> Iterator[tuple[str, dict[str, Table]]]:
    """The address of a stand-in, and what it holds."""
    if name == "redis":
        with serve_redis() as (address, tables):
            yield address, tables
    else:
        with serve(LIKE[name]) as (address, database):
            yield address, database.tables


def exact_neighbors(base: np.ndarray, metric: Metric) -> np.ndarray:
    """The ten nearest of each query, told without vbench."""
    if metric == "cosine":
        base = base / np.linalg.norm(base, axis=1, keepdims=True)
    far = -(QUERIES @ base.T)
    if metric == "l2":
        far = ((QUERIES[:, np.newaxis] - base) ** 2).sum(axis=2)
    return np.argsort(far, axis=1, kind="stable")[:, :10]


def fitted(name: str, address: str, metric: Metric = "l2") -> Any:
    """An index over the vectors, in a place of its own."""
    index: Any = resolve(name)()
    where = Server(address, new_namespace())
    phases = index.fit(BASE, metric, seed=1, threads=1, server=where)
    assert set(phases) <= {"load", "index", "optimize"}
    return index


def rows(index: Index, k: int = 10) -> np.ndarray:
    return np.stack([index.search_one(query, k) for query in QUERIES])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", NAMES)
def test_neighbors_are_those_of_the_metric(name: str, metric: Metric) -> None:
    """One by one and in a batch, at each setting, by handles of other processes too."""
    with served(name) as (address, tables):
        index = fitted(name, address, metric)
        (table,) = tables.values()
        assert table.metric == metric
        expected = exact_neighbors(BASE, metric)
        for value in (1, 64):
            index.set(**{index.tune_parameter: value})
            assert (rows(index) == expected).all()
        assert (index.search(QUERIES, 10) == expected).all()
        assert next(iter(index.version().values())).count(".") == 2
        handle = type(index).connect(index.server())
        assert (rows(handle) == expected).all()
        handle.close()
        index.close()
        with pytest.raises(VbenchError, match="before fit"):
            index.search_one(QUERIES[0], 3)
        assert index.version() == {}


@pytest.mark.parametrize("name", NAMES)
def test_vectors_come_and_go(name: str) -> None:
    """What is added is found, what is removed is not."""
    with served(name) as (address, _):
        index = fitted(name, address)
        index.add(np.array([620, 621]), QUERIES[:2])
        index.remove(np.array([620]))
        index.settle()
        assert index.search_one(QUERIES[0], 1).tolist() != [620]
        assert index.search_one(QUERIES[1], 1).tolist() == [621]
        index.close()


@pytest.mark.parametrize("name", LIKE)
def test_a_filter_goes_along_as_a_list(name: str) -> None:
    """Only what passes answers; then all are there again."""
    with served(name) as (address, _):
        index = fitted(name, address)
        before = rows(index)
        mask = np.arange(len(BASE)) % 7 == 3
        index.allow(Filter(mask))
        inside = exact_neighbors(BASE[mask], "l2")
        assert (rows(index) == np.flatnonzero(mask)[inside]).all()
        index.allow(None)
        assert (rows(index) == before).all()
        index.close()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_killed_run_left_is_dropped(name: str) -> None:
    """And nothing else; what is not there can be dropped."""
    with served(name) as (address, tables):
        index = fitted(name, address)
        service = index.service()
        (kept,) = service.namespaces(address)
        head, host, _, born, _ = kept.split("_")
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        left = f"{head}_{host}_{ended.pid}_{born}_abcdef"
        index.fit(BASE[:20], "l2", seed=1, threads=1, server=Server(address, left))
        assert len(tables) == 2
        assert drop_left_over(service, address) == [left]
        assert service.namespaces(address) == [kept]
        service.drop(address, left)
        service.drop(address, kept)
        assert not tables
        index.close()


@pytest.mark.parametrize("name", ["weaviate", "opensearch"])
def test_vectors_that_are_refused_are_told(name: str) -> None:
    """Also where the server calls the request well done."""
    with served(name) as (address, _):
        index = fitted(name, address)
        with pytest.raises(VbenchError, match="dimensions"):
            index.add(np.array([620]), np.ones((1, 5), dtype=np.float32))
        index.close()


def test_a_run_by_address(tmp_path: Any) -> None:
    """The recipe, its version in the manifest, the address in no file, nothing left there."""
    with served("qdrant-server") as (address, tables):
        run = vbench.run(
            BASE,
            ["qdrant-server"],
            queries=QUERIES,
            metric="l2",
            builds=1,
            repeats=1,
            connect={"qdrant-server": address},
            settings={"hnsw_ef": [32]},
            out=tmp_path / "run",
        )
        assert run.manifest.failures == []
        assert [run.hits(trial).mean() for trial in run.done] == [10.0]
        assert run.manifest.builds[0].server == {"qdrant": "1.15.0"}
        assert not tables
    for path in (tmp_path / "run").rglob("*.json"):
        assert "secret" not in path.read_text()


def test_an_address_and_a_refusal_are_said_in_a_line() -> None:
    """What an address is; what the server answered, with its status; keys and passwords."""
    for wrong in ("localhost:6333", "http://", "ftp://here", "http://here:port"):
        with pytest.raises(VbenchError, match=r"an address is http://HOST:PORT"):
            Rest(wrong)
    with serve(QdrantLike) as (address, database):
        rest = Rest(address, key=("api-key", ""))
        with pytest.raises(RestError, match=r"the server answered 405: .*GET /nothing") as refused:
            rest.ask("GET", "/nothing")
        assert refused.value.status == 405
        assert rest.ask("GET", "/")["title"] == "qdrant"
        rest.close()
        assert rest.ask("GET", "/")["title"] == "qdrant"  # opened again
        rest.close()
        stranger = Rest(address.replace(":secret", "me:secret"), key=("api-key", ""))
        with pytest.raises(RestError, match="401"):
            stranger.ask("GET", "/")
        stranger.close()
        assert database.asked == ["GET /nothing", "GET /", "GET /"]
