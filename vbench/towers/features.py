"""Feature tables as small integers: every value becomes one or more rows of an embedding table."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

IntArray = NDArray[np.int32]
Kind = Literal["category", "words", "number"]

WORDS_KEPT = 8
ROWS_AT_MOST = 1 << 16
NUMBER_BINS = 20
_MEAN_WORDS_OF_A_CATEGORY = 2.5
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Field:
    """One feature of all users or all items.

    Attributes
    ----------
    kind
        `category`: one token; `words`: a bag of up to 8; `number`: one of at most 20 bins.
    tokens : int32 (rows + 1, width)
        Rows of the feature's embedding table. 0 pads; row 0 is nobody, and all 0.
    size : number of rows of that table
    """

    name: str
    kind: Kind
    tokens: IntArray
    size: int


def encode(column: pl.Series, kind: Kind | None = None) -> Field:
    """Turn a column into tokens, one row for each value and row 0 in front.

    Without a `kind`, numbers are cut into bins of equal count, short strings (2.5 words or fewer
    on average) are categories, and longer ones bags of words. Beyond 65,536 different ones, names
    share rows by hash.
    """
    if kind is None:
        kind = _guess(column)
    return _binned(column) if kind == "number" else _named(column, kind)


def _guess(column: pl.Series) -> Kind:
    import polars as pl

    if column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype == pl.Boolean:
        return "number"
    known = [text for text in column.cast(pl.String).to_list() if text]
    words = sum(len(_WORD.findall(text)) for text in known)
    return "category" if words <= _MEAN_WORDS_OF_A_CATEGORY * len(known) else "words"


def _binned(column: pl.Series) -> Field:
    import polars as pl

    physical = column.to_physical() if column.dtype.is_temporal() else column
    values = physical.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    known = np.isfinite(values)
    inner = np.linspace(0, 1, NUMBER_BINS + 1)[1:-1]
    edges = np.unique(np.quantile(values[known], inner)) if known.any() else np.empty(0)
    tokens = np.zeros((len(values) + 1, 1), dtype=np.int32)
    tokens[1:, 0] = np.where(known, 1 + np.searchsorted(edges, values, side="right"), 0)
    return Field(column.name, "number", tokens, len(edges) + 2)


def _named(column: pl.Series, kind: Kind) -> Field:
    import polars as pl

    bags = [_WORD.findall(t.lower()) if t else [] for t in column.cast(pl.String).to_list()]
    if kind == "category":
        bags = [[" ".join(bag)] if bag else [] for bag in bags]
    names = _numbered({word for bag in bags for word in bag[:WORDS_KEPT]})
    width = max(1, min(WORDS_KEPT, max(map(len, bags), default=1)))
    tokens = np.zeros((len(bags) + 1, width), dtype=np.int32)
    for row, bag in enumerate(bags, start=1):
        tokens[row, : min(len(bag), width)] = [names[word] for word in bag[:width]]
    return Field(column.name, kind, tokens, 1 + min(len(names), ROWS_AT_MOST))


def _numbered(words: set[str]) -> dict[str, int]:
    """Number words from 1 on; where there are too many, they share rows by hash.

    By CRC-32, which is the same on every machine and in every process, unlike Python's own hash.
    """
    if len(words) <= ROWS_AT_MOST:
        return {word: row for row, word in enumerate(sorted(words), start=1)}
    return {word: 1 + zlib.crc32(word.encode()) % ROWS_AT_MOST for word in words}
