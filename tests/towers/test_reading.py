"""Anybody's CSV and Parquet files of interactions and features."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars as pl
import pytest

from vbench.errors import DataError, UnknownNameError
from vbench.towers.reading import read_features, read_interactions


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_usual_names_and_separators_are_found(tmp_path: Path, separator: str) -> None:
    """Columns with a usual name need no option, and ids keep their leading zeros."""
    rows = ["User-ID,movieId,Rating,ts", "007,0012,5,100", "8,13,3,50"]
    path = _write(tmp_path / "log.csv", "\n".join(rows).replace(",", separator) + "\n")
    frame = read_interactions(path, {})
    assert frame.to_dict(as_series=False) == {
        "user": ["007", "8"],
        "item": ["0012", "13"],
        "timestamp": [100.0, 50.0],
        "rating": [5.0, 3.0],
    }


def test_named_columns_go_first(tmp_path: Path) -> None:
    """A column that is named by the caller is taken although another has a usual name."""
    path = _write(tmp_path / "log.csv", "user,buyer,item\n1,a,x\n")
    assert read_interactions(path, {"user": "buyer"})["user"].to_list() == ["a"]


def test_parquet_ids_become_text_and_dates_are_ordered(tmp_path: Path) -> None:
    """Numbers as ids and dates as times are accepted as they come."""
    days = [datetime.date(2024, 1, 2), datetime.date(2024, 1, 1)]
    pl.DataFrame({"user_id": [1, 2], "item_id": [3, 4], "date": days}).write_parquet(
        tmp_path / "log.parquet"
    )
    frame = read_interactions(tmp_path / "log.parquet", {})
    assert frame["user"].to_list() == ["1", "2"]
    assert frame["timestamp"].is_sorted(descending=True)


def test_times_in_words_are_ordered(tmp_path: Path) -> None:
    """ISO times in a CSV file are read as times."""
    path = _write(
        tmp_path / "log.csv",
        "user,item,time\na,x,2024-03-01T10:00:00\nb,y,2023-03-01T10:00:00\n",
    )
    assert read_interactions(path, {})["timestamp"].is_sorted(descending=True)


def test_low_ratings_are_left_out(tmp_path: Path) -> None:
    """`min_rating` keeps what was rated at least that."""
    path = _write(tmp_path / "log.csv", "user,item,rating\na,x,4.5\nb,y,2\n")
    assert read_interactions(path, {}, min_rating=4)["user"].to_list() == ["a"]


@pytest.mark.parametrize(
    ("text", "named", "said"),
    [
        ("who,what\n1,2\n", {}, r"no column for user and item \(columns: who, what\).*--column"),
        ("user,what\n1,2\n", {}, "no column for item"),
        ("user,item,time\na,x,100\nb,y,noon\n", {}, "'time', row 2: 'noon' is not a time"),
        ("user,item\n", {}, "holds no interactions"),
        ("", {}, "cannot be read"),
        ("user,item\na,x,9\n", {}, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said(
    tmp_path: Path, text: str, named: dict[str, str], said: str
) -> None:
    """The message names the file, the column and what to do."""
    with pytest.raises(DataError, match=said):
        read_interactions(_write(tmp_path / "log.csv", text), named)


def test_unknown_columns_are_refused_with_the_nearest(tmp_path: Path) -> None:
    """A column that the file lacks, or that we do not know, is answered with names."""
    path = _write(tmp_path / "log.csv", "visitor,item\n1,2\n")
    with pytest.raises(UnknownNameError, match=r"'visiter'.*did you mean 'visitor'"):
        read_interactions(path, {"user": "visiter"})
    with pytest.raises(UnknownNameError, match="unknown column 'usr'"):
        read_interactions(path, {"usr": "visitor"})


def test_a_rating_that_is_no_number_is_named(tmp_path: Path) -> None:
    """Column, row and value of the rating are in the message."""
    path = _write(tmp_path / "log.csv", "user,item,rating\na,x,4\nb,y,good\n")
    with pytest.raises(DataError, match="'rating', row 2: 'good' is not a number"):
        read_interactions(path, {}, min_rating=3)
    bare = _write(tmp_path / "bare.csv", "user,item\na,x\n")
    with pytest.raises(DataError, match="no column of ratings"):
        read_interactions(bare, {}, min_rating=3)


def test_a_missing_file_and_a_broken_one_are_named(tmp_path: Path) -> None:
    """No such file, and a Parquet file that is none."""
    with pytest.raises(DataError, match="no such file"):
        read_interactions(tmp_path / "none.csv", {})
    with pytest.raises(DataError, match="cannot be read"):
        read_interactions(_write(tmp_path / "bad.parquet", "not parquet"), {})


def test_features_keep_types_and_ids_stay_text(tmp_path: Path) -> None:
    """Numbers stay numbers, lists become words, ids are text."""
    path = _write(tmp_path / "items.csv", "isbn,year,title\n007,1999,a b\n008,2001,c\n")
    frame = read_features(path, "item", None)
    assert frame["item"].to_list() == ["007", "008"]
    assert frame.schema["year"].is_integer()
    pl.DataFrame({"item": [1], "tags": [["x", "y"]]}).write_parquet(tmp_path / "items.parquet")
    assert read_features(tmp_path / "items.parquet", "item", None)["tags"].to_list() == ["x y"]


def test_features_need_a_column_beside_the_id(tmp_path: Path) -> None:
    """A table of ids alone says nothing of anybody."""
    with pytest.raises(DataError, match="no column beside 'item'"):
        read_features(_write(tmp_path / "items.csv", "item\n1\n"), "item", None)


def test_ids_and_features_of_several_parts_are_refused(tmp_path: Path) -> None:
    """A list as id, a struct as feature: the column and what it holds are named."""
    log, items = tmp_path / "log.parquet", tmp_path / "items.parquet"
    pl.DataFrame({"user": ["a"], "item": [[1, 2]]}).write_parquet(log)
    with pytest.raises(DataError, match=r"'item' holds List.*ids are text or numbers"):
        read_interactions(log, {})
    pl.DataFrame({"item": [1], "size": [{"x": 1}]}).write_parquet(items)
    with pytest.raises(DataError, match=r"'size' holds Struct.*features are text or numbers"):
        read_features(items, "item", None)


def test_an_empty_time_is_refused_whatever_its_type(tmp_path: Path) -> None:
    """A missing date is no earliest date; the row is named in Parquet as in CSV."""
    path = tmp_path / "log.parquet"
    days = [datetime.date(2024, 1, 2), None]
    pl.DataFrame({"user": [1, 2], "item": [3, 4], "date": days}).write_parquet(path)
    with pytest.raises(DataError, match="row 2: an empty value is not a time"):
        read_interactions(path, {})


def test_parquet_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    """A wrong suffix does not hide what the file is."""
    pl.DataFrame({"user": ["a"], "item": ["x"]}).write_parquet(tmp_path / "log.csv")
    assert read_interactions(tmp_path / "log.csv", {})["item"].to_list() == ["x"]


def test_another_encoding_and_separator_are_explained(tmp_path: Path) -> None:
    """Latin-1 is answered with how to make it UTF-8; an unknown separator with the known ones."""
    (tmp_path / "log.csv").write_bytes("user,item\nZoë,x\n".encode("latin-1"))
    with pytest.raises(DataError, match="save it as UTF-8"):
        read_interactions(tmp_path / "log.csv", {})
    with pytest.raises(DataError, match="comma, semicolon, tab or bar"):
        read_interactions(_write(tmp_path / "log.dat", "user::item\n1::2\n"), {})


def test_ids_of_features_may_have_another_name_than_those_of_interactions(tmp_path: Path) -> None:
    """`--column item=sku` names the log's column; the table's usual name is found all the same."""
    path = _write(tmp_path / "items.csv", "item_id,brand\n007,x\n")
    assert read_features(path, "item", "sku")["item"].to_list() == ["007"]
    both = _write(tmp_path / "both.csv", "isbn,item,brand\n007,b,x\n")
    with pytest.raises(DataError, match="'isbn' and 'item' both name the item"):
        read_features(both, "item", None)
