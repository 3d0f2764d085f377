"""HNSW and inverted files of pgvector, in a PostgreSQL server."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.indexes.in_server import ServerIndex
from vbench.indexes.pgvector_columns import (
    Column,
    choose_columns,
    encode_rows,
    write_condition,
)
from vbench.indexes.pgvector_place import Integer, find_place
from vbench.indexes.postgres import Postgres, connect
from vbench.indexes.protocol import Filter, Ids, Vectors
from vbench.indexes.service import Phases, Server
from vbench.metric import Metric

if TYPE_CHECKING:
    import polars as pl

_OPERATORS: dict[Metric, tuple[str, str]] = {
    "l2": ("<->", "vector_l2_ops"),
    "ip": ("<#>", "vector_ip_ops"),
    "cosine": ("<=>", "vector_cosine_ops"),
}
_SESSION = {
    # A small table would be scanned.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_generic_plan",
    "client_min_messages": "notice",
}
_WITHOUT_END = {
    # Under a filter a scan goes on until enough vectors pass, however many it takes.
    "hnsw.max_scan_tuples": "2147483647",
    "hnsw.scan_mem_multiplier": "100",
}
_INT4_ARRAY = 1007
_FLOAT = np.dtype(">f4")
_COMMAND_OK, _TUPLES_OK = 1, 2
_TOO_SMALL = "no longer fits into maintenance_work_mem"


class PgVector(ServerIndex):
    """What HNSW and inverted files share: a table of its own, and one prepared statement."""

    module = "psycopg"
    extra = "pgvector"
    requires = ("psycopg",)
    license = "PostgreSQL"
    service = Postgres
    # An index takes no longer ones.
    dimensions = range(1, 2001)

    _connection: Any = None
    _filter = ""
    _kinds: Sequence[int] = ()
    _given: list[bytes | bytearray]
    _formats: Sequence[int]
    _sent: NDArray[np.floating[Any]]
    _statements: dict[str, dict[int, bytes]]
    _searches: Mapping[int, bytes] = MappingProxyType({})
    _attributes: pl.DataFrame | None = None
    _columns: Mapping[str, Column] = MappingProxyType({})
    _id, _vector = "id", "embedding"
    _integer: Integer = np.dtype(">i4")

    def create(self, table: str, operators: str, n: int) -> str:
        """The statement that creates the index."""
        raise NotImplementedError

    def megabytes(self, n: int, d: int) -> float:
        """What a build takes that does not go to disk."""
        raise NotImplementedError

    def configure(self) -> None:
        """Hand the search parameters to the server."""
        raise NotImplementedError

    def fit(
        self,
        base: Vectors,
        metric: Metric,
        *,
        seed: int,
        threads: int,
        server: Server | None = None,
        attributes: pl.DataFrame | None = None,
    ) -> Mapping[str, float]:
        self._attributes = attributes
        self._columns = choose_columns(attributes)
        return super().fit(base, metric, seed=seed, threads=threads, server=server)

    def build(self, base: Vectors, phases: Phases, *, threads: int) -> None:
        run, (n, d) = self._connection.execute, base.shape
        columns = "".join(f", {each.name} {each.kind.name}" for each in self._columns.values())
        run(f"DROP TABLE IF EXISTS {self._table}")
        run(f"CREATE TABLE {self._table} (id int4 PRIMARY KEY, embedding vector({d}){columns})")
        run(f"ALTER TABLE {self._table} ALTER embedding SET STORAGE PLAIN")
        with phases("load"):
            self._copy(np.arange(n), base, self._attributes)
        self._attributes = None
        said: list[str] = []
        self._connection.add_notice_handler(lambda each: said.append(each.message_primary))
        with phases("index"):
            run(f"SET maintenance_work_mem = '{math.ceil(self.megabytes(n, d))}MB'")
            run(f"SET max_parallel_maintenance_workers = {threads - 1}")
            run(self.create(self._table, self._operators, n))
        if any(_TOO_SMALL in each for each in said):
            raise VbenchError(f"pgvector: {' '.join(said)}")
        with phases("optimize"):
            run(f"VACUUM ANALYZE {self._table}")
            with contextlib.suppress(Exception):  # of a server of others it may not be allowed
                run("CHECKPOINT")
        self.configure()

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def attach(self, server: Server, metric: Metric) -> None:
        """Search in a table of others, by its own index, as :func:`find_place` reads it."""
        self.close()
        self._server, self._metric, self._columns = server, metric, {}
        self._start(server, metric)
        place = find_place(self._connection, server.namespace)
        self._table, self._id, self._vector, self._integer, self._indexes = place
        self.configure()

    def open(self, server: Server, metric: Metric) -> None:
        self._table = f'"{server.namespace}"'
        self._indexes = [f"{server.namespace}_embedding_idx"]
        self._start(server, metric, "CREATE EXTENSION IF NOT EXISTS vector")

    def _start(self, server: Server, metric: Metric, first: str = "SELECT") -> None:
        """Connect, and make what the session needs."""
        self._operator, self._operators = _OPERATORS[metric]
        self._connection = connect(server.address)
        self._execute = self._connection.pgconn.exec_prepared
        self._statements, self._filter = {"": {}}, ""
        self._searches = self._statements[""]
        self._given, self._formats = [bytearray()], [1]
        self._hold(0)
        self._numbers = itertools.count()
        run = self._connection.execute
        run(first)
        (self._oid,) = run("SELECT 'vector'::regtype::oid::int8").fetchone()
        for name, value in (_SESSION | _WITHOUT_END).items():
            run(f"SET {name} = {value}")

    def _copy(self, ids: Ids, vectors: Vectors, attributes: pl.DataFrame | None) -> None:
        """Send vectors as PostgreSQL's binary format has them."""
        d = vectors.shape[1]
        cells: Any = [
            *(("fields", ">i2"), ("id_size", ">i4"), ("id", ">i4")),
            *(("size", ">i4"), ("d", ">i2"), ("unused", ">i2"), ("vector", ">f4", (d,))),
        ]
        rows = np.zeros(len(vectors), dtype=cells)
        rows["fields"], rows["id_size"], rows["id"] = 2 + len(self._columns), 4, ids
        rows["size"], rows["d"], rows["vector"] = 4 * d + 4, d, vectors
        sent = rows.tobytes()
        if attributes is not None and self._columns:
            more, size = encode_rows(attributes, self._columns), rows.itemsize
            sent = b"".join(sent[at * size : at * size + size] + row for at, row in enumerate(more))
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY {self._table} FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            copy.write(sent)
            copy.write(b"\xff\xff")

    def search_one(self, query: Vectors, k: int) -> Ids:
        name = self._searches.get(k) or self._prepare(k)
        sent = self._sent
        if len(sent) != len(query):
            self._hold(len(query))
            sent = self._sent
        sent[:] = query
        found = self._execute(name, self._given, self._formats, 1)
        if found.status != _TUPLES_OK:
            raise VbenchError(found.error_message.decode(errors="replace").strip())
        value = found.get_value
        cells = b"".join([value(row, 0) for row in range(found.ntuples)])
        return np.frombuffer(cells, dtype=self._integer).astype(np.int64)

    def exact(self, queries: Vectors, k: int) -> Ids:
        # The sum keeps the index out.
        order = f"({self._vector} {self._operator} $1) + 0"
        name = self._declare(
            f"SELECT {self._id} FROM {self._table} {self._filter} ORDER BY {order} LIMIT {k}"
        )
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        searches, self._searches = self._searches, {k: name}
        try:
            for row, query in enumerate(queries):
                found = self.search_one(query, k)
                ids[row, : len(found)] = found
        finally:
            self._searches = searches
        self._connection.execute(f"DEALLOCATE {name.decode()}")
        return ids

    def _hold(self, d: int) -> None:
        """Have a place for queries of `d` dimensions, as PostgreSQL's binary format has them."""
        self._given[0] = bytearray(d.to_bytes(2, "big") + bytes(2 + 4 * d))
        self._sent = np.frombuffer(self._given[0], dtype=_FLOAT, offset=4)

    def _prepare(self, k: int) -> bytes:
        """Prepare the search for k neighbors, whose plan must walk the index."""
        self.check_open()
        # What an iterative scan finds may be out of order.
        order = f"{self._vector} {self._operator} $1"
        search = (
            f"WITH found AS MATERIALIZED (SELECT {self._id}, {order} AS distance "
            f"FROM {self._table} {self._filter} ORDER BY {order} LIMIT {k}) "
            f"SELECT {self._id} FROM found ORDER BY distance + 0"
            if self._filter
            else f"SELECT {self._id} FROM {self._table} ORDER BY {order} LIMIT {k}"
        )
        name = self._declare(search)
        nulls = ", ".join(["NULL"] * len(self._given))
        rows = self._connection.execute(f"EXPLAIN EXECUTE {name.decode()}({nulls})").fetchall()
        plan = "\n".join(row for (row,) in rows)
        if not any(each in plan for each in self._indexes):
            raise VbenchError(f"PostgreSQL does not search with the index: {plan}")
        self._statements[self._filter][k] = name
        return name

    def _declare(self, search: str) -> bytes:
        """Prepare a statement over a query, and what a filter takes along."""
        name = f"s{next(self._numbers)}".encode()
        kinds = [self._oid, *self._kinds]
        made = self._connection.pgconn.prepare(name, search.encode(), kinds)
        if made.status != _COMMAND_OK:
            raise VbenchError(made.error_message.decode(errors="replace").strip())
        return name

    def allow(self, condition: Filter | None) -> None:
        self._take((), ())
        if condition is None:
            self._use("")
        elif not self._compare(condition):
            if condition.is_shared:
                self._tabulate(condition.mask)
            else:
                self._exclude(condition.mask)

    def _use(self, where: str) -> None:
        """Search under a condition from now on."""
        if bool(where) != bool(self._filter):
            self._filter = where
            self.configure()
        self._filter = where
        self._searches = self._statements.setdefault(where, {})

    def _take(self, kinds: Sequence[int], given: Sequence[bytes]) -> None:
        """Send these along with each query."""
        self._kinds = kinds
        self._given[1:] = given
        self._formats = [1] * len(self._given)

    def _compare(self, condition: Filter) -> bool:
        """Use what a condition says of attributes, if it can be said in SQL."""
        said = None
        if condition.predicate is not None:
            said = write_condition(condition.predicate, self._columns)
        if said is None:
            return False
        self._take(said.kinds, said.values)
        self._use(f"WHERE {said.sql}")
        return True

    def _tabulate(self, mask: Any) -> None:
        """A condition that many queries share becomes a table."""
        run = self._connection.execute
        # Statements that are planned know the table of before.
        self._deallocate()
        run("DROP TABLE IF EXISTS allowed")
        run("CREATE TEMPORARY TABLE allowed (id int4 PRIMARY KEY)")
        run("INSERT INTO allowed SELECT unnest(%s::int4[])", [np.flatnonzero(mask).tolist()])
        run("ANALYZE allowed")
        same = f"allowed.id = {self._table}.{self._id}"
        self._use(f"WHERE EXISTS (SELECT FROM allowed WHERE {same})")

    def _exclude(self, mask: Any) -> None:
        """The smaller side of a condition goes along with each query, as an array."""
        few = mask.sum() * 2 < len(mask)
        rows = np.flatnonzero(mask if few else ~mask)
        head = np.array([1, 0, 23, len(rows), 1], dtype=">i4").tobytes()
        cells = np.empty((len(rows), 2), dtype=">i4")
        cells[:, 0], cells[:, 1] = 4, rows
        self._take([_INT4_ARRAY], [head + cells.tobytes()])
        self._use(f"WHERE {self._id} {'= ANY' if few else '<> ALL'}($2)")

    def _deallocate(self) -> None:
        self._connection.execute("DEALLOCATE ALL")
        self._statements = {}

    def add(self, ids: Ids, vectors: Vectors, attributes: pl.DataFrame | None = None) -> None:
        self._copy(ids, vectors, attributes)

    def remove(self, ids: Ids) -> None:
        self._connection.execute(
            f"DELETE FROM {self._table} WHERE id = ANY(%s)", [np.asarray(ids).tolist()]
        )

    def settle(self) -> None:
        self._connection.execute(f"VACUUM ANALYZE {self._table}")

    def size_bytes(self) -> int | None:
        """Bytes of the index on disk, without the table."""
        return self._size("pg_relation_size", f"{self._server.namespace}_embedding_idx")

    def sizes(self) -> Mapping[str, int]:
        return {"table": self._size("pg_table_size", self._server.namespace)}

    def _size(self, function: str, relation: str) -> int:
        asked = f"SELECT {function}('\"{relation}\"'::regclass)"
        return int(self._connection.execute(asked).fetchone()[0])

    def version(self) -> dict[str, str]:
        if self._connection is None:
            return {}
        run = self._connection.execute
        (server,) = run("SHOW server_version").fetchone()
        (extension,) = run(
            "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        ).fetchone()
        return {"postgresql": server.split()[0], "pgvector": extension}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection, self._searches = None, {}


class PgVectorHnsw(PgVector):
    """Hierarchical navigable small world graph (pgvector, in PostgreSQL)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef_search": [16, 32, 64, 128]}
    tune_parameter = "ef_search"

    def __init__(
        self,
        m: Annotated[int, Meta(ge=2, le=100)] = 16,
        ef_construction: Annotated[int, Meta(ge=4, le=1000)] = 64,
    ) -> None:
        self._m = m
        self._ef_construction = ef_construction
        self.set()

    def set(self, ef_search: Annotated[int, Meta(ge=1, le=1000)] = 40) -> None:
        self._ef_search = ef_search
        self.configure()

    def configure(self) -> None:
        if self._connection is not None:
            self._connection.execute(f"SET hnsw.ef_search = {self._ef_search}")
            scan = "strict_order" if self._filter else "off"
            self._connection.execute(f"SET hnsw.iterative_scan = {scan}")

    def create(self, table: str, operators: str, n: int) -> str:
        with_ = f"m = {self._m}, ef_construction = {self._ef_construction}"
        return f"CREATE INDEX ON {table} USING hnsw (embedding {operators}) WITH ({with_})"

    def megabytes(self, n: int, d: int) -> float:
        # Vector, links of all levels, and what goes with each; half as much again to be sure.
        return 64 + 1.5 * n * (4 * d + 40 * self._m + 200) / 1e6


class PgVectorIvfflat(PgVector):
    """Inverted file (pgvector, in PostgreSQL)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"probes": [4, 8, 16, 32]}
    tune_parameter = "probes"

    def __init__(self, lists: Annotated[int, Meta(ge=1, le=32768)] | None = None) -> None:
        self._lists = lists
        self.set()

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"probes": build.get("lists") or _lists(n)}

    def set(self, probes: Annotated[int, Meta(ge=1, le=32768)] = 1) -> None:
        self._probes = probes
        self.configure()

    def configure(self) -> None:
        if self._connection is not None:
            self._connection.execute(f"SET ivfflat.probes = {self._probes}")
            scan = "relaxed_order" if self._filter else "off"
            self._connection.execute(f"SET ivfflat.iterative_scan = {scan}")

    def create(self, table: str, operators: str, n: int) -> str:
        lists = self._lists or _lists(n)
        return f"CREATE INDEX ON {table} USING ivfflat (embedding {operators}) WITH (lists={lists})"

    def megabytes(self, n: int, d: int) -> float:
        # Fifty vectors for each list, each with a bound to every center; and between all centers.
        lists = self._lists or _lists(n)
        sample = min(n, max(10_000, 50 * lists))
        return 64 + 1.1 * (sample * (4 * d + 40 + 4 * lists) + 8 * lists * lists) / 1e6


def _lists(n: int) -> int:
    return max(1, min(32768, round(4 * math.sqrt(n))))
