"""vbench measures how evenly a vector index answers, not only how well on average."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from vbench.adapters.protocol import Index as Index
    from vbench.data.dataset import Dataset as Dataset
    from vbench.errors import VbenchError as VbenchError

_HOMES = {
    "Dataset": "vbench.data.dataset",
    "Index": "vbench.adapters.protocol",
    "VbenchError": "vbench.errors",
}
__all__ = ["Dataset", "Index", "VbenchError", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first asked for: `vbench --help` needs none."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'vbench' has no attribute {name!r}")
