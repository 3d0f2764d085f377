"""What the adapters of libraries and databases add to the library's own call for one query.

Those that are installed; both calls alternate on one built index. The library's own call ends with
what its user needs in any case: the ids as an array of integers. Time is that of the calling
thread on its processor: an adapter adds nothing elsewhere, and what a server or other work does
meanwhile is none of it.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from _print import figure

from vbench.bench.worker import clock
from vbench.errors import VbenchError
from vbench.indexes.library import check_installed
from vbench.indexes.registry import resolve
from vbench.indexes.service import check_reachable, hosted

TUPLES_OK = 2
ROUNDS = range(12, 61)
SECONDS = 8.0
BASE = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
QUERIES = list(np.random.default_rng(1).normal(size=(500, 64)).astype(np.float32))
ASKED_IN_SQLITE = "SELECT rowid FROM vectors WHERE embedding MATCH ? AND k = 10"
ASKED_IN_VECTORLITE = "SELECT rowid FROM vectors WHERE knn_search(embedding, knn_param(?, 10, 64))"
ASKED_IN_DUCKDB = "SELECT id FROM vectors ORDER BY array_distance(v, $1) LIMIT 10"


def ask_sqlite(asked: str, index: Any) -> Callable[[Any], Any]:
    """One statement with the query's bytes."""
    execute = index.index.execute
    return lambda query: np.array(
        [row for (row,) in execute(asked, (query.tobytes(),))], dtype=np.int64
    )


def ask_duckdb(index: Any) -> Callable[[Any], Any]:
    """As its documentation does: the query as a typed array."""
    import duckdb

    kind, execute = duckdb.array_type("FLOAT", 64), index.index.execute
    return lambda query: execute(
        ASKED_IN_DUCKDB, [duckdb.Value(query.tolist(), kind)]
    ).fetchnumpy()["id"]


def ask_qdrant(index: Any) -> Callable[[Any], Any]:
    """One request, and the ids of its points."""
    import qdrant_edge as edge

    params, search = edge.SearchParams(hnsw_ef=128), index.index.search

    def ask(query: Any) -> Any:
        asked = edge.SearchRequest(edge.Query.Nearest(query.tolist()), 10, params=params)
        return np.array([point.id for point in search(asked)], dtype=np.int64)

    return ask


def ask_chroma(index: Any) -> Callable[[Any], Any]:
    """One request, and its ids as numbers."""
    library = index.index

    def ask(query: Any) -> Any:
        found = library.query([query], n_results=10, include=[])["ids"][0]
        return np.array([int(each) for each in found], dtype=np.int64)

    return ask


def ask_lancedb(index: Any) -> Callable[[Any], Any]:
    """A search of the table, and its column of ids."""

    def ask(query: Any) -> Any:
        asked = index.index.search(query, vector_column_name="vector").distance_type("l2")
        found = asked.select(["id", "_distance"]).limit(10).nprobes(16)
        return found.to_arrow()["id"].to_numpy()

    return ask


def ask_pgvector(index: Any) -> Callable[[Any], Any]:
    """A prepared statement, query and ids as PostgreSQL's binary format has them."""
    index.search_one(QUERIES[0], 10)
    (name,), connection = index._searches.values(), index._connection.pgconn
    head = len(QUERIES[0]).to_bytes(2, "big") + bytes(2)

    def ask(query: Any) -> Any:
        given = head + query.astype(">f4").tobytes()
        found = connection.exec_prepared(name, [given], [1], 1)
        assert found.status == TUPLES_OK
        cells = b"".join([found.get_value(row, 0) for row in range(found.ntuples)])
        return np.frombuffer(cells, dtype=">i4").astype(np.int64)

    return ask


def ask_milvus(index: Any) -> Callable[[Any], Any]:
    """One request, and the ids of its hits."""
    client, name = index._client, index._server.namespace

    def ask(query: Any) -> Any:
        given = {"params": {"ef": 64}}
        found = client.search(name, data=[query.tolist()], limit=10, search_params=given)
        return np.array([hit["id"] for hit in found[0]], dtype=np.int64)

    return ask


def plainly(call: Callable[[Any, Any], Any]) -> Callable[[Any], Callable[[Any], Any]]:
    """A call of the library's own index, for adapters that hold one."""

    def of(index: Any) -> Callable[[Any], Any]:
        library = index.index
        return lambda query: call(library, query)

    return of


VSAG = json.dumps({"hgraph": {"ef_search": 64}})
LIBRARIES: Mapping[str, Callable[[Any, Any], Any]] = {
    "annoy": lambda library, query: library.get_nns_by_vector(query, 10, 4000),
    "diskann": lambda library, query: library.search(query, 10, 64),
    "epzero": lambda library, query: library.search(query, 10, 64),
    "glass": lambda library, query: library.search(query, 10),
    "lorann": lambda library, query: library.search(query, 10, 8, 100),
    "nmslib": lambda library, query: library.knnQuery(query, 10),
    "pynndescent": lambda library, query: library.query(query[np.newaxis], 10, 0.1),
    "rabitq-ivf": lambda library, query: library.search(query[np.newaxis], 10, 8),
    "scann": lambda library, query: library.search(query, 10, 100, 8),
    "svs": lambda library, query: library.search(query, 10),
    "symqg": lambda library, query: library.search(query[np.newaxis], 10, 64),
    "usearch": lambda library, query: library.search(query, 10, threads=1),
    "voyager": lambda library, query: library.query(query, 10, 1, 64),
    "vsag": lambda library, query: library.knn_search(query, 10, VSAG),
}


OWN: Mapping[str, Callable[[Any], Callable[[Any], Any]]] = {
    **{name: plainly(call) for name, call in LIBRARIES.items()},
    "chroma": ask_chroma,
    "duckdb": ask_duckdb,
    "lancedb": ask_lancedb,
    "milvus": ask_milvus,
    "pgvector-hnsw": ask_pgvector,
    "pgvector-ivfflat": ask_pgvector,
    "qdrant": ask_qdrant,
    "sqlite-vec": lambda index: ask_sqlite(ASKED_IN_SQLITE, index),
    "vectorlite": lambda index: ask_sqlite(ASKED_IN_VECTORLITE, index),
}


class Added(NamedTuple):
    """µs of the library's own call, those that the adapter adds, and those of the own call again.

    The last would be zero on a machine that does nothing else.
    """

    own: float
    added: float
    again: float


@contextlib.contextmanager
def built(name: str) -> Iterator[Any]:
    """An index over the base, in a server where it needs one."""
    kind = resolve(name)
    index: Any = kind()
    with contextlib.ExitStack() as stack:
        server = {}
        if kind.service is not None:
            server = {"server": stack.enter_context(hosted(kind.service, None))()}
        index.fit(BASE, "l2", seed=0, threads=1, **server)
        yield index
        index.close()


def compare(ours: Callable[[Any, int], Any], theirs: Callable[[Any], Any]) -> Added:
    """Over queries the medians of the quickest of some rounds, each in an order of its own."""
    if isinstance(theirs(QUERIES[0]), np.ndarray):
        assert all((ours(each, 10) == theirs(each)).all() for each in QUERIES[:5])
    # Each as often as the other, so that the code of neither is the warmer one.
    calls: Any = 2 * ((theirs, ()), (ours, (10,)))
    now = time.thread_time_ns
    began = time.perf_counter()
    for query in QUERIES[:5]:
        theirs(query)
    one = (time.perf_counter() - began) / 5
    asked = QUERIES[: int(np.clip(SECONDS / (4 * ROUNDS[0] * one), 20, len(QUERIES)))]
    rounds = int(np.clip(SECONDS / (4 * len(asked) * one), ROUNDS[0], ROUNDS[-1]))
    order = np.random.default_rng(2)
    spent = np.empty((4, rounds, len(asked)), dtype=np.int64)
    with clock.without_gc():
        for number in range(rounds):
            for place, query in enumerate(asked):
                for which in order.permutation(4):
                    call, more = calls[which]
                    start = now()
                    call(query, *more)
                    spent[which, number, place] = now() - start
    own, adapter, again, _ = spent.min(axis=1) / 1e3
    return Added(*(float(np.median(each)) for each in (own, adapter - own, again - own)))


def main() -> None:
    """One line for each that can be built here."""
    for name in OWN:
        kind = resolve(name)
        try:
            check_installed(kind)
            check_reachable(kind.service, None, name)
        except VbenchError:
            continue
        with built(name) as index:
            found = compare(index.search_one, OWN[name](index))
        what = f"{name} beyond its own call, {found.own:,.0f} µs (that again: {found.again:+.1f})"
        figure(what, found.added, 1 + abs(found.again), "µs")


if __name__ == "__main__":
    main()
