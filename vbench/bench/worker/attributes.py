"""Attributes of the base vectors, in the order of the index, for an index that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.indexes.parameters import is_taken

if TYPE_CHECKING:
    import polars as pl


class Attributes:
    """The item attributes of a dataset.

    Parameters
    ----------
    file
        Where they lie, as Arrow; None without any.
    """

    def __init__(self, file: str | None) -> None:
        self._file = file
        self._frame: pl.DataFrame | None = None

    def offer(
        self, method: Callable[..., Any], rows: NDArray[np.integer[Any]]
    ) -> dict[str, pl.DataFrame]:
        """The argument `attributes` for a method that takes it: those of these rows, in order."""
        if self._file is None or not is_taken(method, "attributes"):
            return {}
        if self._frame is None:
            import polars as pl

            self._frame = pl.read_ipc(self._file)
        return {"attributes": self._frame[rows]}
