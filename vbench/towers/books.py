"""The BookCrossing interactions as three frames, read straight from the files of their authors."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vbench import _paths
from vbench.data import tables
from vbench.data.files import whole_file
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
    interactions : `user`, `item` (ISBN), `rating`
        1 to 10; null where the file has 0, which means implicit.
    users : `user`, `location`, `age` (null where not in 5 … 100)
    items : `item`, `title`, `author`, `year` (null where not in 1900 … 2006), `publisher`
    """
    import polars as pl

    ratings = pl.DataFrame(
        _rows(files[RATINGS], 3), schema=["user", "item", "rating"], orient="row"
    )
    items = _books(files[BOOKS])
    users = pl.DataFrame(
        _rows(files[USERS], 3), schema=["user", "location", "age"], orient="row"
    ).with_columns(_whole("age", 5, 100))
    rating = pl.col("rating").cast(pl.Float64, strict=False)
    known = ratings.with_columns(rating=pl.when(rating > 0).then(rating)).join(
        items.select("item"), on="item", how="semi", maintain_order="left"
    )
    return known, users, items


def add_tables(files: Mapping[str, Path], folder: Path) -> None:
    """Make the tables of `books` that are not shipped with it: what its card names as `prepare`.

    `interactions.parquet`: what the readers had already, the held-out books left out; by their ids.
    `items.parquet`: `year`, and numbers in place of author and publisher: 0, 1, … by falling
    number of books in the dataset; names that differ only by punctuation or capitals are one.

    Parameters
    ----------
    files
        `BX-Book-Ratings.csv` and `BX-Books.csv`.

    Raises
    ------
    DataError
        The ratings are not those that the dataset was made from.
    """
    import polars as pl

    shipped = _paths.resource_dir("datasets") / "books"
    own = {
        name: tables.read_parquet(shipped / f"{name}.parquet")
        for name in ("queries", "items", "relevance")
    }
    books = _books(files[BOOKS])
    readers = own["queries"].with_row_index("query").filter(kind="user")
    pairs = (
        pl.DataFrame(
            _rows(files[RATINGS], 3),
            schema=dict.fromkeys(["user", "item", "rating"], pl.String),
            orient="row",
        )
        .select("user", "item")
        .unique(maintain_order=True)
        .join(readers.select("query", user="id"), on="user", maintain_order="left")
        .join(own["items"].with_row_index("place"), left_on="item", right_on="id")
        .with_columns(pl.col("query", "place").cast(pl.Int32))
    )
    held = own["relevance"].rename({"item": "place"})
    had = pairs.join(held, on=["query", "place"], how="anti")
    if len(had) + len(held) != len(pairs):
        raise DataError(f"{files[RATINGS]}: not all held-out books of the readers are rated there")
    had = had.sort("query", "place").select(query="user", item="item")
    known = own["items"].select(item="id").join(books, on="item", how="left", maintain_order="left")
    described = known.select(
        "item", "year", *(_numbers(known[name]) for name in ("author", "publisher"))
    ).rename({"item": "id"})
    for name, table in (("interactions", had), ("items", described)):
        with whole_file(folder / f"{name}.parquet") as file:
            table.write_parquet(file)


def _numbers(names: pl.Series) -> pl.Series:
    """Numbers in place of names, 0 for the most frequent; none for none."""
    import polars as pl

    words = names.str.to_lowercase().str.replace_all(r"[^\w]+", " ").str.strip_chars()
    plain = pl.select(pl.when(words.str.len_chars() > 0).then(words)).to_series().alias("name")
    order = (
        plain.drop_nulls()
        .value_counts(name="books")
        .sort(["books", "name"], descending=[True, False])
        .with_row_index("number")
    )
    found = plain.to_frame().join(order, on="name", how="left", maintain_order="left")
    return found["number"].cast(pl.Int32).alias(names.name)


def _books(path: Path) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        (row[:5] for row in _rows(path, 8)),
        schema=["item", "title", "author", "year", "publisher"],
        orient="row",
    ).with_columns(_whole("year", 1900, 2006))


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
