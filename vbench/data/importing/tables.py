"""Tables of any usual format, whole or in parts: Parquet, CSV, Arrow and JSON lines."""

from __future__ import annotations

import functools
import glob
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vbench.data.arrays import first_line
from vbench.data.columns import named_as_id
from vbench.data.layout import is_pattern
from vbench.data.parts import Files, check_whole, in_order
from vbench.data.tables import scan_parquet, unprinted_panics
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")

_TEXT = (".csv", ".tsv")
_ARROW = (".arrow", ".feather", ".ipc")
_LINES = (".jsonl", ".ndjson")
_PACKED = (".gz", ".zst")
SUFFIXES = (".parquet", *_TEXT, *_ARROW, *_LINES)


def files_of(source: Path) -> tuple[Path, ...]:
    """The files of a table, in order: one, those of a folder, or those of a pattern.

    Raises
    ------
    DataError
        There are none, or a part of them is missing.
    """
    if source.is_file():
        return (source,)
    if source.is_dir():
        found = [
            path
            for path in source.rglob("*")
            if path.is_file()
            and not any(part[0] in "._" for part in path.relative_to(source).parts)
        ]
    elif is_pattern(source):
        found = [Path(name) for name in glob.glob(str(source), recursive=True)]  # noqa: PTH207
    else:
        raise DataError(f"{source}: no such file or folder")
    if not found:
        raise DataError(f"{source}: holds no files")
    ordered = in_order(found)
    check_whole(Files(source, ordered, chosen=True) if len(ordered) > 1 else ordered[0])
    return ordered


def kind_of(path: Path) -> str:
    """The suffix that tells the format of a file: of `users.csv.gz` it is `.csv`."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in _PACKED else suffix


def scan(source: Path, *, keys: Sequence[str] = ()) -> pl.LazyFrame:
    """Open a table to be read in parts.

    Parameters
    ----------
    keys
        Columns that are compared, beside those that are named as ids are: in text files they stay
        text where a number would not say the same (`0042`).

    Raises
    ------
    DataError
        Its files are of several formats, of one that is not known, or cannot be read.
    """
    import polars as pl

    paths = files_of(source)
    kinds = {kind_of(path) for path in paths}
    if len(kinds) > 1:
        raise DataError(f"{source}: holds files of several formats: {', '.join(sorted(kinds))}")
    kind = kinds.pop()
    readers: Mapping[tuple[str, ...], Callable[[], pl.LazyFrame]] = {
        (".parquet",): lambda: pl.concat([scan_parquet(path) for path in paths]),
        _TEXT: lambda: _scan_text(paths, "\t" if kind == ".tsv" else ",", keys),
        _ARROW: lambda: _scan_arrow(paths),
        _LINES: lambda: pl.scan_ndjson(list(paths)),
    }
    read = next((reader for kinds, reader in readers.items() if kind in kinds), None)
    if read is None:
        raise DataError(
            f"{source}: a table is read from {', '.join(SUFFIXES)}, not {kind or 'no suffix'!r}"
        )
    return _checked(source, read)


def read(source: Path, *, keys: Sequence[str] = ()) -> pl.DataFrame:
    """Read a table of :func:`scan` into memory."""
    frame = scan(source, keys=keys)
    return _checked(source, lambda: frame.collect())


def write_parquet(source: Path, target: Path, *, keys: Sequence[str] = ()) -> Path:
    """Write a table as one Parquet file; lists that are written as text become lists of numbers."""
    import polars as pl

    frame = scan(source, keys=keys)
    first = _checked(source, lambda: frame.head(1).collect())
    texts = [
        column.name
        for column in first.get_columns()
        if column.dtype == pl.String
        and len(column)
        and str(column[0]).strip().startswith("[")
        and str(column[0]).strip().endswith("]")
    ]
    lists = [pl.col(name).str.json_decode(pl.List(pl.Float32)) for name in texts]
    # Out of JSON come numbers of 64 bits, which say no more than those of 32 did.
    wide = [
        pl.col(name).cast(pl.List(pl.Float32))
        for name, kind in frame.collect_schema().items()
        if kind == pl.List(pl.Float64)
    ]
    _checked(source, lambda: frame.with_columns(*lists, *wide).sink_parquet(target))
    return target


def _scan_text(paths: Sequence[Path], separator: str, keys: Sequence[str]) -> pl.LazyFrame:
    import polars as pl

    open_text = functools.partial(pl.scan_csv, separator=separator, glob=False)
    names = open_text(paths[0]).collect_schema().names()
    texts = [name for name in names if named_as_id(name) or name in keys]
    frame = open_text(list(paths), schema_overrides=dict.fromkeys(texts, pl.String))
    whole = [pl.col(name).cast(pl.Int64, strict=False) for name in texts]
    same = [
        (number.cast(pl.String) == pl.col(name)).fill_null(pl.col(name).is_null()).all()
        for number, name in zip(whole, texts, strict=True)
    ]
    if not texts:
        return frame
    are_whole = frame.select(same).collect().row(0)
    return frame.with_columns(
        number for number, is_whole in zip(whole, are_whole, strict=True) if is_whole
    )


def _scan_arrow(paths: Sequence[Path]) -> pl.LazyFrame:
    """Files of Arrow, or streams of it, which have no table of contents at their end."""
    import polars as pl

    with paths[0].open("rb") as stream:
        is_file = stream.read(6) == b"ARROW1"
    if is_file:
        return pl.scan_ipc(list(paths), glob=False)
    return pl.concat([pl.read_ipc_stream(path) for path in paths]).lazy()


def _checked(source: Path, read: Callable[[], T]) -> T:
    import polars as pl

    try:
        with unprinted_panics():
            return read()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{source}: cannot be read: {first_line(error)}") from None
