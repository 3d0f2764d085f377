"""Digests of what a run folder holds: whatever changes a number changes one of them."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

_TAG = "float"
_LEAVES = frozenset({str, int, bool, type(None)})
"""Most of what documents hold, and never a number that is not finite."""
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def tag(value: Any) -> Any:
    """A value of plain types, its numbers that are not finite replaced."""
    match value:
        case float() if not math.isfinite(value):
            return {_TAG: str(value)}
        case dict():
            return {
                key: each if type(each) in _LEAVES else tag(each) for key, each in value.items()
            }
        case list() | tuple():
            return [each if type(each) in _LEAVES else tag(each) for each in value]
    return value


def untag(value: Any) -> Any:
    """What :func:`tag` made, as it was."""
    match value:
        case {"float": str(word)} if len(value) == 1 and word in _WORDS:
            return _WORDS[word]
        case dict():
            return {key: untag(each) for key, each in value.items()}
        case list():
            return [untag(each) for each in value]
    return value


_DIGITS = 16


def of_document(document: Any) -> str:
    """16 hexadecimal digits of the SHA-256 of something that JSON can hold."""
    plain = tag(msgspec.to_builtins(document))
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()[:_DIGITS]


def of_array(array: NDArray[Any]) -> str:
    """16 hexadecimal digits over type, shape and numbers."""
    array = np.ascontiguousarray(array)
    if array.dtype.hasobject:
        raise ValueError(f"an array of {array.dtype} has no digest")
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:_DIGITS]


def of_column(series: pl.Series) -> str:
    """16 hexadecimal digits over a column's type and values, whatever they are."""
    if series.dtype.is_nested() or (series.dtype.is_numeric() and not series.null_count()):
        return of_array(series.to_numpy())
    return of_document([str(series.dtype), series.cast(str, strict=False).to_list()])


def of_frame(frame: pl.DataFrame) -> str:
    """16 hexadecimal digits over the names and columns of a frame."""
    return of_document({series.name: of_column(series) for series in frame.get_columns()})
