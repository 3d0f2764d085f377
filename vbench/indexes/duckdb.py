"""HNSW of DuckDB's extension VSS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.errors import VbenchError
from vbench.indexes.embedded import keep_to
from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import Metric

_FUNCTIONS: dict[Metric, tuple[str, str]] = {
    "l2": ("l2sq", "array_distance"),
    "ip": ("ip", "array_negative_inner_product"),
    "cosine": ("cosine", "array_cosine_distance"),
}


class DuckDb(LibraryIndex):
    """Hierarchical navigable small world graph (DuckDB's VSS)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef_search": [16, 32, 64, 128]}
    tune_parameter = "ef_search"
    requires = ("duckdb", "duckdb-extension-vss")
    module = "duckdb"
    license = "MIT"

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 128,
    ) -> None:
        self.M = M
        self.ef_construction = ef_construction
        self._ef_search = 64
        self._statements: dict[int, str] = {}

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef_search": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import duckdb

        name, self._function = _FUNCTIONS[metric]
        self._value, self._type = duckdb.Value, duckdb.array_type("FLOAT", base.shape[1])
        self._statements = {}
        keep_to(threads)
        connection = duckdb.connect(
            ":memory:", config={"threads": threads, "autoinstall_known_extensions": "false"}
        )
        connection.execute(f"LOAD '{_extension()}'")
        connection.execute(f"CREATE TABLE vectors (id INTEGER, v FLOAT[{base.shape[1]}])")
        self._insert(connection, np.arange(len(base)), base)
        connection.execute(
            f"CREATE INDEX graph ON vectors USING HNSW (v) WITH (metric = '{name}', "
            f"M = {self.M}, M0 = {2 * self.M}, ef_construction = {self.ef_construction})"
        )
        connection.execute(f"SET hnsw_ef_search = {self._ef_search}")
        return connection

    def _insert(self, connection: Any, ids: Ids, vectors: Vectors) -> None:
        # Without pyarrow, columns come as arrays: DuckDB finds this variable by its name.
        d = vectors.shape[1]
        columns = {f"c{place}": np.ascontiguousarray(vectors[:, place]) for place in range(d)}
        columns["id"] = np.asarray(ids, dtype=np.int32)
        array = ", ".join(f"c{place}" for place in range(d))
        connection.execute(
            f"INSERT INTO vectors SELECT id, array_value({array})::FLOAT[{d}] FROM columns"
        )

    def set(self, ef_search: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._ef_search = ef_search
        if self.index is not None and hasattr(self.index, "execute"):
            self.index.execute(f"SET hnsw_ef_search = {ef_search}")

    def ask_one(self, query: Vectors, k: int) -> Ids:
        statement = self._statements.get(k) or self._checked(query, k)
        # A list would be converted, and the index not be used.
        given = [self._value(query.tolist(), self._type)]
        ids: Ids = self.index.execute(statement, given).fetchnumpy()["id"]
        return ids

    def _checked(self, query: Vectors, k: int) -> str:
        """The search for k neighbors, whose plan must walk the index."""
        statement = f"SELECT id FROM vectors ORDER BY {self._function}(v, $1) LIMIT {k}"
        given = [self._value(query.tolist(), self._type)]
        plan = self.index.execute(f"EXPLAIN {statement}", given).fetchall()[0][1]
        if "HNSW_INDEX" not in plan:
            raise VbenchError(f"DuckDB does not search with the index: {plan}")
        self._statements[k] = statement
        return statement

    def exact(self, queries: Vectors, k: int) -> Ids:
        # The sum keeps the index out.
        asked = f"SELECT id FROM vectors ORDER BY {self._function}(v, $1) + 0 LIMIT {k}"
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        for row, query in enumerate(queries):
            given = [self._value(query.tolist(), self._type)]
            found = self.index.execute(asked, given).fetchnumpy()["id"]
            ids[row, : len(found)] = found
        return ids

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self._insert(self.index, ids, vectors)
        self._n += len(ids)

    def remove(self, ids: Ids) -> None:
        listed = ",".join(map(str, np.asarray(ids).tolist()))
        self.index.execute(f"DELETE FROM vectors WHERE id IN ({listed})")

    def settle(self) -> None:
        self.index.execute("PRAGMA hnsw_compact_index('graph')")

    def size_bytes(self) -> int | None:
        """Bytes of memory that the index says it takes, without the table."""
        asked = "SELECT approx_memory_usage FROM pragma_hnsw_index_info()"
        return int(self.index.execute(asked).fetchone()[0])

    def close(self) -> None:
        if self.index is not None and hasattr(self.index, "execute"):
            self.index.close()
        super().close()


def _extension() -> Path:
    import duckdb_extension_vss

    folder = Path(duckdb_extension_vss.__file__).parent
    return next(folder.rglob("*.duckdb_extension"))
