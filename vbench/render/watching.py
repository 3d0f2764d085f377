"""The page of a watch: one file, without a script, that can be looked at while it goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from vbench._paths import resource_dir
from vbench.analysis.watching import Look, Watch
from vbench.measures.targets import parse_targets
from vbench.numbers import Unit, write, write_interval
from vbench.render.page import page

_WIDTH, _HEIGHT, _LOW_HEIGHT = 620, 240, 130
_LEAST, _MOST = 1e-3, 1e6
"""Evidence outside of these is drawn at them."""


class _Tick(NamedTuple):
    at: float
    text: str


class _Curve(NamedTuple):
    """Paths of the value with its band, and of the evidence, with what stands at their axes."""

    value: str
    band: str
    promised: float
    across: list[_Tick]
    up: list[_Tick]
    evidence: str
    limit: float
    evidence_ticks: list[_Tick]
    changes: list[float]


def to_page(found: Watch) -> str:
    """The page of a watch as HTML."""
    (target,) = parse_targets(found.promise)
    unit = target.measure.unit
    template = page.environment().get_template("watch.html")
    return template.render(
        watch=found,
        measure=str(target.measure),
        sign="≥" if target.rises else "≤",
        style=Markup((resource_dir("reports") / "page.css").read_text(encoding="utf-8")),
        curve=_curve(found, unit) if found.looks else None,
        width=_WIDTH,
        height=_HEIGHT,
        low_height=_LOW_HEIGHT,
        write=lambda value: write(value, unit),
        interval=lambda value: write_interval(value, unit),
    ).lstrip()


def _curve(found: Watch, unit: Unit) -> _Curve:
    looks = _settled(found.looks)
    last = max(looks[-1].n, 2)
    inside = [
        found.promised,
        *(each for look in looks for each in (look.value, look.low, look.high)),
    ]
    low, high = min(inside), max(inside)
    pad = 0.06 * (high - low) or 0.01
    low, high = max(0.0, low - pad), min(1.0, high + pad)

    def x(n: float) -> float:
        return _WIDTH * n / last

    def y(value: float) -> float:
        return _HEIGHT * (high - value) / (high - low)

    def lower(evidence: float) -> float:
        share = math.log(min(max(evidence, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
        return _LOW_HEIGHT * (1.0 - share)

    around = [(look.n, look.high) for look in looks] + [(look.n, look.low) for look in looks[::-1]]
    return _Curve(
        value=_path((x(look.n), y(look.value)) for look in looks),
        band=_path((x(n), y(value)) for n, value in around) + "Z",
        promised=y(found.promised),
        across=[_Tick(x(n), f"{n:,}") for n in _steps(last)],
        up=[_Tick(y(value), write(value, unit)) for value in _between(low, high)],
        evidence=_path((x(look.n), lower(look.evidence)) for look in looks),
        limit=lower(1.0 / found.alpha),
        evidence_ticks=[
            _Tick(lower(each), f"{each:g}") for each in (0.01, 1, 1 / found.alpha, 1e4)
        ],
        changes=[x(each.first) for each in found.regimes[1:]],
    )


def _settled(looks: Sequence[Look]) -> Sequence[Look]:
    """Without the first few, whose ends are 0 and 1, where there are enough."""
    return looks[min(len(looks) // 20, 20) :]


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _steps(last: int) -> list[int]:
    """Round numbers up to the last one, about five."""
    rough = last / 5
    unit = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    step = next(size * unit for size in (1, 2, 5, 10) if size * unit >= rough)
    return list(range(0, last + 1, int(max(step, 1))))


def _between(low: float, high: float) -> list[float]:
    return [low + (high - low) * part / 4 for part in range(5)]
