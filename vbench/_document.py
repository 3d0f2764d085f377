"""How results show themselves: as `--json` documents with a schema by name, and as small HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from vbench import _tables
from vbench._plain import plain
from vbench.errors import UnknownNameError
from vbench.numbers import count

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

D = TypeVar("D", bound="Document")
Params = Mapping[str, Any]
"""Values of parameters by name, of a build or of a search: whatever an index takes."""
_FOR_PROGRAMS = {"environment", "view", "load", "code", "fingerprint"}
_NAMED = {"index", "build", "setting"}
"""What the name of a setting says already."""
MANY = 40
"""Rows that are shown at most; a notebook is no report."""


class Document(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="schema"
):
    """A document; each class names its schema: ``class Summary(Document, tag="vbench.summary/2")``.

    The schema is the first key of the JSON, and is checked when a document is read.
    """

    @property
    def schema(self) -> str:
        """Name and version of the schema, such as ``vbench.summary/2``."""
        return str(self.__struct_config__.tag)

    def to_json(self, indent: int = 2) -> str:
        """The document as JSON; NaN and infinities become null."""
        return msgspec.json.format(msgspec.json.encode(self), indent=indent).decode()

    def to_builtins(self) -> dict[str, Any]:
        """The document as plain dicts and lists: what a reader of its JSON gets."""
        read: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return read

    def __repr__(self) -> str:
        counts = [count(len(rows), name) for name, rows in _lists(self) if rows]
        about = getattr(self, "run", None) or getattr(self, "dataset", "")
        where = f" of {about}" if isinstance(about, str) and about else ""
        return f"<{type(self).__name__}{where}: {', '.join(counts) or 'empty'}>"

    def _repr_html_(self) -> str:
        tables = [_table(name, rows) for name, rows in _lists(self) if rows]
        return "".join([html_table(repr(self)[1:-1], (), ()), *filter(None, tables)])

    def records(self, table: str | None = None) -> list[_tables.Row]:
        """The rows of one of its lists, such as `settings`; by default of the first with any.

        Raises
        ------
        UnknownNameError
            It has no such list; with those that it has.
        """
        lists = dict(_lists(self))
        if table is not None and table not in lists:
            raise UnknownNameError("table", table, lists)
        name = table or next((name for name, rows in lists.items() if rows), None)
        return [] if name is None else list(map(_tables.flatten, lists[name]))

    def to_polars(
        self, table: str | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Its :meth:`records` as a frame; `NAME low` and `NAME high` are the ends of intervals."""
        return _tables.to_polars(self.records(table), columns)

    def to_pandas(
        self, table: str | None = None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """The same for pandas, which must be installed."""
        return _tables.to_pandas(self.records(table), columns)

    def to_latex(self, table: str | None = None, columns: Sequence[str] | None = None) -> str:
        """Its :meth:`records` as a table of booktabs, numbers with their intervals."""
        return _tables.to_latex(self.records(table), columns)

    @classmethod
    def from_json(cls: type[D], text: str | bytes) -> D:
        """Read a document of this class.

        Raises
        ------
        msgspec.ValidationError
            When it is of another schema, or its fields are not those of this class.
        """
        return msgspec.json.decode(text, type=cls)


def _lists(document: Document) -> list[tuple[str, list[Any]]]:
    """The fields that hold a row for each of something."""
    fields = ((name, getattr(document, name)) for name in document.__struct_fields__)
    return [
        (name, list(value))
        for name, value in fields
        if isinstance(value, list | tuple) and all(isinstance(row, msgspec.Struct) for row in value)
    ]


def _table(name: str, rows: list[Any]) -> str:
    """The rows as a table of what is a value, and not a table itself."""
    cells = [_cells(row) for row in rows]
    columns = list(dict.fromkeys(column for each in cells for column in each))
    shown = [[each.get(column) for column in columns] for each in cells]
    return html_table(name.replace("_", " "), columns, shown) if columns else ""


def _cells(row: msgspec.Struct) -> dict[str, object]:
    found: dict[str, object] = {}
    fields = row.__struct_fields__
    aside = _FOR_PROGRAMS | (_NAMED if "name" in fields else set())
    for name in (each for each in fields if each not in aside):
        value = getattr(row, name)
        if isinstance(value, Mapping) and any(
            isinstance(x, msgspec.Struct) for x in value.values()
        ):
            found |= {str(key): text for key, x in value.items() if (text := _cell(x)) is not None}
        elif value not in (None, {}, "") and (text := _cell(value)) is not None:
            found[name] = text
    return found


def _cell(value: object) -> object:
    """A value as a cell, None where it is a table."""
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        spelled = [
            f"{key}={each}" for key, each in value.items() if isinstance(each, str | int | float)
        ]
        return " ".join(spelled) or None
    number = getattr(value, "value", getattr(value, "share", None))
    if not isinstance(number, int | float):
        return None
    low, high = getattr(value, "low", None), getattr(value, "high", None)
    ends = f" [{low:.4g}, {high:.4g}]" if low is not None and high is not None else ""
    return f"{number:.4g}{ends}"


class Interval(msgspec.Struct, frozen=True):
    """A value with the ends of its 95 % interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Estimated(Interval, frozen=True):
    """A mean over builds, its interval, and the standard deviation over builds.

    The ends are None with one build, and where all builds are alike, which tells nothing of others.
    """

    spread: float | None = None


def html_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], note: str = ""
) -> str:
    """A table, its first rows where there are many; what is None is left empty."""
    every = list(rows)
    head = "".join(f"<th>{_text(each)}</th>" for each in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_text(each)}</td>' for each in row)}</tr>" for row in every[:MANY]
    )
    left = len(every) - MANY
    notes = [note] if note else []
    notes += [f"and {left} more rows"] if left > 0 else []
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if columns else ""
    return (
        f"<div><p><b>{_text(title)}</b></p>{table}"
        + "".join(f"<p>{_text(each)}</p>" for each in notes)
        + "</div>"
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escape(plain(shown))
