"""How the value of a measure is written: with its unit, and the digits that mean something."""

from __future__ import annotations

import math

_DECIMALS = 4


def amount(measure: str, value: float | None, *, signed: bool = False) -> str:
    """A value, or a difference, of the measure of this name; "–" where nothing is known."""
    if value is None or not math.isfinite(value):
        return "–"
    sign = "-" if value < 0 else "+" if signed else ""
    return sign + _unsigned(measure, abs(value))


def _unsigned(measure: str, value: float) -> str:
    if measure.startswith(("Latency", "BestLatency", "CpuTime", "BuildTime")):
        return seconds(value)
    if measure in ("IndexSize", "PeakMemory"):
        return size(value)
    if value >= 100:
        return f"{value:,.0f}"
    # Two digits that are not 0 of what is smaller.
    small = 1 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:.{max(_DECIMALS, min(small, 9))}f}"


def seconds(value: float) -> str:
    """A time with three digits and its unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1 or unit == "µs":
            return f"{_three_digits(value * factor)} {unit}"
    return ""


def size(value: float) -> str:
    """A number of bytes with three digits and its unit."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{_three_digits(value / factor)} {unit}"
    return f"{value:.0f} B"


def _three_digits(value: float) -> str:
    if value <= 0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"
