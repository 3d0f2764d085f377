"""Item attributes as columns of PostgreSQL, and conditions on them as SQL with parameters."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vbench.indexes.predicate import Comparison, Junction, Predicate, Value

if TYPE_CHECKING:
    import polars as pl

_NULL = b"\xff\xff\xff\xff"
_LARGEST = 1 << 63
_SIGNS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Kind(NamedTuple):
    """A type of PostgreSQL: its name, its number, and a value in its binary format."""

    name: str
    oid: int
    encode: Callable[[Any], bytes]


BOOL = Kind("boolean", 16, lambda value: b"\1" if value else b"\0")
INT8 = Kind("int8", 20, lambda value: struct.pack(">q", value))
FLOAT4 = Kind("float4", 700, lambda value: struct.pack(">f", value))
FLOAT8 = Kind("float8", 701, lambda value: struct.pack(">d", value))
# Compared by bytes, whatever the language of the server.
TEXT = Kind('text COLLATE "C"', 25, lambda value: value.encode())


class Column(NamedTuple):
    """An attribute as the table holds it."""

    name: str
    kind: Kind


class Condition(NamedTuple):
    """SQL in which ``$2`` and on stand for values, with the type and the bytes of each."""

    sql: str
    kinds: list[int]
    values: list[bytes]


class UnwritableError(Exception):
    """A comparison that PostgreSQL would not understand as it is meant."""


def choose_columns(attributes: pl.DataFrame | None) -> dict[str, Column]:
    """The column of each attribute that PostgreSQL can hold and compare as polars does."""
    if attributes is None:
        return {}
    found: dict[str, Column] = {}
    for series in attributes:
        kind = _kind(series)
        if kind is not None:
            found[series.name] = Column(f"a{len(found)}", kind)
    return found


def _kind(series: pl.Series) -> Kind | None:
    import polars as pl

    if series.dtype == pl.Boolean:
        return BOOL
    if series.dtype.is_integer() and series.dtype not in (pl.UInt64, pl.Int128):
        return INT8
    if series.dtype in (pl.Float32, pl.Float64):
        return FLOAT4 if series.dtype == pl.Float32 else FLOAT8
    if series.dtype == pl.String and not series.str.contains("\0", literal=True).any():
        return TEXT
    return None


def encode_rows(attributes: pl.DataFrame, columns: Mapping[str, Column]) -> list[bytes]:
    """The values of each row one after another, each behind its length, for a binary copy."""
    cells = [_encode(attributes[name].to_list(), column) for name, column in columns.items()]
    return [b"".join(row) for row in zip(*cells, strict=True)]


def _encode(values: Sequence[Any], column: Column) -> list[bytes]:
    given = [None if each is None else column.kind.encode(each) for each in values]
    return [_NULL if each is None else len(each).to_bytes(4, "big") + each for each in given]


def write_condition(predicate: Predicate, columns: Mapping[str, Column]) -> Condition | None:
    """A condition as SQL; None where it speaks of other columns, or compares unlike types."""
    writer = _Writer(columns)
    try:
        return Condition(writer.write(predicate), writer.kinds, writer.values)
    except UnwritableError:
        return None


class _Writer:
    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self.kinds: list[int] = []
        self.values: list[bytes] = []

    def write(self, predicate: Predicate) -> str:
        if isinstance(predicate, Junction):
            parts = [f"({self.write(part)})" for part in predicate.parts]
            if predicate.op == "not":
                return f"NOT {parts[0]}"
            return f" {predicate.op.upper()} ".join(parts) or str(predicate.op == "and")
        return self._compare(predicate)

    def _compare(self, comparison: Comparison) -> str:
        if comparison.column not in self._columns:
            raise UnwritableError
        column, value = self._columns[comparison.column], comparison.value
        if comparison.op in ("is null", "is not null"):
            return f"{column.name} {comparison.op.upper()}"
        if isinstance(value, tuple):
            known = [self._give(each, column.kind) for each in value if each is not None]
            return f"{column.name} IN ({', '.join(known)})" if known else "FALSE"
        if value is None:
            return "NULL"
        return f"{column.name} {_SIGNS[comparison.op]} {self._give(value, column.kind)}"

    def _give(self, value: Value, kind: Kind) -> str:
        """The place of a value among the parameters."""
        if kind is INT8 and isinstance(value, float):
            kind = FLOAT8
        is_alike = (
            isinstance(value, bool)
            if kind is BOOL
            else isinstance(value, str)
            if kind is TEXT
            else isinstance(value, int | float) and not isinstance(value, bool)
        )
        if not is_alike or (isinstance(value, int) and abs(value) >= _LARGEST):
            raise UnwritableError
        self.kinds.append(kind.oid)
        self.values.append(kind.encode(value))
        return f"${len(self.values) + 1}"
