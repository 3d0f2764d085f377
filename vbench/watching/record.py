"""What a watch has seen so far, loss by loss, and what is to be said of it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from vbench._document import Interval
from vbench.analysis.watching import Look, Status, WatchedRegime
from vbench.errors import VbenchError
from vbench.measures.recall import Failure, Recall, Robustness
from vbench.measures.targets import Target, parse_targets
from vbench.numbers import write, write_interval
from vbench.stats.anytime import PromiseTest, Regime, Regimes, fewest_losses, sequence

_MOST_LOOKS = 400


def read_promise(text: str) -> Target:
    """A promise: one target about the recall of single queries.

    Raises
    ------
    VbenchError
        It is no target, or several, or about something else.
    """
    targets = parse_targets(text)
    if len(targets) > 1:
        raise VbenchError(f"{text!r} are {len(targets)} promises; watch each by itself")
    (target,) = targets
    if not isinstance(target.measure, Robustness | Failure | Recall):
        raise VbenchError(
            f"{target.measure} cannot be watched query by query; promise Robustness, Failure or "
            "Recall, such as 'Robustness(delta=0.9)@10>=0.76'"
        )
    return target


class Seen(NamedTuple):
    """What one shadow search added."""

    look: Look
    is_broken: bool
    has_changed: bool


class Record:
    """The losses of a watch, the bets against its promise, and its looks."""

    def __init__(self, promise: Target, alpha: float) -> None:
        self.promise, self.alpha = promise, alpha
        limit = 1.0 - promise.value if promise.rises else promise.value
        self._test, self._regimes = PromiseTest(limit, alpha), Regimes(alpha)
        self._fewest = fewest_losses(limit, alpha)
        self._every = 1
        self._looks: list[Look] = []
        self._last: Look | None = None

    @property
    def n(self) -> int:
        """Shadow searches so far."""
        return self._test.n

    @property
    def is_broken(self) -> bool:
        """Whether the promise is surely broken."""
        return self._test.is_broken

    @property
    def evidence(self) -> float:
        """What 1 has become by bets against the promise."""
        return self._test.capital

    @property
    def since(self) -> int | None:
        """From about which shadow search on it is broken."""
        return self._test.since + 1 if self.is_broken else None

    def add(self, value: float) -> Seen:
        """Take the measure of one search, from 0 to 1."""
        loss = 1.0 - value if self.promise.rises else value
        self._test.add(loss)
        changed = self._regimes.add(loss)
        low, high = sequence(self.n, self._test.total, self.alpha)
        shown = self._interval(self._test.total / self.n, float(low), float(high))
        self._last = Look(
            n=self.n,
            value=shown.value or 0.0,
            low=shown.low or 0.0,
            high=shown.high or 0.0,
            evidence=self.evidence,
        )
        if self.n % self._every == 0:
            self._looks.append(self._last)
        if len(self._looks) > _MOST_LOOKS:
            self._every *= 2
            self._looks = [each for each in self._looks if each.n % self._every == 0]
        return Seen(self._last, self.is_broken, changed)

    @property
    def value(self) -> Interval:
        """Of the measure over all searches."""
        last = self._last
        return Interval(None) if last is None else Interval(last.value, last.low, last.high)

    def looks(self) -> tuple[Look, ...]:
        """Those that are kept, and the last."""
        kept = self._looks
        if self._last is not None and (not kept or kept[-1].n < self._last.n):
            kept = [*kept, self._last]
        return tuple(kept)

    def regimes(self) -> tuple[WatchedRegime, ...]:
        """Between changes that were seen."""
        return tuple(map(self._regime, self._regimes.all())) if self.n else ()

    def _regime(self, regime: Regime) -> WatchedRegime:
        value = self._interval(regime.mean, *regime.ends)
        return WatchedRegime(first=regime.first + 1, n=regime.n, value=value)

    def _interval(self, mean: float, low: float, high: float) -> Interval:
        if self.promise.rises:
            return Interval(1.0 - mean, 1.0 - high, 1.0 - low)
        return Interval(mean, low, high)

    def status(self) -> Status:
        """Whether it holds; `open` where not even losses alone would have shown it broken."""
        if self.is_broken:
            return "broken"
        return "open" if self.n < self._fewest else "holds"

    def verdict(self) -> str:
        """What came out, in a sentence."""
        unit = self.promise.measure.unit
        on = f"over {self.n:,} shadow search{'' if self.n == 1 else 'es'}"
        sign = ">=" if self.promise.rises else "<="
        promised = f"promised {sign} {write(self.promise.value, unit)}"
        said = f"{self.promise.measure} is {write_interval(self.value, unit)} {on}, {promised}"
        status = self.status()
        if status == "open":
            if not self.n:
                return f"cannot be judged: nothing was asked again ({promised})"
            return f"cannot be judged by fewer than {self._fewest} shadow searches: {said}"
        if status == "broken":
            since = "" if self.since in (None, 1) else f", from about number {self.since:,} on"
            return f"broken{since}: {said}"
        return f"holds: {said}"


def to_line(look: Look, **more: object) -> bytes:
    """A look as a line of JSON."""
    return msgspec.json.encode({**more, **msgspec.to_builtins(look)}) + b"\n"
