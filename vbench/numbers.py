"""How numbers are written: with their unit, their interval, and the digits that mean something.

Everything that is shown, on a terminal, in Markdown or on the page, is written here, so that one
number has one text. A share of queries is in percent, a score between 0 and 1, such as recall, a
decimal fraction; an interval stands in brackets behind its value, in the value's unit:
``0.912 [0.905, 0.919]``, ``90.5 % [89.9, 91.1]``, ``1.48 ms [1.44, 1.52]``.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple, Protocol

Unit = Literal["share", "score", "seconds", "bytes", "rate", "count", "number"]
"""`share`: of the queries; `score`: from 0 to 1; `number`: anything else."""
UNKNOWN = "–"

_TIMES = (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
_SIZES = (("TB", 1e-12), ("GB", 1e-9), ("MB", 1e-6), ("kB", 1e-3), ("B", 1.0))


class Ends(Protocol):
    """A value with the ends of its interval."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


class _Form(NamedTuple):
    """How a value and its interval are written: multiplied, with decimals, before a unit.

    `finest` is how many decimals the ends of a narrow interval may have.
    """

    factor: float
    decimals: int
    suffix: str = ""
    finest: int = 0


def write(value: float | None, unit: Unit) -> str:
    """A value with its unit; "–" where nothing is known."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    form = _form(value, unit)
    return _digits(value, form) + form.suffix


def write_difference(value: float | None, unit: Unit, *, signed: bool = True) -> str:
    """A difference, with its sign; that of two shares is in percentage points (pp)."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    form = _difference_form(value, unit)
    return _signed(value, form, signed=signed) + form.suffix


def write_ends(found: Ends, unit: Unit) -> str:
    """The interval of a value, in the unit in which it is written; "" where none is known."""
    if found.value is None or not math.isfinite(found.value):
        return ""
    return _bracket(found.low, found.high, _form(found.value, unit), signed=False)


def write_interval(found: Ends, unit: Unit) -> str:
    """A value with its interval, where it has one: ``0.912 [0.905, 0.919]``."""
    return f"{write(found.value, unit)} {write_ends(found, unit)}".rstrip()


def write_spread(found: Ends, spread: float | None, unit: Unit) -> str:
    """A value and its standard deviation over builds, where it has one: ``0.912 ±0.003``."""
    text = write(found.value, unit)
    if found.value is None or spread is None or not math.isfinite(spread):
        return text
    return f"{text} ±{_digits(spread, _form(found.value, unit))}"


def write_difference_ends(found: Ends, unit: Unit, *, signed: bool = True) -> str:
    """The interval of a difference, in the unit in which the difference is written."""
    if found.value is None or not math.isfinite(found.value):
        return ""
    form = _difference_form(found.value, unit)
    return _bracket(found.low, found.high, form, signed=signed)


def write_p(p: float | None) -> str:
    """A p, or that it is too small to write."""
    if p is None or math.isnan(p):
        return UNKNOWN
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def count(number: int, nouns: str) -> str:
    """``2 builds``, ``1 build``, ``1 index``."""
    one = nouns.removesuffix("es" if nouns.endswith("xes") else "s")
    return f"{number:,} {one if number == 1 else nouns}"


def _bracket(low: float | None, high: float | None, form: _Form, *, signed: bool) -> str:
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    # More digits where the ends would hardly differ.
    width = (high - low) * form.factor
    while form.decimals < form.finest and 0 < width < 1.99 * 10.0**-form.decimals:
        form = form._replace(decimals=form.decimals + 1)
    return f"[{_signed(low, form, signed=signed)}, {_signed(high, form, signed=signed)}]"


def _digits(value: float, form: _Form) -> str:
    # Half a digit is rounded away from 0, as the script of the page does it.
    shown = Decimal(value * form.factor).quantize(Decimal(1).scaleb(-form.decimals), ROUND_HALF_UP)
    return f"{shown if shown else abs(shown):,f}"


def _signed(value: float, form: _Form, *, signed: bool) -> str:
    text = _digits(value, form)
    return f"+{text}" if signed and not text.startswith("-") else text


def _difference_form(value: float, unit: Unit) -> _Form:
    form = _form(abs(value), unit)
    return form._replace(suffix=" pp") if unit == "share" else form


def _form(value: float, unit: Unit) -> _Form:
    size = abs(value)
    match unit:
        case "share":
            decimals = 0 if size in (0.0, 1.0) else _decimals_of_share(size) - 2
            return _Form(100.0, decimals, " %", decimals + 3)
        case "score":
            decimals = _decimals_of_share(size)
            return _Form(1.0, decimals, "", decimals + 2)
        case "seconds":
            return _scaled(size, _TIMES)
        case "bytes":
            return _scaled(size, _SIZES)
        case _:
            return _Form(1.0, 0 if size >= 100 else _decimals(size, 3))


def _decimals_of_share(value: float) -> int:
    """Three; four near the ends, and so many that no value but 0 and 1 is written as 0 or 1."""
    rest = min(value, abs(1.0 - value))
    if rest == 0.0 or rest >= 0.01:
        return 3
    return max(4, math.ceil(-math.log10(rest) - 1e-9))


def _scaled(value: float, units: tuple[tuple[str, float], ...]) -> _Form:
    name, factor = next((each for each in units if value * each[1] >= 1.0), units[-1])
    return _Form(factor, 0 if name == "B" else _decimals(value * factor, 3), f" {name}")


def _decimals(value: float, digits: int) -> int:
    """Decimals that show so many digits of a value."""
    if value == 0.0:
        return 0
    return min(max(0, digits - 1 - math.floor(math.log10(value))), 9)
