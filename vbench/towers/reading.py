"""Anybody's interactions and feature tables, from CSV or Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vbench.errors import DataError, UnknownNameError, VbenchError

if TYPE_CHECKING:
    import polars as pl

Column = Literal["user", "item", "rating", "timestamp"]
COLUMNS: tuple[Column, ...] = get_args(Column)

_USUAL: dict[Column, set[str]] = {
    "user": {"user", "userid", "uid", "customer", "customerid", "visitorid"},
    "item": {"item", "itemid", "iid", "product", "productid", "movieid", "bookid", "isbn", "asin"},
    "rating": {"rating", "score", "stars"},
    "timestamp": {"timestamp", "time", "date", "datetime", "ts", "unixtimestamp"},
}
_SEPARATORS = ",;\t|"


def read_interactions(
    path: Path, named: Mapping[str, str], min_rating: float | None = None
) -> pl.DataFrame:
    """Read `user`, `item` and, where the file has it, `timestamp`, one row for each interaction.

    Ids are kept as text. A timestamp is a number, a date, or text that says a date or a time.

    Parameters
    ----------
    named
        Name in the file of `user`, `item`, `rating` or `timestamp`, where it is not a usual one.
    min_rating
        Leave out what was rated lower; needs a rating column.

    Raises
    ------
    DataError
        The file cannot be read, lacks a column, is empty, or holds a value that is no number.
    """
    import polars as pl

    frame = _read(path, as_text=True)
    found = _columns(path, frame.columns, named)
    if min_rating is not None:
        if "rating" not in found:
            raise DataError(f"{path}: min_rating is given, but there is no column of ratings")
        frame = frame.filter(_numbers(path, frame, found["rating"]) >= min_rating)
    chosen: list[pl.Expr | pl.Series] = [
        pl.col(found[name]).cast(pl.String).alias(name) for name in ("user", "item")
    ]
    if "timestamp" in found:
        chosen.append(_times(path, frame, found["timestamp"]).alias("timestamp"))
    frame = frame.select(chosen)
    if frame.is_empty():
        raise DataError(f"{path}: holds no interactions{' of that rating' if min_rating else ''}")
    return frame


def read_features(path: Path, key: Literal["user", "item"], named: str | None) -> pl.DataFrame:
    """Read a feature table; its column of ids becomes `key`, as text.

    Raises
    ------
    DataError
        The file cannot be read, or has no column of ids, or nothing beside it.
    """
    import polars as pl

    frame = _read(path, as_text=False, id_column=named or _USUAL[key])
    found = _columns(path, frame.columns, {key: named} if named else {}, wanted=(key,))
    frame = frame.with_columns(pl.col(found[key]).cast(pl.String)).rename({found[key]: key})
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.List | pl.Array):
            words = pl.col(name).cast(pl.List(pl.String)).list.join(" ")
            frame = frame.with_columns(words)
        elif kind.is_nested() or kind == pl.Binary:
            raise DataError(f"{path}: column {name!r} holds {kind}; give text or numbers")
    if len(frame.columns) < 2:
        raise DataError(f"{path}: has no column beside {found[key]!r}; a feature table needs one")
    return frame


def _read(path: Path, *, as_text: bool, id_column: str | set[str] = "") -> pl.DataFrame:
    import polars as pl

    if not path.is_file():
        raise DataError(f"{path}: no such file; expected CSV or Parquet")
    try:
        if path.suffix in {".parquet", ".pq"}:
            return pl.read_parquet(path)
        separator = _separator(path)
        if as_text:
            return pl.read_csv(path, separator=separator, infer_schema=False)
        header = pl.read_csv(path, separator=separator, n_rows=0).columns
        ids = [name for name in header if name == id_column or _plain(name) in id_column]
        return pl.read_csv(
            path,
            separator=separator,
            schema_overrides=dict.fromkeys(ids, pl.String),
            infer_schema_length=None,
        )
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{path}: cannot be read as CSV or Parquet: {reason}") from None


def _separator(path: Path) -> str:
    """The likeliest of comma, semicolon, tab and bar: what the first line has most of."""
    with path.open("rb") as file:
        first = file.readline(1 << 16).decode("utf-8", errors="replace")
    return max(_SEPARATORS, key=first.count)


def _columns(
    path: Path,
    present: list[str],
    named: Mapping[str, str],
    wanted: tuple[Column, ...] = ("user", "item"),
) -> dict[str, str]:
    """Match our names to the file's: as told, else the one column with a usual name."""
    found: dict[str, str] = {}
    for ours, theirs in named.items():
        if ours not in COLUMNS:
            raise UnknownNameError("column", ours, COLUMNS)
        if theirs not in present:
            raise UnknownNameError(f"column of {path}", theirs, present)
        found[ours] = theirs
    for ours in COLUMNS:
        usual = [name for name in present if _plain(name) in _USUAL[ours]]
        if ours not in found and usual:
            found[ours] = usual[0]
    missing = [ours for ours in wanted if ours not in found]
    if missing:
        say = " ".join(f"--column {ours}=NAME" for ours in missing)
        raise DataError(
            f"{path}: no column for {' and '.join(missing)} (columns: {', '.join(present)}); "
            f"say which it is: {say}"
        )
    return found


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _numbers(path: Path, frame: pl.DataFrame, name: str) -> pl.Series:
    import polars as pl

    numbers = frame[name].cast(pl.Float64, strict=False)
    _refuse_unread(path, frame[name], numbers, "a number")
    return numbers


def _times(path: Path, frame: pl.DataFrame, name: str) -> pl.Series:
    """Times as seconds or whatever unit the file has: only their order is used."""
    import polars as pl

    given = frame[name]
    if given.dtype.is_temporal():
        return given.to_physical().cast(pl.Float64)
    times = given.cast(pl.Float64, strict=False)
    if given.dtype == pl.String and times.null_count() == len(times):
        try:
            times = given.str.to_datetime(strict=False).to_physical().cast(pl.Float64)
        except pl.exceptions.PolarsError as error:
            raise VbenchError(
                f"{path}: column {name!r} is no time: {str(error).splitlines()[0]}"
            ) from None
    _refuse_unread(path, given, times, "a time")
    return times


def _refuse_unread(path: Path, given: pl.Series, read: pl.Series, kind: str) -> None:
    wrong = (read.is_null() | read.is_nan()).arg_true()
    if len(wrong):
        row = wrong[0]
        raise DataError(
            f"{path}: column {given.name!r}, row {row + 1}: {given[row]!r} is not {kind}"
        )
