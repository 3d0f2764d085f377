"""The BookCrossing interactions as three frames, read straight from the files of their authors."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

RATINGS, BOOKS, USERS = "BX-Book-Ratings.csv", "BX-Books.csv", "BX-Users.csv"


def read_bookcrossing(
    files: Mapping[str, Path],
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Interactions, users and books of BookCrossing (Ziegler et al., WWW 2005).

    Interactions with books that have no metadata are left out.

    Parameters
    ----------
    files
        Paths of `BX-Book-Ratings.csv`, `BX-Books.csv` and `BX-Users.csv`, by those names.

    Returns
    -------
    interactions : `user`, `item` (ISBN)
        Every rating, 0 to 10; 0 means implicit.
    users : `user`, `location`, `age` (null where not in 5 … 100)
    items : `item`, `title`, `author`, `year` (null where not in 1900 … 2006), `publisher`
    """
    import polars as pl

    ratings = pl.DataFrame(
        _rows(files[RATINGS], 3), schema=["user", "item", "rating"], orient="row"
    )
    items = pl.DataFrame(
        (row[:5] for row in _rows(files[BOOKS], 8)),
        schema=["item", "title", "author", "year", "publisher"],
        orient="row",
    ).with_columns(_whole("year", 1900, 2006))
    users = pl.DataFrame(
        _rows(files[USERS], 3), schema=["user", "location", "age"], orient="row"
    ).with_columns(_whole("age", 5, 100))
    known = ratings.select("user", "item").join(
        items.select("item"), on="item", how="semi", maintain_order="left"
    )
    return known, users, items


def _rows(path: Path, columns: int) -> Iterator[list[str]]:
    """Rows of Latin-1 text; quotes inside a value are escaped by a backslash."""
    with path.open(encoding="latin-1", newline="") as text:
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
