"""Targets and objectives of tuning: ``Robustness(delta=0.9)@10>=0.99 and …``."""

from __future__ import annotations

import contextlib
import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction

from vbench.errors import VbenchError
from vbench.measures.base import Measure
from vbench.measures.grammar import parse
from vbench.numbers import Unit

_TARGET = re.compile(r"(?P<measure>.+?)\s*(?P<sign>>=|<=|≥|≤|>|<)\s*(?P<value>[^<>=≤≥]+)")
_COMMA = re.compile(r",(?![^()]*\))")
_EQUATION = re.compile(r"(?P<measure>.+?)\s*==?\s*(?P<value>[^<>=≤≥()]+)")
_VALUE = re.compile(r"^(?P<number>[-+\d.eE_]+?)\s*(?P<unit>[a-zA-Zµμ%]*)$")
_UNITS: dict[Unit, dict[str, float]] = {
    "share": {"%": 0.01},
    "score": {"%": 0.01},
    "seconds": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9},
    "bytes": {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
}
_USUAL = ", such as 'Robustness(delta=0.9)@10>=0.99 and Latency(p=99)<=2ms'"
_JOINTS = re.compile(r"""=\s*'[^']*'|=\s*"[^"]*"|\band\b""", re.IGNORECASE)
_WHERE = re.compile(r"(?P<target>.+?)\s+where\s+(?P<where>.+)", re.IGNORECASE | re.DOTALL)
_PLACE = re.compile(r"(?P<column>[^<>=≥≤!]*[^<>=≥≤!\s])\s*==?\s*(?P<value>[^<>=].*)", re.DOTALL)


@dataclass(frozen=True)
class Target:
    """A measure and the value that it must reach: from above where less is better.

    `where` are the segments whose queries count, such as ``activity=new``; none: all queries.
    """

    measure: Measure
    value: float
    where: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.measure}{'>=' if self.rises else '<='}{self.value:.12g}{self._of_segment}"

    @property
    def name(self) -> str:
        """The measure, and the segments it is of: ``Recall@10 where activity=new``."""
        return f"{self.measure}{self._of_segment}"

    @property
    def _of_segment(self) -> str:
        return f" where {' and '.join(map(_spell_place, self.where))}" if self.where else ""

    @property
    def rises(self) -> bool:
        """Whether more is better."""
        return self.measure.better == "higher"

    @property
    def is_cost(self) -> bool:
        """Whether it bounds what an answer costs, not how good it is."""
        return self.measure.kind == "cost"

    def is_attainable(self, n: int, level: float) -> bool:
        """Whether `n` queries could certify it at all, none of them failing."""
        return self.measure.is_attainable(self.value, n, level)

    def is_met(self, value: float | None) -> bool:
        """Whether a value of the measure reaches the target."""
        if value is None:
            return False
        return value >= self.value if self.rises else value <= self.value


def parse_targets(text: str) -> list[Target]:
    """Targets joined by ``and``: measures of the grammar, ``>=`` or ``<=``, a value.

    A target is met by the value itself, so ``<`` is read as ``<=``, and ``>`` as ``>=``. Values may
    bear a unit: ``Latency(p=99)<=2ms``, ``IndexSize<=500MB``, ``Recall@10>=95%``. Of the queries of
    a segment: ``Recall@10>=0.9 where activity='new' and country=SE``.

    Raises
    ------
    VbenchError
        What is written is no target, or one that nothing can be tuned to.
    """
    targets: list[Target] = []
    for part in _split(text):
        # What follows a condition and is none of a measure is another condition.
        place = _PLACE.fullmatch(part.strip())
        if targets and targets[-1].where and place and not _TARGET.fullmatch(part.strip()):
            last = targets.pop()
            targets.append(replace(last, where=(*last.where, _place(place))))
        else:
            targets.append(_target(part))
    seen: set[str] = set()
    for target in targets:
        if target.name in seen:
            raise VbenchError(f"target {text!r} names {target.name} twice; give it once")
        seen.add(target.name)
    return targets


def measure_named(name: str) -> Measure:
    """The measure of a target's name, ``Recall@10 where activity=new``."""
    return parse(name.partition(" where ")[0])


def head_of(name: str) -> str:
    """The head of a column about a target: ``R-0.8 where activity=new``, ``Price``."""
    _, where, segment = name.partition(" where ")
    return f"{measure_named(name).short.partition('(')[0]}{where}{segment}"


def _split(text: str) -> list[str]:
    """What stands between each ``and`` that is no part of a value in quotes."""
    parts, begin = [], 0
    for joint in _JOINTS.finditer(text):
        if not joint[0].startswith("="):
            parts.append(text[begin : joint.start()])
            begin = joint.end()
    return [*parts, text[begin:]]


def _place(match: re.Match[str]) -> str:
    value = match["value"].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return f"{match['column'].strip()}={value}"


def _spell_place(place: str) -> str:
    column, _, value = place.partition("=")
    plain = re.fullmatch(r"[\w.+-]+", value) and value.lower() != "and"
    quote = '"' if "'" in value else "'"
    return place if plain else f"{column}={quote}{value}{quote}"


def _target(text: str) -> Target:
    if of_segment := _WHERE.fullmatch(text.strip()):
        place = _PLACE.fullmatch(of_segment["where"].strip())
        if place is None:
            raise VbenchError(
                f"{text.strip()!r}: after where comes column=value, such as activity='new'"
            )
        return replace(_target(of_segment["target"]), where=(_place(place),))
    parts = [part.strip() for part in _COMMA.split(text)]
    if len(parts) > 1 and all(map(_TARGET.fullmatch, parts)):
        raise VbenchError(f"{text.strip()!r}: targets are joined by and: {' and '.join(parts)!r}")
    match = _TARGET.fullmatch(text.strip())
    if not match:
        raise VbenchError(
            f"{text.strip()!r} is not a target; write "
            + (_meant(text) or f"a measure, >= or <=, and a value{_USUAL}")
        )
    measure = parse(match["measure"])
    target = Target(measure, _value(match["value"], measure, text))
    rises = match["sign"][0] in ">≥"
    if rises != target.rises:
        better = "more" if target.rises else "less"
        raise VbenchError(
            f"{text.strip()!r}: of {measure} {better} is better; "
            f"write {measure}{'>=' if target.rises else '<='}{match['value']}"
        )
    _check_value(target, text)
    return target


def _meant(text: str) -> str:
    """What was meant where only the sign is in the way; "" where that is not known."""
    with contextlib.suppress(VbenchError):
        if match := _EQUATION.fullmatch(text.strip()):
            sign = ">=" if parse(match["measure"]).better == "higher" else "<="
            written = f"{match['measure']}{sign}{match['value']}"
            return f"{written!r}" if _target(written) else ""
    return ""


def _check_value(target: Target, text: str) -> None:
    """Raise where no index could ever be shown to meet the target, or every one would."""
    value = target.value
    if target.is_cost:
        if value <= 0.0:
            raise VbenchError(f"{text.strip()!r}: give a number above 0")
    elif target.measure.may_be_one:
        if not 0.0 < value <= 1.0:
            raise VbenchError(f"{text.strip()!r}: give a recall above 0, up to 1")
    elif not 0.0 < value < 1.0:
        hint = "; no number of queries shows that none fails" if value in (0, 1) else ""
        raise VbenchError(f"{text.strip()!r}: give a value between 0 and 1{hint}")


def _value(text: str, measure: Measure, target: str) -> float:
    units = _UNITS.get(measure.unit, {})
    match = _VALUE.match(text)
    try:
        number = float(match["number"]) if match else None
    except ValueError:
        number = None
    if match is None or number is None or not math.isfinite(number):
        raise VbenchError(f"{target.strip()!r}: {text!r} is not a number")
    if match["unit"] and match["unit"] not in units:
        allowed = f"one of {', '.join(units)}, or none" if units else "none"
        raise VbenchError(
            f"{target.strip()!r}: {match['unit']!r} is no unit of {measure}; give {allowed}"
        )
    return float(Fraction(match["number"]) * Fraction(str(units.get(match["unit"], 1))))
