"""What an index is made of inside: its graph, its lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.bench import wire
from vbench.indexes.answers import AnswerError

if TYPE_CHECKING:
    from vbench.bench.worker.worker import Worker


def inspect(worker: Worker) -> tuple[wire.Inspected, list[NDArray[Any]]]:
    """What the index is made of inside, where its class shows it.

    In row numbers of the dataset; rows that the index did not get have no neighbors.
    """
    # An adapter that knows nothing of these methods may have attributes of the same names.
    kind = type(worker.index)
    graph = kind.neighbors(worker.index) if callable(kind.neighbors) else None
    lists = kind.lists(worker.index) if callable(kind.lists) else None
    arrays: list[NDArray[Any]] = []
    back, n = worker.original, worker.order.base.shape[0]
    if graph is not None:
        try:
            links, entries = graph
        except (TypeError, ValueError):
            raise AnswerError(
                f"neighbors() gave {type(graph).__name__}: it gives "
                "vbench.indexes.protocol.Graph(neighbors, entries), or None"
            ) from None
        links = _rows("neighbors", links, len(back), (len(back), "degree"), pads=True)
        neighbors = np.full((n, links.shape[1]), -1, dtype=np.int64)
        neighbors[back] = np.where(links < 0, -1, back[links])
        arrays += [neighbors, back[_rows("entries", entries, len(back), ("entries",))]]
    if lists is not None:
        numbers = np.zeros(n, dtype=np.int64)
        numbers[back] = _rows("lists", lists, None, (len(back),))
        arrays.append(numbers)
    return wire.Inspected(graph=graph is not None, lists=lists is not None), arrays


def _rows(
    what: str, given: Any, n: int | None, shape: tuple[int | str, ...], *, pads: bool = False
) -> NDArray[np.integer[Any]]:
    """Integers of this shape, row numbers under `n`, or -1 that `pads`; words stand for any number.

    Raises
    ------
    AnswerError
        The adapter gave something else.
    """
    array = np.asarray(given)
    fits = array.ndim == len(shape) and all(
        isinstance(wanted, str) or wanted == size
        for wanted, size in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind not in "iu" or not fits:
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise AnswerError(
            f"{what} are {array.dtype} of shape {array.shape}; give integers ({wanted})"
        )
    if n is not None:
        wrong = array[(array >= n) | (array < (-1 if pads else 0))]
        if wrong.size:
            raise AnswerError(
                f"{what} lead to vector {wrong[0]}, and there are {n}: give row numbers of the "
                f"base that fit() was given{', and -1 to pad' if pads else ''}"
            )
    return array
