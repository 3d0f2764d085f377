"""The quantities that charts and tables show: their measure, their words, their digits."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from vbench.measures.base import Measure
from vbench.measures.grammar import parse

Unit = Literal["share", "rate", "seconds", "bytes", "count"]


class Quantity(NamedTuple):
    """One number about a setting.

    Attributes
    ----------
    key
        Name of its column; `key_low` and `key_high` hold the interval.
    spelling
        Its measure, with ``{k}`` for K.
    title, short
        What a chart and the head of a table's column say.
    """

    key: str
    spelling: str
    title: str
    short: str
    unit: Unit
    higher_is_better: bool = True

    def measure(self, k: int) -> Measure:
        """The measure at K."""
        return parse(self.spelling.format(k=k))


QUANTITIES = (
    Quantity("recall", "Recall@{k}", "mean recall", "mean recall", "share"),
    Quantity("worst", "CVaR(alpha=0.05)@{k}", "mean recall of the worst 5 %", "worst 5 %", "share"),
    Quantity("p5", "Percentile(p=5)@{k}", "5th percentile of recall", "p5", "share"),
    Quantity(
        "nothing", "Failure@{k}", "queries with nothing right", "nothing right", "share", False
    ),
    Quantity("qps", "QPS", "queries a second, best of repeats", "QPS", "rate"),
    Quantity("batch_qps", "BatchQPS", "queries a second, in one batch", "batch QPS", "rate"),
    Quantity("p50_latency", "Latency(p=50)", "median latency", "p50", "seconds", False),
    Quantity("p99_latency", "Latency(p=99)", "99th percentile of latency", "p99", "seconds", False),
    Quantity("work", "Work", "distance computations a query", "work", "count", False),
    Quantity("build_time", "BuildTime", "build time", "build", "seconds", False),
    Quantity("size", "IndexSize", "index size", "size", "bytes", False),
    Quantity("peak", "PeakMemory", "peak memory of the build", "peak memory", "bytes", False),
)
BY_KEY = {quantity.key: quantity for quantity in QUANTITIES}


def spelt(value: float | None, unit: Unit) -> str:
    """A value with the digits that mean something, and its unit."""
    if value is None or math.isnan(value):
        return "–"
    if unit == "share":
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
