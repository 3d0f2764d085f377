"""The MovieLens 100k ratings as three frames, read from the files of RecBole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vbench.data import tables
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

RATINGS, FILMS, USERS = "ml-100k.inter", "ml-100k.item", "ml-100k.user"


def read_movielens(
    files: Mapping[str, Path],
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Ratings, users and films of MovieLens 100k (Harper and Konstan, ACM TiiS 2015).

    Parameters
    ----------
    files
        Paths of `ml-100k.inter`, `ml-100k.item` and `ml-100k.user`, by those names: tables parted
        by tabs, each name in the head followed by a colon and a type.

    Returns
    -------
    interactions : `user`, `item`, `rating` (1 to 5), `timestamp` (seconds)
    users : `user`, `age`, `gender`, `occupation`
    items : `item`, `title`, `year`, `genres`

    Raises
    ------
    DataError
        A file is none of these.
    """
    import polars as pl

    ratings = _read(files[RATINGS], ("user_id", "item_id", "rating", "timestamp"))
    users = _read(files[USERS], ("user_id", "age", "gender", "occupation"))
    films = _read(files[FILMS], ("item_id", "movie_title", "release_year", "class"))
    return (
        ratings.select(
            pl.col("user_id").alias("user"),
            pl.col("item_id").alias("item"),
            pl.col("rating", "timestamp").cast(pl.Float64),
        ),
        users.select(
            pl.col("user_id").alias("user"),
            pl.col("age").cast(pl.Int64, strict=False),
            "gender",
            "occupation",
        ),
        films.select(
            pl.col("item_id").alias("item"),
            pl.col("movie_title").alias("title"),
            pl.col("release_year").cast(pl.Int64, strict=False).alias("year"),
            pl.col("class").alias("genres"),
        ),
    )


def _read(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """Some columns as text, by their names without types."""
    frame = tables.read_csv(path, separator="\t", infer_schema=False, quote_char=None)
    frame = frame.rename({name: name.partition(":")[0] for name in frame.columns})
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise DataError(f"{path}: no column {', '.join(missing)}; it is no file of MovieLens 100k")
    return frame.select(columns)
