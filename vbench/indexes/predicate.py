"""Conditions as trees of comparisons, for engines that take conditions in place of masks.

What SQL says of a null holds: compared with anything, also negated, it passes nothing.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    import polars as pl

Value = bool | int | float | str | None
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "is null", "is not null"]


class Comparison(msgspec.Struct, frozen=True, tag="comparison"):
    """One column against a value: ``popularity < 20``, ``color in ("red", "blue")``.

    `value` is a tuple for `in`, and None for `is null` and `is not null`; equality with None passes
    nothing.
    """

    column: str
    op: Operator
    value: Value | tuple[Value, ...] = None


class Junction(msgspec.Struct, frozen=True, tag="junction"):
    """All of some conditions, any of them, or not the one; ``and`` of none passes everything."""

    op: Literal["and", "or", "not"]
    parts: tuple[Predicate, ...]


Predicate = Comparison | Junction
EVERYTHING = Junction("and", ())

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def join(*parts: Predicate) -> Predicate:
    """All of some conditions at once, without a junction where one is enough."""
    flat: list[Predicate] = []
    for part in parts:
        is_and = isinstance(part, Junction) and part.op == "and"
        flat += part.parts if is_and and isinstance(part, Junction) else [part]
    return flat[0] if len(flat) == 1 else Junction("and", tuple(flat))


def to_polars(predicate: Predicate) -> pl.Expr:
    """The same as an expression of polars, null where it is not known."""
    import polars as pl

    if isinstance(predicate, Junction):
        parts = [to_polars(part) for part in predicate.parts]
        if predicate.op == "not":
            return ~parts[0]
        if not parts:
            return pl.lit(predicate.op == "and")
        return functools.reduce(operator.and_ if predicate.op == "and" else operator.or_, parts)
    column, value = pl.col(predicate.column), predicate.value
    if predicate.op == "is null":
        return column.is_null()
    if predicate.op == "is not null":
        return column.is_not_null()
    if predicate.op == "in":
        assert isinstance(value, tuple)
        return column.is_in(list(value))
    found: pl.Expr = _COMPARE[predicate.op](column, pl.lit(value))
    return found


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | '(?P<text>(?:[^']|'')*)'
      | "(?P<quoted>(?:[^"]|"")*)"
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign><=|>=|<>|!=|==|[=<>(),])
    )""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "in", "is", "null", "between", "true", "false"}
_TURNED: dict[str, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


class _UnreadError(Exception):
    """It is no tree of comparisons, or none of those that are read here."""


def read_predicate(text: str) -> Predicate | None:
    """The tree of an SQL condition; None where it is more than comparisons of columns with values.

    Read are ``=``, ``!=``, ``<>``, ``<``, ``<=``, ``>``, ``>=``, ``IN``, ``BETWEEN``, ``IS NULL``,
    a column that is true by itself, and ``AND``, ``OR``, ``NOT`` of these.
    """
    try:
        reader = _Reader(list(_tokens(text)))
        found = reader.either()
        return found if reader.is_done else None
    except _UnreadError:
        return None


def _tokens(text: str) -> Iterator[tuple[str, Any]]:
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _UnreadError
        at, kind = match.end(), str(match.lastgroup)
        given = match[kind]
        if kind == "number":
            yield "value", float(given) if re.search(r"[.eE]", given) else int(given)
        elif kind == "text":
            yield "value", given.replace("''", "'")
        elif kind == "quoted":
            yield "name", given.replace('""', '"')
        elif kind == "name" and given.lower() in _WORDS:
            word = given.lower()
            yield ("value", word == "true") if word in ("true", "false") else ("word", word)
        else:
            yield kind, {"<>": "!=", "==": "="}.get(given, given)


class _Reader:
    """Reads tokens by recursive descent."""

    def __init__(self, tokens: list[tuple[str, Any]]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at == len(self._tokens)

    def either(self) -> Predicate:
        return self._several("or", self._all)

    def _all(self) -> Predicate:
        return self._several("and", self._one)

    def _several(self, op: Literal["and", "or"], read: Callable[[], Predicate]) -> Predicate:
        parts = [read()]
        while self._takes("word", op):
            parts.append(read())
        return parts[0] if len(parts) == 1 else Junction(op, tuple(parts))

    def _one(self) -> Predicate:
        if self._takes("word", "not"):
            return Junction("not", (self._one(),))
        if self._takes("sign", "("):
            found = self.either()
            self._need("sign", ")")
            return found
        kind, given = self._next()
        if kind == "value":
            op = self._need_comparison()
            return Comparison(self._need("name"), _TURNED[op], given)
        if kind != "name":
            raise _UnreadError
        return self._of_column(given)

    def _of_column(self, column: str) -> Predicate:
        if self._takes("word", "is"):
            is_not = self._takes("word", "not")
            self._need("word", "null")
            return Comparison(column, "is not null" if is_not else "is null")
        is_not = self._takes("word", "not")
        found = self._of_list(column)
        if found is None:
            if is_not:
                raise _UnreadError
            if self.is_done or self._peek() in (("sign", ")"), ("word", "and"), ("word", "or")):
                return Comparison(column, "=", True)
            return Comparison(column, self._need_comparison(), self._need("value"))
        return Junction("not", (found,)) if is_not else found

    def _of_list(self, column: str) -> Predicate | None:
        if self._takes("word", "in"):
            self._need("sign", "(")
            values = [self._need("value")]
            while self._takes("sign", ","):
                values.append(self._need("value"))
            self._need("sign", ")")
            return Comparison(column, "in", tuple(values))
        if self._takes("word", "between"):
            low = self._need("value")
            self._need("word", "and")
            high = self._need("value")
            return join(Comparison(column, ">=", low), Comparison(column, "<=", high))
        return None

    def _peek(self) -> tuple[str, Any]:
        return ("", None) if self.is_done else self._tokens[self._at]

    def _next(self) -> tuple[str, Any]:
        if self.is_done:
            raise _UnreadError
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, kind: str, given: str) -> bool:
        found = self._peek() == (kind, given)
        self._at += found
        return found

    def _need(self, kind: str, given: str | None = None) -> Any:
        found = self._next()
        if found[0] != kind or (given is not None and found[1] != given):
            raise _UnreadError
        return found[1]

    def _need_comparison(self) -> Operator:
        sign = self._need("sign")
        if sign not in _TURNED:
            raise _UnreadError
        found: Operator = sign
        return found
