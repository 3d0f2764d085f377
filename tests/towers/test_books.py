"""The files of BookCrossing, with the oddities that they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbench.errors import DataError
from vbench.towers.books import BOOKS, RATINGS, USERS, read_bookcrossing


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
    assert interactions.rows() == [("7", "01X"), ("8", "02")]
    assert items["title"].to_list() == ['The "Big"; one', "Two"]
    assert items["author"][0] == "José"
    assert items["year"].to_list() == [None, 1999]
    assert users["age"].to_list() == [18, None]


def test_a_row_of_another_length_is_named(tmp_path: Path) -> None:
    """File, row and number of columns are in the message."""
    with pytest.raises(DataError, match=r"BX-Books\.csv: row 2 has 2 columns, not 8"):
        read_bookcrossing(_files(tmp_path, '"01X";"short"\r\n'))
