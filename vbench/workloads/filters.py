"""Filters as people write them: ``popularity < 20``, ``random:0.05``, ``query:country``, ``seen``.

Parts joined by ``&`` hold at once: ``seen & popularity < 20``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.data.dataset import Dataset
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.predicate import (
    EVERYTHING,
    Comparison,
    Predicate,
    Value,
    join,
    read_predicate,
    to_polars,
)
from vbench.neighbors.exact import nearest
from vbench.workloads.allowed import Allowed, Mask

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["expr", "random", "nearest", "query", "seen", "several"]

_SHARE = re.compile(r"(random|nearest):(.*)")
_OF_QUERY = re.compile(r"query:(.+)")
_QUANTILES = re.compile(r"(\w+):(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)\s*%")
_AND = re.compile(r"""&(?=(?:[^'"]|'[^']*'|"[^"]*")*$)""")
_EXAMPLES = (
    "write an expression over item attributes ('popularity < 20'), quantiles of one "
    "('popularity:0-50%'), random:0.05, nearest:0.05, query:COLUMN or seen"
)


class Part(NamedTuple):
    """One condition: its kind, as it is written, and how it is resolved by a seed."""

    kind: Kind
    text: str
    resolve: Callable[[Dataset, int], Allowed]


class Filter(NamedTuple):
    """A filter that has been read, its parts holding at once."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """As tables show it."""
        return " & ".join(part.text for part in self.parts)

    @property
    def kind(self) -> Kind:
        """The kind of its only part, or `several`."""
        return self.parts[0].kind if len(self.parts) == 1 else "several"

    @property
    def is_drawn(self) -> bool:
        """Whether chance has a say in which vectors pass."""
        return any(part.kind in ("random", "nearest") for part in self.parts)

    def resolve(self, dataset: Dataset, seed: int) -> Allowed:
        """The vectors that may answer each query of a dataset.

        Raises
        ------
        VbenchError
            The dataset lacks what the filter asks about, or no vector passes for any query.
        """
        found = self.parts[0].resolve(dataset, seed)
        for part in self.parts[1:]:
            found &= part.resolve(dataset, seed)
        if dataset.zero_rows:
            directed = np.ones(dataset.n, dtype=bool)
            directed[dataset.zero_row_ids] = False
            # No index has the others.
            found &= Allowed(n=dataset.n, m=dataset.m, mask=directed, predicate=EVERYTHING)
        if not found.counts().any():
            raise VbenchError(
                f"filter {self.text!r} leaves none of the {dataset.n:,} base vectors to any "
                "query; widen it"
            )
        return found


def read_filter(text: str) -> Filter:
    """Read a filter.

    Raises
    ------
    VbenchError
        It is empty, has a share outside 0 … 1, or one kind of condition twice.
    """
    parts = tuple(_read_part(each.strip()) for each in _AND.split(text))
    for kind in ("query", "seen"):
        if sum(part.kind == kind for part in parts) > 1:
            raise VbenchError(f"filter {text!r} has two parts of the kind {kind!r}; give one")
    return Filter(parts)


def _read_part(text: str) -> Part:
    if not text:
        raise VbenchError(f"a filter, or a part of one, is empty; {_EXAMPLES}")
    if text == "seen":
        return Part("seen", text, lambda dataset, _: _unseen(dataset))
    if found := _SHARE.fullmatch(text):
        share = _share(text, found[2])
        if found[1] == "random":
            return Part("random", text, lambda dataset, seed: _random(dataset, share, seed))
        return Part("nearest", text, lambda dataset, seed: _nearest(dataset, share, seed))
    if found := _OF_QUERY.fullmatch(text):
        column = found[1].strip()
        return Part("query", text, lambda dataset, _: _equal(dataset, column))
    if found := _QUANTILES.fullmatch(text):
        name, low, high = found[1], float(found[2]), float(found[3])
        if not 0 <= low < high <= 100:
            raise VbenchError(f"filter {text!r}: give two percentages from 0 to 100, ascending")
        return Part("expr", text, lambda dataset, _: _between(dataset, name, low, high))
    return Part("expr", text, lambda dataset, _: _matching(dataset, text))


def _share(text: str, given: str) -> float:
    given = given.strip()
    try:
        share = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise VbenchError(f"filter {text!r}: give a share between 0 and 1, such as random:0.05")
    return share


def _whole(dataset: Dataset, mask: Mask) -> Allowed:
    return Allowed(n=dataset.n, m=dataset.m, mask=mask)


def _kept(dataset: Dataset, share: float) -> int:
    return max(1, round(share * dataset.n))


def _random(dataset: Dataset, share: float, seed: int) -> Allowed:
    mask = np.zeros(dataset.n, dtype=bool)
    rng = np.random.default_rng([seed, 0])
    mask[rng.choice(dataset.n, _kept(dataset, share), replace=False)] = True
    return _whole(dataset, mask)


def _nearest(dataset: Dataset, share: float, seed: int) -> Allowed:
    """The vectors nearest to one of them that is drawn."""
    rng = np.random.default_rng([seed, 1])
    directed = np.setdiff1d(np.arange(dataset.n), dataset.zero_row_ids)
    drawn = int(rng.choice(directed))
    asked = np.asarray(dataset.base[drawn : drawn + 1])
    ids, _ = nearest(asked, dataset.base, dataset.metric, _kept(dataset, share))
    mask = np.zeros(dataset.n, dtype=bool)
    mask[ids[0]] = True
    return _whole(dataset, mask)


def _items(dataset: Dataset) -> pl.DataFrame:
    if dataset.items is None:
        raise VbenchError(
            f"dataset {dataset.name!r} has no item attributes; "
            f"give some with {spell_option('items')}"
        )
    return dataset.items


def find_attribute(dataset: Dataset, name: str) -> pl.Series:
    """An item attribute of a dataset: (n,).

    Raises
    ------
    VbenchError
        It has none of this name.
    """
    items = _items(dataset)
    if name not in items.columns:
        raise UnknownNameError("item attribute", name, items.columns)
    return items[name]


def _matching(dataset: Dataset, text: str) -> Allowed:
    """The vectors whose attributes fulfill an SQL expression."""
    import polars as pl

    items = _items(dataset)
    try:
        expression = pl.sql_expr(text)
        found = items.select(expression.alias("passes")).to_series()
    except pl.exceptions.ColumnNotFoundError:
        names = [each for each in pl.sql_expr(text).meta.root_names() if each not in items.columns]
        raise UnknownNameError("item attribute", (names or [text])[0], items.columns) from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        said = str(error).partition("\n")[0]
        raise VbenchError(f"filter {text!r} cannot be read ({said}); {_EXAMPLES}") from None
    if found.dtype != pl.Boolean or len(found) not in (1, dataset.n):
        raise VbenchError(
            f"filter {text!r} gives {found.dtype} and not true or false for each item; {_EXAMPLES}"
        )
    mask = np.broadcast_to(found.fill_null(False).to_numpy(), (dataset.n,)).copy()
    return _told(dataset, mask, read_predicate(text))


def _told(dataset: Dataset, mask: Mask, predicate: Predicate | None) -> Allowed:
    """A mask, and the predicate where that says the same."""
    whole = _whole(dataset, mask)
    if predicate is None or not _is_same(_items(dataset), mask, predicate):
        return whole
    return replace(whole, predicate=predicate)


def _is_same(items: pl.DataFrame, mask: Mask, predicate: Predicate) -> bool:
    import polars as pl

    try:
        found = items.select(to_polars(predicate).alias("passes")).to_series()
    except pl.exceptions.PolarsError:
        return False
    passes = np.broadcast_to(found.fill_null(False).to_numpy(), mask.shape)
    return bool((passes == mask).all())


def _between(dataset: Dataset, name: str, low: float, high: float) -> Allowed:
    """The vectors between two percentages of them, by an attribute, ascending; ties by row."""
    column = find_attribute(dataset, name)
    if not (column.dtype.is_numeric() or column.dtype.is_temporal()):
        raise VbenchError(
            f"filter '{name}:{low:g}-{high:g}%': {name} is no number; "
            f"write {name} = 'VALUE' instead"
        )
    known = np.flatnonzero(column.is_not_null().to_numpy())
    order = known[np.argsort(column.to_numpy()[known], kind="stable")]
    ends = [round(each / 100 * len(order)) for each in (low, high)]
    mask = np.zeros(dataset.n, dtype=bool)
    mask[order[ends[0] : ends[1]]] = True
    passing = column.filter(mask)
    least, largest = passing.min(), passing.max()
    if not isinstance(least, int | float) or not isinstance(largest, int | float):
        return _whole(dataset, mask)
    # Where values tie at an end it is more than two comparisons.
    bounds = join(Comparison(name, ">=", least), Comparison(name, "<=", largest))
    return _told(dataset, mask, bounds)


def _equal(dataset: Dataset, name: str) -> Allowed:
    """The vectors whose attribute equals the query's own; a null equals nothing."""
    import polars as pl

    items = find_attribute(dataset, name)
    queries = dataset.segments
    if queries is None or name not in queries.columns:
        known = [] if queries is None else queries.columns
        raise UnknownNameError(
            "query column", name, known, "query:COLUMN needs it of the queries and of the items"
        )
    both = [items.cast(pl.String), queries[name].cast(pl.String)]
    values = both[0].drop_nulls().unique().sort()
    codes = pl.DataFrame({"value": values, "code": np.arange(len(values), dtype=np.int32)})
    of_items, of_queries = (_codes(each, codes) for each in both)
    return Allowed(
        n=dataset.n,
        m=dataset.m,
        item_codes=of_items,
        query_codes=of_queries,
        code_column=name,
        code_values=_values(items, values),
    )


def _values(items: pl.Series, texts: pl.Series) -> tuple[Value, ...]:
    """The values of an attribute, in the order in which they are coded, as the attribute has them.

    Of other types than numbers and truth values it is their text.
    """
    import polars as pl

    if not (items.dtype.is_integer() or items.dtype.is_float() or items.dtype == pl.Boolean):
        return tuple(texts.to_list())
    first = dict(zip(items.cast(pl.String), items, strict=True))
    return tuple(first[text] for text in texts)


def _codes(column: pl.Series, codes: pl.DataFrame) -> NDArray[np.int32]:
    frame = column.alias("value").to_frame()
    joined = frame.join(codes, on="value", how="left", maintain_order="left")
    return joined["code"].fill_null(-1).to_numpy().astype(np.int32)


def _unseen(dataset: Dataset) -> Allowed:
    """The vectors that the query's user did not have before."""
    seen = dataset.interactions
    if seen is None:
        raise VbenchError(
            f"filter 'seen': dataset {dataset.name!r} does not say what users had already; "
            f"give some with {spell_option('interactions')}"
        )
    pairs = seen.select("query", "item").unique().sort("query", "item")
    counts = np.bincount(pairs["query"].to_numpy(), minlength=dataset.m)
    return Allowed(
        n=dataset.n,
        m=dataset.m,
        excluded_ends=np.cumsum(counts).astype(np.int64),
        excluded=pairs["item"].to_numpy().astype(np.int64),
    )
