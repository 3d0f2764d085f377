"""Rows of documents as tables for other programs: columns of polars and pandas, CSV, LaTeX."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vbench.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_FOR_PROGRAMS = {"environment", "code", "fingerprint"}
_ENDS = ("low", "high")
_SPELLED = {letter: f"\\{letter}" for letter in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "δ": r"$\delta$",
}


class Cell(msgspec.Struct, frozen=True):
    """A number with the ends of its interval, where it has one."""

    value: float | None
    low: float | None = None
    high: float | None = None


Row = Mapping[str, Any]
"""Plain values and :class:`Cell` by the names of columns."""


def flatten(row: msgspec.Struct) -> dict[str, object]:
    """The plain values of a row, intervals as cells, what it is made of by its names.

    Lists in it are tables of their own, and left out.
    """
    found: dict[str, object] = {}
    for name in (each for each in row.__struct_fields__ if each not in _FOR_PROGRAMS):
        value = getattr(row, name)
        if isinstance(value, msgspec.Struct) and not _is_interval(value):
            found |= {f"{name} {key}": each for key, each in flatten(value).items()}
        elif isinstance(value, Mapping):
            found |= {str(key): _plain(each) for key, each in value.items() if _is_plain(each)}
        elif _is_plain(value):
            found[name] = _plain(value)
    return found


def _is_interval(value: object) -> bool:
    return isinstance(value, msgspec.Struct) and {"value", *_ENDS} <= {*value.__struct_fields__}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float) or _is_interval(value)


def _plain(value: Any) -> Any:
    return Cell(value.value, value.low, value.high) if _is_interval(value) else value


def to_polars(rows: Iterable[Row], columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A column for each value, and `NAME low` and `NAME high` for the ends of intervals."""
    import polars as pl

    every = choose(list(rows), columns)
    wide = []
    for row in every:
        flat: dict[str, object] = {}
        for name, value in row.items():
            flat[name] = value.value if isinstance(value, Cell) else value
            if isinstance(value, Cell) and (value.low, value.high) != (None, None):
                flat |= {f"{name} low": value.low, f"{name} high": value.high}
        wide.append(flat)
    names = list(dict.fromkeys(name for row in wide for name in row))
    return pl.DataFrame(
        [pl.Series(name, [row.get(name) for row in wide], strict=False) for name in names]
    )


def to_pandas(rows: Iterable[Row], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The same for pandas, without Arrow."""
    import pandas as pd

    frame = to_polars(rows, columns)
    return pd.DataFrame({column.name: column.to_list() for column in frame.get_columns()})


def to_latex(rows: Iterable[Row], columns: Sequence[str] | None = None) -> str:
    """A table of booktabs: numbers with their intervals in brackets, names escaped."""
    every = choose(list(rows), columns)
    names = list(dict.fromkeys(name for row in every for name in row))
    numbers = {
        name
        for name in names
        if any(isinstance(row.get(name), Cell | int | float) for row in every)
    }
    lines = [
        f"\\begin{{tabular}}{{{''.join('r' if name in numbers else 'l' for name in names)}}}",
        "\\toprule",
        " & ".join(_escaped(name) for name in names) + r" \\",
        "\\midrule",
        *(" & ".join(_cell(row.get(name)) for name in names) + r" \\" for row in every),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def choose(rows: list[Row], columns: Sequence[str] | None) -> list[Row]:
    """Some columns of the rows, in this order; without any, those that hold something.

    Raises
    ------
    UnknownNameError
        No row has such a column; with those that there are.
    """
    known = list(dict.fromkeys(name for row in rows for name in row))
    if columns is None:
        columns = [name for name in known if any(row.get(name) not in (None, "") for row in rows)]
    for name in columns:
        if rows and name not in known:
            raise UnknownNameError("column", name, known)
    return [{name: row.get(name) for name in columns} for row in rows]


def write_table(rows: Iterable[Row], path: Path, columns: Sequence[str] | None = None) -> None:
    """Write rows into a file, as its suffix says: `.csv`, `.tex` or `.parquet`."""
    if path.suffix == ".tex":
        path.write_text(to_latex(rows, columns), encoding="utf-8")
    elif path.suffix == ".parquet":
        to_polars(rows, columns).write_parquet(path)
    else:
        to_polars(rows, columns).write_csv(path)


def _cell(value: Any) -> str:
    if isinstance(value, Cell):
        ends = (value.low, value.high)
        if None in ends or value.value is None:
            return _digits(value.value)
        return f"{_digits(value.value)} [{', '.join(map(_digits, ends))}]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _digits(value)
    return "--" if value is None else _escaped(str(value))


def _digits(value: float | None) -> str:
    """Three decimals of what is about 1, four digits of what is far from it."""
    if value is None or not math.isfinite(value):
        return "--"
    if isinstance(value, int) or value == round(value):
        return f"{value:,.0f}"
    if 1e-3 <= abs(value) < 10:
        return f"{value:.3f}"
    if 10 <= abs(value) < 1e9:
        return f"{value:,.{max(0, 3 - int(math.log10(abs(value))))}f}"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"${mantissa}\\cdot 10^{{{int(exponent)}}}$"


def _escaped(text: str) -> str:
    return "".join(_SPELLED.get(letter, letter) for letter in text)
