"""Times as parameters of measures: written with a unit, read back exactly."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from vbench.errors import VbenchError

_UNITS = {
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "μs": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
}
_USUAL = "such as 10ms, 2s or 500us"
_WRITTEN = re.compile(r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(?P<unit>\w*)", re.I)


class Duration(float):
    """A time in seconds, whose text is ``10ms``, ``2s``, ``500us``.

    Raises
    ------
    VbenchError
        It is not above 0, or a text without a unit that is known.
    """

    def __new__(cls, given: float | str) -> Duration:
        return super().__new__(cls, _seconds(given))

    def __str__(self) -> str:
        seconds = Decimal(super().__repr__())
        for unit in ("s", "ms", "us"):
            if seconds >= _UNITS[unit]:
                return f"{_plain(seconds / _UNITS[unit])}{unit}"
        return f"{_plain(seconds / _UNITS['ns'])}ns"

    def __repr__(self) -> str:
        return str(self)

    @property
    def nanoseconds(self) -> int:
        """Whole nanoseconds, as calls are timed."""
        return round(Decimal(super().__repr__()) / _UNITS["ns"])


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _seconds(given: float | str) -> float:
    if isinstance(given, str):
        match = _WRITTEN.fullmatch(given.strip())
        if match is None:
            raise VbenchError(f"{given!r} is not a time; give one {_USUAL}")
        if match["unit"] not in _UNITS:
            said = f"{match['unit']!r} is no unit of time" if match["unit"] else "it has no unit"
            raise VbenchError(f"{given!r}: {said}; give a time {_USUAL}")
        given = float(Decimal(match["number"]) * _UNITS[match["unit"]])
    if not 0.0 < given < math.inf:
        raise VbenchError(f"{given:g}s is not a time above 0; give one {_USUAL}")
    return given
