"""The quantities that charts and tables show: their measure, their words, their digits."""

from __future__ import annotations

import math
from typing import NamedTuple

from vbench.measures.base import Better, Measure, Unit, takes_cutoff
from vbench.measures.cost import QPS, BatchQPS, BuildTime, IndexSize, Latency, PeakMemory, Work
from vbench.measures.recall import CVaR, Failure, Percentile, Recall


class Quantity(NamedTuple):
    """One number about a setting.

    Attributes
    ----------
    key
        Name of its column; `key_low` and `key_high` hold the interval.
    title, short
        What a chart and the head of a table's column say.
    uncut
        Its measure, without K.
    """

    key: str
    title: str
    short: str
    unit: Unit
    better: Better = "higher"
    uncut: Measure | None = None

    @classmethod
    def of(cls, key: str, measure: Measure) -> Quantity:
        """In the words of its measure."""
        return cls(key, measure.label, measure.short, measure.unit, measure.better, measure)

    def measure(self, k: int) -> Measure:
        """The measure at K."""
        assert self.uncut is not None
        return self.uncut @ k if takes_cutoff(type(self.uncut)) else self.uncut


QUANTITIES = (
    Quantity.of("recall", Recall()),
    Quantity.of("worst", CVaR()),
    Quantity.of("p5", Percentile()),
    Quantity.of("nothing", Failure()),
    Quantity.of("qps", QPS()),
    Quantity.of("batch_qps", BatchQPS()),
    Quantity.of("p50_latency", Latency(50)),
    Quantity.of("p99_latency", Latency(99)),
    Quantity.of("work", Work()),
    Quantity.of("build_time", BuildTime()),
    Quantity.of("size", IndexSize()),
    Quantity.of("peak", PeakMemory()),
)
BY_KEY = {quantity.key: quantity for quantity in QUANTITIES}


def spelt(value: float | None, unit: Unit) -> str:
    """A value with the digits that mean something, and its unit."""
    if value is None or math.isnan(value):
        return "–"
    if unit in ("share", "score"):
        return f"{value:.3f}"
    if unit == "seconds":
        return _scaled(value, (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)))
    if unit == "bytes":
        return _scaled(value, (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)))
    return f"{value:,.0f}" if value >= 100 else digits(value)


def _scaled(value: float, units: tuple[tuple[str, float], ...]) -> str:
    name, factor = next((each for each in units if value >= each[1]), units[-1])
    return f"{digits(value / factor)} {name}"


def digits(value: float, number: int = 3) -> str:
    """A value with this number of significant digits, never in powers of ten."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, number - 1 - math.floor(math.log10(abs(value))))}f}"


def percent(share: float) -> str:
    """A share in percent: one digit after the point, two under 1 %, and never 0 for some."""
    value = 100 * share
    if value == 0 or value == 100:
        return f"{value:.0f} %"
    if value < 0.01:
        return "under 0.01 %"
    if value > 99.99:
        return "over 99.99 %"
    return f"{value:.2f} %" if value < 1 or value > 99 else f"{value:.1f} %"


def percents(low: float, high: float) -> str:
    """An interval of shares in percent, with a digit more than its width needs."""
    width = 100 * (high - low)
    digits_after = 1 if width >= 0.3 else 2
    return f"{100 * low:.{digits_after}f}–{100 * high:.{digits_after}f}"
