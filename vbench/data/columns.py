"""What a column of queries or of items is good for: an id, a segment, a cluster, or nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from vbench.data.keys import unique_keys

if TYPE_CHECKING:
    import polars as pl

Role = Literal["id", "segment", "cluster", "other"]

FEW = 12
"""Numbers of at most so many values are segments each; more are amounts, cut into quarters."""
_NEARLY = 0.95
"""Names of which this share of the rows has one of its own are ids."""
_LARGE = 5
"""Rows of one id on average, from which on it names a segment, such as a region."""
_LONGEST_ID = 64
_ID = re.compile(
    r"(^|[_\W])(id|uid|uuid|guid|key|sku|isbn|asin|ean|gtin|session|user|customer|visitor)$"
    r"|^(user|item|product|movie|book|doc|document|query|session|track|customer|article)id$",
    re.IGNORECASE,
)
_SOMEBODY = re.compile(
    r"user|uid|session|customer|visitor|account|member|client|cookie|request|query", re.IGNORECASE
)
"""Whose several queries belong together, however many they are."""
_CAMEL = re.compile(r"[a-z0-9]I[Dd]$")


def named_as_id(name: str) -> bool:
    """Whether a name such as `id`, `user_id`, `itemId` or `isbn` says that a column holds ids."""
    return bool(_ID.search(name) or _CAMEL.search(name))


def is_amount(column: pl.Series) -> bool:
    """Whether a column holds more or less of something, which can be cut into quarters."""
    kind = column.dtype
    return (kind.is_numeric() or kind.is_temporal()) and not named_as_id(column.name)


def role(column: pl.Series) -> Role:
    """Say what a column may do for those who read a tail.

    Returns
    -------
    `id`
        Each row has a value of its own, or nearly: text, whole numbers, and other numbers where
        the name says that they are ids. It names queries and divides none.
    `segment`
        Its values divide the rows; amounts of many values do so by their quarters.
    `cluster`
        Many values that each belong to several rows, such as a session or the user of several
        queries: intervals can take them for what is independent.
    `other`
        Lists, bytes, or one value for all rows.
    """
    kind = column.dtype
    if kind.is_nested() or not (kind.is_numeric() or kind.is_temporal() or is_text(column)):
        return "segment" if str(kind) == "Boolean" and column.n_unique() > 1 else "other"
    known = column.drop_nulls()
    if kind.is_float():
        known = known.drop_nans()
    values = known.n_unique()
    if values + (len(known) < len(column)) < 2:
        return "other"
    is_name = not is_amount(column)
    if values == len(known) >= _NEARLY * len(column) and (is_name or kind.is_integer()):
        return "id"
    if not is_name or values <= FEW:
        return "segment"
    if values >= _NEARLY * len(known):
        return "id"
    if named_as_id(column.name):
        somebody = _SOMEBODY.search(column.name) or len(known) < _LARGE * values
        return "cluster" if somebody else "segment"
    return "cluster" if 2 * values > len(known) else "segment"


def roles(frame: pl.DataFrame | None) -> dict[str, Role]:
    """Give the role of each column."""
    return {} if frame is None else {column.name: role(column) for column in frame.get_columns()}


def id_column(frame: pl.DataFrame | None) -> str | None:
    """Name the column that tells the rows apart: `id`, else one named like that, else words.

    It must hold text or whole numbers, a value of its own in every row.
    """
    if frame is None or frame.height < 2:
        return None
    named = sorted(
        (name for name in frame.columns if named_as_id(name)), key=lambda name: name.lower() != "id"
    )
    texts = [name for name in frame.columns if name not in named and _is_short_text(frame[name])]
    for name in (*named, *texts):
        if unique_keys(frame[name]) is not None:
            return name
    return None


def is_text(column: pl.Series) -> bool:
    """Whether a column holds text, of whatever encoding."""
    import polars as pl

    return column.dtype in (pl.String, pl.Categorical, pl.Enum)


def _is_short_text(column: pl.Series) -> bool:
    """Whether a column holds words, as ids are, and not sentences."""
    import polars as pl

    if not is_text(column):
        return False
    words = column[:1000].cast(pl.String).drop_nulls()
    if words.str.contains(r"\s").any():
        return False
    return int(words.str.len_chars().sum()) <= _LONGEST_ID * len(words)
