"""Anybody's interactions and feature tables, from CSV or Parquet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vbench.data import tables
from vbench.data.id_tables import plain_name
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
    """Read `user`, `item` and, where the file has them, `timestamp` and `rating`, row by row.

    Ids are kept as text. A timestamp is a number, a date, or text that says a date or a time. A
    rating that is no number is null.

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
    for name in ("user", "item"):
        _refuse_compound(path, frame[found[name]], "ids")
    if min_rating is not None:
        if "rating" not in found:
            raise DataError(f"{path}: min_rating is given, but there is no column of ratings")
        frame = frame.filter(_numbers(path, frame, found["rating"]) >= min_rating)
    chosen: list[pl.Expr | pl.Series] = [
        pl.col(found[name]).cast(pl.String).alias(name) for name in ("user", "item")
    ]
    if "timestamp" in found:
        chosen.append(_times(path, frame, found["timestamp"]).alias("timestamp"))
    if "rating" in found:
        chosen.append(frame[found["rating"]].cast(pl.Float64, strict=False).alias("rating"))
    frame = frame.select(chosen)
    if frame.is_empty():
        raise DataError(f"{path}: holds no interactions{' of that rating' if min_rating else ''}")
    return frame


def read_features(path: Path, key: Literal["user", "item"], named: str | None) -> pl.DataFrame:
    """Read a feature table; its column of ids becomes `key`, as text.

    Raises
    ------
    DataError
        The file cannot be read, has no column of ids, or two, or nothing beside it, or holds
        something that is neither text nor number.
    """
    import polars as pl

    frame = _read(path, as_text=False, ids={*_USUAL[key], named or ""})
    told: dict[str, str] = {key: named} if named in frame.columns else {}
    ids = _columns(path, frame.columns, told, wanted=(key,))[key]
    if len(frame.columns) < 2:
        raise DataError(f"{path}: has no column beside {ids!r}; a feature table needs one")
    if key != ids and key in frame.columns:
        raise DataError(f"{path}: columns {ids!r} and {key!r} both name the {key}; rename one")
    _refuse_compound(path, frame[ids], "ids")
    columns = [frame[ids].cast(pl.String).alias(key)]
    for feature in frame.drop(ids):
        kind = feature.dtype
        if isinstance(kind, pl.List | pl.Array) and not kind.inner.is_nested():
            feature = feature.cast(pl.List(pl.String)).list.join(" ", ignore_nulls=True)
        _refuse_compound(path, feature, "features")
        columns.append(feature)
    return pl.DataFrame(columns)


def _read(path: Path, *, as_text: bool, ids: Collection[str] = ()) -> pl.DataFrame:
    """Read a table: CSV as text alone, or with numbers beside the columns of `ids`."""
    import polars as pl

    if not path.is_file():
        raise DataError(f"{path}: no such file; expected CSV or Parquet")
    try:
        with path.open("rb") as file:
            first = file.readline(1 << 16)
        if path.suffix.lower() in {".parquet", ".pq"} or first.startswith(b"PAR1"):
            return tables.read_parquet(path)
        # The likeliest separator: what the first line has most of.
        separator = max(_SEPARATORS, key=first.decode("utf-8", errors="replace").count)
        if as_text:
            return tables.read_csv(path, separator=separator, infer_schema=False)
        header = tables.read_csv(path, separator=separator, n_rows=0).columns
        text = [name for name in header if name in ids or plain_name(name) in ids]
        return tables.read_csv(
            path,
            separator=separator,
            schema_overrides=dict.fromkeys(text, pl.String),
            infer_schema_length=None,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[0]
        if "utf-8" in reason.lower():
            reason += "; save it as UTF-8, such as with: iconv -f latin1 -t utf-8"
        raise DataError(f"{path}: cannot be read as CSV or Parquet: {reason}") from None


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
        usual = [name for name in present if plain_name(name) in _USUAL[ours]]
        if ours not in found and usual:
            found[ours] = usual[0]
    missing = [ours for ours in wanted if ours not in found]
    if missing:
        say = " ".join(f"--column {ours}=NAME" for ours in missing)
        alone = " alone; comma, semicolon, tab or bar part columns" if len(present) == 1 else ""
        raise DataError(
            f"{path}: no column for {' and '.join(missing)} (columns: {', '.join(present)}"
            f"{alone}); say to vbench data train which it is: {say}"
        )
    return found


def _numbers(path: Path, frame: pl.DataFrame, name: str) -> pl.Series:
    import polars as pl

    numbers = frame[name].cast(pl.Float64, strict=False)
    _refuse_unread(path, frame[name], numbers, "a number")
    return numbers


def _times(path: Path, frame: pl.DataFrame, name: str) -> pl.Series:
    """Times as seconds or whatever unit the file has: only their order is used."""
    import polars as pl

    given = frame[name]
    _refuse_compound(path, given, "times")
    timely = given.to_physical() if given.dtype.is_temporal() else given
    times = timely.cast(pl.Float64, strict=False)
    if given.dtype == pl.String and times.null_count() == len(times):
        try:
            times = given.str.to_datetime(strict=False).to_physical().cast(pl.Float64)
        except pl.exceptions.PolarsError as error:
            raise VbenchError(
                f"{path}: column {name!r} is no time: {str(error).splitlines()[0]}"
            ) from None
    _refuse_unread(path, given, times, "a time")
    return times


def _refuse_compound(path: Path, column: pl.Series, what: str) -> None:
    import polars as pl

    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise DataError(
            f"{path}: column {column.name!r} holds {column.dtype}; {what} are text or numbers"
        )


def _refuse_unread(path: Path, given: pl.Series, read: pl.Series, kind: str) -> None:
    wrong = (read.is_null() | read.is_nan()).arg_true()
    if len(wrong):
        row = wrong[0]
        value = "an empty value" if given[row] is None else repr(given[row])
        raise DataError(f"{path}: column {given.name!r}, row {row + 1}: {value} is not {kind}")
