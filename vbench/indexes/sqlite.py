"""Vectors in SQLite: compared one by one (sqlite-vec), or HNSW (vectorlite)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.embedded import EmbeddedIndex
from vbench.indexes.protocol import Filter, Ids, Vectors
from vbench.metric import Metric


class _Sqlite(EmbeddedIndex):
    """A virtual table of vectors under their row numbers, through apsw.

    Python's own sqlite3 may have been built without extensions.
    """

    asked: str
    _statement = ""

    def open(self, path: str) -> Any:
        """A connection to a new database, with an extension from this path."""
        import apsw

        connection = apsw.Connection(str(self.make_folder() / "vectors.db"))
        connection.enable_load_extension(True)
        connection.load_extension(path)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TEMPORARY TABLE allowed (id INTEGER PRIMARY KEY)")
        self._statement = self.asked
        return connection

    def insert(self, connection: Any, ids: Ids, vectors: Vectors) -> None:
        """Add vectors as bytes of float32."""
        rows = ((int(each), vector.tobytes()) for each, vector in zip(ids, vectors, strict=True))
        with connection:
            connection.executemany("INSERT INTO vectors (rowid, embedding) VALUES (?, ?)", rows)

    def select(self, query: Vectors, given: tuple[Any, ...]) -> Ids:
        """Ids that a search gives."""
        found = self.index.execute(self._statement, (query.tobytes(), *given))
        return np.array([row for (row,) in found], dtype=np.int64)

    def allow(self, condition: Filter | None) -> None:
        self._statement = self.asked
        with self.index:
            self.index.execute("DELETE FROM allowed")
            if condition is not None:
                rows = ((row,) for row in np.flatnonzero(condition.mask).tolist())
                self.index.executemany("INSERT INTO allowed VALUES (?)", rows)
                self._statement += " AND rowid IN (SELECT id FROM allowed)"

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self.insert(self.index, ids, vectors)
        self._n += len(ids)

    def remove(self, ids: Ids) -> None:
        rows = ((row,) for row in np.asarray(ids).tolist())
        with self.index:
            self.index.executemany("DELETE FROM vectors WHERE rowid = ?", rows)

    def close(self) -> None:
        if self.index is not None and hasattr(self.index, "execute"):
            self.index.close()
        super().close()


class SqliteVec(_Sqlite):
    """Every vector is compared (sqlite-vec)."""

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2", "cosine"})
    requires = ("sqlite-vec", "apsw")
    module = "sqlite_vec"
    license = "MIT OR Apache-2.0"
    asked = "SELECT rowid FROM vectors WHERE embedding MATCH ? AND k = ?"

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import sqlite_vec

        connection = self.open(sqlite_vec.loadable_path())
        column = f"embedding float[{base.shape[1]}] distance_metric={metric}"
        connection.execute(f"CREATE VIRTUAL TABLE vectors USING vec0({column})")
        self.insert(connection, np.arange(len(base)), base)
        return connection

    def ask_one(self, query: Vectors, k: int) -> Ids:
        return self.select(query, (k,))

    def exact(self, queries: Vectors, k: int) -> Ids:
        return self.search(queries, k)

    def files(self) -> Sequence[Path]:
        return [] if self._folder is None else [self._folder / "vectors.db"]


class Vectorlite(_Sqlite):
    """Hierarchical navigable small world graph (vectorlite, hnswlib in SQLite)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [16, 32, 64, 128]}
    tune_parameter = "ef"
    requires = ("vectorlite-py", "apsw")
    module = "vectorlite_py"
    license = "Apache-2.0"
    asked = "SELECT rowid FROM vectors WHERE knn_search(embedding, knn_param(?, ?, ?))"

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
    ) -> None:
        self.M = M
        self.ef_construction = ef_construction
        self._ef = 64

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import vectorlite_py

        n, d = base.shape
        connection = self.open(vectorlite_py.vectorlite_path())
        graph = (
            f"hnsw(max_elements={2 * n}, M={self.M}, ef_construction={self.ef_construction}, "
            f"random_seed={seed & 0x7FFFFFFF})"
        )
        column = f"embedding float32[{d}] {metric}"
        connection.execute(f"CREATE VIRTUAL TABLE vectors USING vectorlite({column}, {graph})")
        self.insert(connection, np.arange(n), base)
        return connection

    def set(self, ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._ef = ef

    def ask_one(self, query: Vectors, k: int) -> Ids:
        return self.select(query, (k, self._ef if self._ef > k else k))

    def size_bytes(self) -> int | None:
        return None  # it lies in memory, and the library does not say
