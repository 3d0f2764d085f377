"""What vectors come to an index: their space, their dimensions, their order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.protocol import Index, Vectors
from vbench.metric import Metric
from vbench.neighbors.euclidean import lift, normalize

Transform = Literal["auto", "none", "normalize", "mips-l2"]
"""What a recipe may ask for; ``auto`` is ``none`` where the index has the metric."""
_LISTED = 6


class Space(NamedTuple):
    """The space that an index is built and searched in. Every transform keeps the order exact.

    `none` leaves the vectors as they are. `normalize` gives each the length 1, so that inner
    product and Euclidean distance order as cosine does. `mips-l2` appends sqrt(M² − ‖x‖²) to
    each base vector, M the largest norm, and 0 to each query: then ‖q − x‖² = ‖q‖² + M² − 2 q·x
    (Bachrach et al., "Speeding Up the Xbox Recommender System", RecSys 2014).
    """

    name: Literal["none", "normalize", "mips-l2"]
    metric: Metric
    """The metric that ``fit`` is given."""

    def width(self, d: int) -> int:
        """How many dimensions vectors of `d` dimensions have in this space."""
        return d + 1 if self.name == "mips-l2" else d

    def finish_base(self, out: Vectors, d: int) -> None:
        """Transform base vectors in place.

        Parameters
        ----------
        out : float32 (n, width(d))
            The vectors stand in the first `d` columns. Beside it, memory for two float64
            values a row and one block is taken.
        """
        if self.name == "normalize":
            normalize(out)
        if self.name == "mips-l2":
            lift(out)

    def queries(self, queries: Vectors) -> Vectors:
        """Queries (m, d) as new float32 (m, width(d))."""
        m, d = queries.shape
        out = np.zeros((m, self.width(d)), dtype=np.float32)
        out[:, :d] = queries
        if self.name == "normalize":
            normalize(out)
        return out


def plan_space(transform: str, metric: Metric, adapter_metrics: Iterable[Metric]) -> Space:
    """Choose the space in which an index answers under `metric`.

    Parameters
    ----------
    transform
        What the recipe asks for, one of `Transform`.
    adapter_metrics
        Metrics that the index does itself.

    Raises
    ------
    VbenchError
        The transform is unknown, would change the order, or leads to a metric that the index
        does not do.
    """
    does = frozenset(adapter_metrics)
    if transform not in get_args(Transform):
        raise UnknownNameError("transform", transform, get_args(Transform))
    if transform in ("auto", "none") and metric in does:
        return Space("none", metric)
    wanted = {"cosine": "normalize", "ip": "mips-l2"}.get(metric)
    if transform not in ("auto", "none", wanted):
        allowed = ", ".join(map(repr, filter(None, ("auto", "none", wanted))))
        raise VbenchError(
            f"transform {transform!r} does not keep the order of metric {metric!r}; "
            f"allowed there: {allowed}"
        )
    if transform == "none" or wanted is None:
        raise VbenchError(
            f"the index does not do metric {metric!r} (it does: {_listed(does)})"
            + ("; ask for transform 'auto'" if wanted else "")
        )
    targets: tuple[Metric, ...] = ("ip", "l2", "cosine") if wanted == "normalize" else ("l2",)
    for target in targets:
        if target in does:
            return Space("normalize" if wanted == "normalize" else "mips-l2", target)
    raise VbenchError(
        f"transform {wanted!r} needs an index that does one of: {', '.join(targets)} "
        f"(this one does: {_listed(does)})"
    )


def _listed(metrics: Iterable[str]) -> str:
    return ", ".join(sorted(metrics)) or "none"


def check_dimension(kind: type[Index], space: Space, d: int) -> None:
    """Refuse vectors of `d` dimensions that the index cannot take in this space."""
    allowed, width = kind.dimensions, space.width(d)
    if allowed is None or width in allowed:
        return
    made = f"{d} dimensions" if width == d else f"{d} dimensions, {width} after {space.name},"
    raise VbenchError(
        f"the vectors have {made} and {kind.__name__} takes {in_words(allowed)}; "
        "use another index, or vectors of such a dimension"
    )


def in_words(allowed: Collection[int] | None) -> str:
    """``2 to 2000``, ``64, 128, … 4096``, ``96, 128``, or ``any``."""
    if allowed is None:
        return "any"
    values = allowed if isinstance(allowed, range) else sorted(allowed)
    if len(values) <= _LISTED:
        return ", ".join(map(str, values))
    if values == range(values[0], values[-1] + 1):
        return f"{values[0]} to {values[-1]}"
    return f"{values[0]}, {values[1]}, … {values[-1]}"


def nearest(allowed: Collection[int] | None, wanted: int) -> int:
    """The allowed number nearest to `wanted`."""
    if allowed is None:
        return wanted
    if isinstance(allowed, range):
        # It may be too long to look at each.
        place = round((wanted - allowed.start) / allowed.step)
        return allowed[min(max(place, 0), len(allowed) - 1)]
    return min(allowed, key=lambda each: (abs(each - wanted), each))


def insertion_order(
    n: int, left_out: Sequence[int] | NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Row of the base that is inserted at each place: (n − left out,)."""
    return np.random.default_rng(seed).permutation(np.delete(np.arange(n), left_out))
