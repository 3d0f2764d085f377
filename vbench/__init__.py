"""vbench measures how evenly a vector index answers, not only how well on average."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from vbench.bench.runner import run as run
    from vbench.data.dataset import Dataset as Dataset
    from vbench.data.load import load as load
    from vbench.errors import VbenchError as VbenchError
    from vbench.errors import VbenchWarning as VbenchWarning
    from vbench.indexes.protocol import Index as Index
    from vbench.runs.run import Run as Run

    open = Run  # noqa: A001 (read as vbench.open)

_HOMES = {
    "Dataset": "vbench.data.dataset:Dataset",
    "Index": "vbench.indexes.protocol:Index",
    "Run": "vbench.runs.run:Run",
    "VbenchError": "vbench.errors:VbenchError",
    "VbenchWarning": "vbench.errors:VbenchWarning",
    "load": "vbench.data.load:load",
    "open": "vbench.runs.run:Run",
    "run": "vbench.bench.runner:run",
}
__all__ = [
    "Dataset",
    "Index",
    "Run",
    "VbenchError",
    "VbenchWarning",
    "__version__",
    "load",
    "open",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first asked for: `vbench --help` needs none."""
    if name in _HOMES:
        import importlib

        module, _, attribute = _HOMES[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'vbench' has no attribute {name!r}")
