"""Bring what an older schema wrote up to the one this version reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vbench.errors import VbenchError

Document = dict[str, Any]
STEPS: Mapping[str, Callable[[Document], Document]] = {}
"""From a schema's name to the function that makes the next version's document of it."""


def upgraded(document: Any, wanted: str, path: Path) -> Document:
    """The document in the schema `wanted`.

    Raises
    ------
    VbenchError
        When it carries no schema, or one that no step leads on from.
    """
    if not isinstance(document, dict) or "schema" not in document:
        raise VbenchError(f"{path} carries no schema; it was not written by vbench")
    current: Document = document
    while current["schema"] != wanted:
        step = STEPS.get(current["schema"])
        if step is None:
            raise VbenchError(
                f"{path} has schema {current['schema']!r}, this vbench reads {wanted!r}; "
                "a newer vbench may have written it: pip install -U vbench-ann"
            )
        current = step(current)
    return current
