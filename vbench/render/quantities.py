"""The quantities that charts and tables show: their measure, their words, their digits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from vbench.measures.base import Better, Measure, takes_cutoff
from vbench.measures.cost import QPS, BatchQPS, BuildTime, IndexSize, Latency, PeakMemory, Work
from vbench.measures.recall import CVaR, Failure, Percentile, Recall
from vbench.numbers import Unit


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

    def name(self, k: int) -> str:
        """Name of the measure at K."""
        assert self.uncut is not None
        return str(self.uncut @ k if takes_cutoff(type(self.uncut)) else self.uncut)


QUANTITIES = (
    Quantity.of("recall", Recall()),
    Quantity.of("worst", CVaR()),
    Quantity.of("p5", Percentile()),
    Quantity.of("zero_recall", Failure()),
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


def tell_whose_times(indexes: Iterable[str]) -> str:
    """Of indexes in servers: whose times, sizes and memory are shown; empty without one."""
    names = ", ".join(dict.fromkeys(indexes))
    return names and (
        f"{names}: client latency, the way to the server and back included; size and peak memory "
        "are the server's, build is without loading."
    )
