"""The files of BookCrossing, with the oddities that they have."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import vbench
from vbench.errors import DataError
from vbench.towers.books import BOOKS, RATINGS, USERS, add_tables, read_bookcrossing


def _files(folder: Path, books: str) -> dict[str, Path]:
    texts = {
        RATINGS: '"User-ID";"ISBN";"Rating"\r\n"7";"01X";"0"\r\n"8";"02";"9"\r\n"8";"99";"5"\r\n',
        BOOKS: '"ISBN";"Title";"Author";"Year";"Publisher";"S";"M";"L"\r\n' + books,
        USERS: '"User-ID";"Location";"Age"\r\n"7";"porto, portugal";"18"\r\n"8";"ulm";NULL\r\n',
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("latin-1"))
    return {name: folder / name for name in texts}


def test_escapes_latin_1_and_impossible_years(tmp_path: Path) -> None:
    r"""`\"` is a quote, bytes are Latin-1, years and ages that cannot be are unknown."""
    books = (
        '"01X";"The \\"Big\\"; one";"Jos\u00e9";"0";"P";"s";"m";"l"\r\n'
        '"02";"Two";"B";"1999";"Q";"s";"m";"l"\r\n'
    )
    interactions, users, items = read_bookcrossing(_files(tmp_path, books))
    assert interactions.rows() == [("7", "01X", None), ("8", "02", 9.0)]
    assert items["title"].to_list() == ['The "Big"; one', "Two"]
    assert items["author"][0] == "José"
    assert items["year"].to_list() == [None, 1999]
    assert users["age"].to_list() == [18, None]


def test_a_row_of_another_length_is_named(tmp_path: Path) -> None:
    """File, row and number of columns are in the message."""
    with pytest.raises(DataError, match=r"BX-Books\.csv: row 2 has 2 columns, not 8"):
        read_bookcrossing(_files(tmp_path, '"01X";"short"\r\n'))


def test_what_readers_had_already_is_what_was_not_held_out(tmp_path: Path) -> None:
    """Interactions of the dataset's readers and books alone, each once; names become numbers."""
    data = vbench.load("books")
    reader, book = data.query_ids, data.item_ids
    held = data.relevance.rows()
    first = {item for query, item in held if query == 0}
    had = [place for place in range(5) if place not in first]
    pairs = [(reader[query], book[item]) for query, item in held]
    pairs += [(reader[0], book[place]) for place in [*had, had[0]]]
    pairs += [("nobody", book[0]), (reader[0], "no book")]
    # A held-out book as a query is nobody's reader, whatever its id.
    pairs.append((reader[data.m - 1], book[1]))
    lines = "".join(f'"{user}";"{item}";"5"\r\n' for user, item in pairs)
    (tmp_path / RATINGS).write_bytes(('"User-ID";"ISBN";"Rating"\r\n' + lines).encode("latin-1"))
    row = '"{}";"T";"{}";"{}";"{}";"s";"m";"l"\r\n'
    books = [
        row.format(book[3], "J.K. Rowling", 1999, "Q"),
        row.format(book[7], "J. K. ROWLING", 0, "R"),
        row.format(book[9], "Another", 2001, ""),
    ]
    header = '"ISBN";"Title";"Author";"Year";"Publisher";"S";"M";"L"\r\n'
    (tmp_path / BOOKS).write_bytes((header + "".join(books)).encode("latin-1"))
    made = tmp_path / "made"
    made.mkdir()
    files = {name: tmp_path / name for name in (RATINGS, BOOKS)}
    add_tables(files, made)
    found = pl.read_parquet(made / "interactions.parquet")
    assert found.rows() == [(reader[0], book[place]) for place in had]
    items = pl.read_parquet(made / "items.parquet")
    assert items["id"].equals(book)
    assert items[[3, 7, 9, 0]].select("year", "author", "publisher").rows() == [
        (1999, 0, 0),
        (None, 0, 1),
        (2001, 1, None),
        (None, None, None),
    ]
    (tmp_path / RATINGS).write_bytes(b'"User-ID";"ISBN";"Rating"\r\n')
    with pytest.raises(DataError, match="not all held-out books"):
        add_tables(files, made)
