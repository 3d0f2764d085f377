"""NaN and infinities in JSON, which has no word for them: ``{"float": "nan"}``."""

from __future__ import annotations

import math
from typing import Any

_TAG = "float"
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def tag(value: Any) -> Any:
    """A value of plain types, its numbers that are not finite replaced."""
    match value:
        case float() if not math.isfinite(value):
            return {_TAG: str(value)}
        case dict():
            return {key: tag(each) for key, each in value.items()}
        case list() | tuple():
            return [tag(each) for each in value]
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
