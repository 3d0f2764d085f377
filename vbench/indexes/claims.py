"""What an index claims, checked: the setting that it proposes for a target, and its estimates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vbench._document import Params
from vbench.indexes.answers import AnswerError
from vbench.indexes.parameters import check
from vbench.indexes.protocol import Index
from vbench.metric import FloatArray


def propose(index: Index, target: str, fixed: Params) -> dict[str, Any]:
    """The setting by which an index promises a target, beside the `fixed` search parameters.

    Raises
    ------
    ValueError
        It does not promise that.
    AnswerError, VbenchError
        What it proposes is no setting.
    """
    claimed: Any = index.claim(target)
    if not isinstance(claimed, Mapping) or not all(isinstance(each, str) for each in claimed):
        raise AnswerError(
            f"claim returned {claimed!r:.200}", "return search parameters, such as {'ef': 64}"
        )
    return dict(check(type(index), {}, {**fixed, **claimed})[1])


def read_estimates(index: Index, m: int) -> FloatArray | None:
    """What an index estimates of the recall of each of the `m` queries of its last search.

    Raises
    ------
    AnswerError
        It is no recall of each.
    """
    estimates: Any = index.estimates() if hasattr(index, "estimates") else None
    if estimates is None:
        return None
    try:
        found = np.asarray(estimates, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.empty(0)
    inside = (found >= 0.0) & (found <= 1.0)
    if found.shape == (m,) and inside.all():
        return found
    wrong = f", {found[~inside][0]:g} among them" if found.shape == (m,) else ""
    raise AnswerError(
        f"estimates returned {type(estimates).__name__} of shape {np.shape(found)}{wrong} after "
        f"{m} queries",
        "return a recall between 0 and 1 for each query of the last search, or None",
    )
