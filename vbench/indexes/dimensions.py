"""Numbers of dimensions that a library can do: in words, checked, and chosen from."""

from __future__ import annotations

from collections.abc import Collection

from vbench.errors import VbenchError
from vbench.indexes.protocol import Index
from vbench.indexes.space import Space

_LISTED = 6


def check_dimension(kind: type[Index], space: Space, d: int) -> None:
    """Refuse vectors of `d` dimensions that the index cannot take in this space.

    Raises
    ------
    VbenchError
        Saying which it can do.
    """
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
