"""What the adapters of optional libraries add to the library's own call for one query.

Those that are installed; both calls alternate on one built index.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from _print import figure

from vbench.bench.worker import clock
from vbench.indexes.library import is_installed
from vbench.indexes.registry import resolve

ROUNDS = 9
BASE = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
QUERIES = np.random.default_rng(1).normal(size=(500, 64)).astype(np.float32)
ASKED_IN_SQLITE = "SELECT rowid FROM vectors WHERE embedding MATCH ? AND k = 10"
ASKED_IN_VECTORLITE = "SELECT rowid FROM vectors WHERE knn_search(embedding, knn_param(?, 10, 64))"
ASKED_IN_DUCKDB = "SELECT id FROM vectors ORDER BY array_distance(v, $1) LIMIT 10"


def ask_duckdb(library: Any, query: Any) -> Any:
    """As its documentation does: the query as a typed array."""
    import duckdb

    given = duckdb.Value(query.tolist(), duckdb.array_type("FLOAT", 64))
    return library.execute(ASKED_IN_DUCKDB, [given]).fetchnumpy()["id"]


def ask_qdrant(library: Any, query: Any) -> Any:
    """One request, and the ids of its points."""
    import qdrant_edge as edge

    params = edge.SearchParams(hnsw_ef=128)
    asked = edge.SearchRequest(edge.Query.Nearest(query.tolist()), 10, params=params)
    return [point.id for point in library.search(asked)]


def ask_chroma(library: Any, query: Any) -> Any:
    """One request, and its ids as numbers."""
    found = library.query([query], n_results=10, include=[])["ids"][0]
    return [int(each) for each in found]


VSAG = json.dumps({"hgraph": {"ef_search": 64}})
OWN: Mapping[str, Callable[[Any, Any], Any]] = {
    "chroma": ask_chroma,
    "duckdb": ask_duckdb,
    "qdrant": ask_qdrant,
    "sqlite-vec": lambda library, query: library.execute(
        ASKED_IN_SQLITE, (query.tobytes(),)
    ).fetchall(),
    "vectorlite": lambda library, query: library.execute(
        ASKED_IN_VECTORLITE, (query.tobytes(),)
    ).fetchall(),
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


def times(call: Callable[[Any], Any]) -> np.ndarray:
    """Nanoseconds of the call for each query."""
    spent = np.empty(len(QUERIES), dtype=np.int64)
    with clock.without_gc():
        for place, query in enumerate(list(QUERIES)):
            start = time.perf_counter_ns()
            call(query)
            spent[place] = time.perf_counter_ns() - start
    return spent


def added(name: str) -> float:
    """µs that the adapter adds: over queries the median of the quickest of some rounds."""
    index: Any = resolve(name)()
    index.fit(BASE, "l2", seed=0, threads=1)
    library, own = index.index, OWN[name]
    rounds = [
        (times(lambda query: index.search_one(query, 10)), times(lambda q: own(library, q)))
        for _ in range(ROUNDS)
    ]
    ours, theirs = (np.min(each, axis=0) for each in zip(*rounds, strict=True))
    index.close()
    return float(np.median(ours - theirs)) / 1e3


if __name__ == "__main__":
    for engine in OWN:
        if is_installed(resolve(engine)):
            figure(f"{engine} beyond its library's own call", added(engine), 1, "µs")
