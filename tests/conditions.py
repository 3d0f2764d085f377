"""A database whose searches take conditions: SQLite, which answers by comparing with all that pass.

Named as `conditions:Sqlite` where this folder is importable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from vbench.indexes.predicate import Comparison, Junction, Predicate
from vbench.indexes.protocol import Filter, Ids, Index, Vectors
from vbench.metric import Metric, distance


class Sqlite(Index):
    """One table of ids, vectors and attributes; a filter becomes a WHERE where it is a tree."""

    def fit(
        self,
        base: Vectors,
        metric: Metric,
        *,
        seed: int,
        threads: int,
        attributes: pl.DataFrame | None = None,
    ) -> None:
        self.metric = metric
        self.database = sqlite3.connect(":memory:")
        self.names = [] if attributes is None else attributes.columns
        columns = "".join(f", {_quoted(name)}" for name in self.names)
        self.database.execute(
            f"CREATE TABLE items (vbench_id INTEGER PRIMARY KEY, v BLOB{columns})"
        )
        self.database.execute("CREATE TABLE passes (vbench_id INTEGER PRIMARY KEY)")
        self.add(np.arange(len(base)), base, attributes)
        self.allow(None)

    def add(self, ids: Ids, vectors: Vectors, attributes: pl.DataFrame | None = None) -> None:
        more: Iterator[Any] = (
            iter([()] * len(ids)) if attributes is None else attributes.iter_rows()
        )
        marks = ", ".join("?" * (2 + len(self.names)))
        self.database.executemany(
            f"INSERT INTO items VALUES ({marks})",
            [
                (int(each), vector.tobytes(), *row)
                for each, vector, row in zip(ids, vectors, more, strict=True)
            ],
        )

    def remove(self, ids: Ids) -> None:
        self.database.executemany(
            "DELETE FROM items WHERE vbench_id = ?", [(each,) for each in ids.tolist()]
        )

    def allow(self, condition: Filter | None) -> None:
        self.where, self.values = "1", list[Any]()
        if condition is None:
            return
        if condition.predicate is not None:
            self.where = self.write(condition.predicate)
            return
        self.where = "vbench_id IN (SELECT vbench_id FROM passes)"
        self.database.execute("DELETE FROM passes")
        passing = np.flatnonzero(condition.mask).tolist()
        self.database.executemany("INSERT INTO passes VALUES (?)", [(each,) for each in passing])

    def write(self, predicate: Predicate) -> str:
        """The condition in SQL, its values aside."""
        if not isinstance(predicate, Comparison):
            parts = [f"({self.write(part)})" for part in predicate.parts]
            if predicate.op == "not":
                return f"NOT {parts[0]}"
            return f" {predicate.op} ".join(parts) or "1"
        column, value = _quoted(predicate.column), predicate.value
        if predicate.op in ("is null", "is not null"):
            return f"{column} {predicate.op}"
        values = list(value) if isinstance(value, tuple) else [value]
        self.values += values
        marks = f"({', '.join('?' * len(values))})" if predicate.op == "in" else "?"
        return f"{column} {predicate.op} {marks}"

    def search(self, queries: Vectors, k: int) -> Ids:
        found = self.database.execute(
            f"SELECT vbench_id, v FROM items WHERE {self.where}", self.values
        ).fetchall()
        ids = np.full((len(queries), k), -1)
        if found:
            labels = np.array([label for label, _ in found])
            vectors = np.stack([np.frombuffer(each, dtype=np.float32) for _, each in found])
            away = distance(queries[:, np.newaxis], vectors[np.newaxis], self.metric)
            order = np.argsort(away, axis=1, kind="stable")[:, :k]
            ids[:, : order.shape[1]] = labels[order]
        return ids

    def close(self) -> None:
        if hasattr(self, "database"):
            self.database.close()


class Careless(Sqlite):
    """Takes a negated comparison with something unknown for true."""

    def write(self, predicate: Predicate) -> str:
        said = super().write(predicate)
        if isinstance(predicate, Junction) and predicate.op == "not":
            return f"NOT coalesce({said.removeprefix('NOT ')}, 0)"
        return said


class Needs(Sqlite):
    """Is nothing without attributes."""

    def fit(  # type: ignore[override]
        self,
        base: Vectors,
        metric: Metric,
        *,
        seed: int,
        threads: int,
        attributes: pl.DataFrame,
    ) -> None:
        super().fit(base, metric, seed=seed, threads=threads, attributes=attributes)


class TreesOnly(Sqlite):
    """Takes no mask."""

    def allow(self, condition: Filter | None) -> None:
        if condition is not None and condition.predicate is None:
            raise NotImplementedError("a condition is needed")
        super().allow(condition)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
