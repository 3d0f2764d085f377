"""A table of vectors that somebody else made in PostgreSQL: its columns, its indexes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from vbench.errors import VbenchError

_WRITTEN = re.compile(
    r"(?P<table>\w+(?:\.\w+)?)(?:\s*\(\s*(?P<id>\w+)\s*,\s*(?P<vector>\w+)\s*\))?"
)
Integer = np.dtype[np.signedinteger[Any]]
_INTEGERS: Mapping[int, Integer] = {
    number: np.dtype(kind) for number, kind in ((21, ">i2"), (23, ">i4"), (20, ">i8"))
}
"""How PostgreSQL sends its integers, by the number of the type."""
_KIND = "SELECT atttypid::int8 FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s"
_INDEXES = (
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
    "WHERE i.indrelid = %s::regclass AND a.attname = %s"
)


class Place(NamedTuple):
    """A table as SQL names it, its columns of ids and vectors, and the indexes over the latter.

    `integer` is the type of ids as they are sent.
    """

    table: str
    id: str
    vector: str
    integer: Integer
    indexes: list[str]


def find_place(connection: Any, text: str) -> Place:
    """The place behind ``items``, ``items(id, embedding)`` or ``shop.items(sku, features)``.

    Without names of columns they are `id`, a whole number, and `embedding`.

    Raises
    ------
    VbenchError
        It is not written so, or has no such columns, or no index.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise VbenchError(f"{text!r} is no table; write items, or items(id, embedding)")
    table = ".".join(f'"{part}"' for part in found["table"].split("."))
    names = found["id"] or "id", found["vector"] or "embedding"
    remedy = "name the columns as in items(id, embedding)"
    rows = connection.execute(_INDEXES, [table, names[1]]).fetchall()
    if not rows:
        raise VbenchError(f'{text} has no index over "{names[1]}"; {remedy}')
    kind = connection.execute(_KIND, [table, names[0]]).fetchone()
    if kind is None or kind[0] not in _INTEGERS:
        raise VbenchError(f'{text}: "{names[0]}" is no column of whole numbers; {remedy}')
    indexes = [name for (name,) in rows]
    return Place(table, f'"{names[0]}"', f'"{names[1]}"', _INTEGERS[kind[0]], indexes)
