"""Tables of Parquet and CSV: a path is a path here, never a pattern, and damage is an exception.

polars takes `a[1].parquet` and `b*.parquet` for patterns of several files, and `key=value` in a
folder's name for a column. Where a page is damaged its threads also print to standard error, often
dozens of lines: what a library of Rust prints when it panics is not for the reader.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from vbench.data.pages import check_memory, check_pages
from vbench.data.plain import read_plain

if TYPE_CHECKING:
    import polars as pl

_turn = threading.Lock()
_mine = threading.local()


def read_parquet(
    path: Path,
    columns: Sequence[str] | None = None,
    *,
    parallel: Literal["auto", "columns"] = "auto",
) -> pl.DataFrame:
    """Read a Parquet file, or some columns of it; those of one group of rows by `columns`."""
    import polars as pl

    with _as_of_polars():
        check_memory(path, columns)
    wanted = None if columns is None else list(columns)
    with unprinted_panics():
        return pl.read_parquet(
            path, columns=wanted, parallel=parallel, glob=False, hive_partitioning=False
        )


def read_numbers(path: Path, columns: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns of numbers, (rows,) or (rows, w) each; those that can be are read as they lie."""
    with _as_of_polars():
        found = read_plain(path, columns)
    left = [name for name in columns if name not in found]
    if left:
        # In less time than by groups of rows, where there are few.
        frame = read_parquet(path, left, parallel="columns")
        found |= {name: frame[name].to_numpy() for name in left}
    return found


def scan_parquet(path: Path) -> pl.LazyFrame:
    """Open a Parquet file to be read in parts: by :func:`collect`."""
    import polars as pl

    with _as_of_polars():
        check_pages(path)
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def collect(frame: pl.LazyFrame) -> pl.DataFrame:
    """Read what was asked of an opened file."""
    with unprinted_panics():
        return frame.collect()


def parquet_schema(path: Path) -> dict[str, pl.DataType]:
    """Columns and their types."""
    import polars as pl

    with path.open("rb") as stream, unprinted_panics():
        return dict(pl.read_parquet_schema(stream))


def parquet_metadata(path: Path) -> dict[str, str]:
    """What was written beside the rows."""
    import polars as pl

    with path.open("rb") as stream, unprinted_panics():
        return pl.read_parquet_metadata(stream)


def read_csv(path: Path, **options: Any) -> pl.DataFrame:
    """Read a CSV file; options as in polars."""
    import polars as pl

    with unprinted_panics():
        return pl.read_csv(path, glob=False, **options)


@contextlib.contextmanager
def _as_of_polars() -> Iterator[None]:
    """What is found before polars reads is told like what it finds itself."""
    import polars as pl

    try:
        yield
    except ValueError as error:
        raise pl.exceptions.ComputeError(str(error)) from None


@functools.cache
def _sink() -> int:
    """Where it goes instead: made once, since files are read by the hundred."""
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


@contextlib.contextmanager
def unprinted_panics() -> Iterator[None]:
    """Keep from standard error what is printed there by code that then raises.

    What other threads print meanwhile comes out afterwards, where nothing is raised.
    """
    if getattr(_mine, "inside", False):
        yield
        return
    with _turn:
        try:
            sys.stderr.flush()
            kept = os.dup(2)
        except (OSError, ValueError, AttributeError):  # there is no standard error
            yield
            return
        sink = _sink()
        begin = os.lseek(sink, 0, os.SEEK_END)
        os.dup2(sink, 2)
        printed, _mine.inside = False, True
        try:
            yield
            printed = True
        finally:
            _mine.inside = False
            os.dup2(kept, 2)
            os.close(kept)
            end = os.lseek(sink, 0, os.SEEK_END)
            while printed and begin < end and (block := os.pread(sink, 1 << 16, begin)):
                os.write(2, block)
                begin += len(block)
