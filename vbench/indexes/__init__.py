"""The index protocol, its registry, and one file for each library behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vbench.indexes.routed import Routed as Routed

__all__ = ["Routed"]


def __getattr__(name: str) -> Any:
    """Import what wraps indexes when it is first asked for."""
    if name != "Routed":
        raise AttributeError(f"module 'vbench.indexes' has no attribute {name!r}")
    from vbench.indexes.routed import Routed

    return Routed
