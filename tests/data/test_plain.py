"""Columns of numbers that are taken as they lie in a Parquet file."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from vbench.data.plain import read_plain
from vbench.data.tables import read_numbers

RNG = np.random.default_rng(0)
IDS = RNG.integers(-1, 1 << 30, (3000, 7)).astype(np.int32)
TIMES = RNG.integers(0, 1 << 40, (3000, 3))
RATIO = RNG.random(3000)
FRAME = pl.DataFrame(
    {
        "ids": pl.Series(IDS, dtype=pl.Array(pl.Int32, 7)),
        "times": pl.Series(TIMES, dtype=pl.Array(pl.Int64, 3)),
        "ratio": RATIO,
        "few": (np.arange(3000) % 5).astype(np.int32),
        "place": pl.Series(IDS.astype(np.uint32), dtype=pl.Array(pl.UInt32, 7)),
    }
)


@pytest.mark.parametrize("options", [{}, {"row_group_size": 700}, {"data_page_size": 1000}])
@pytest.mark.parametrize("compression", ["uncompressed", "zstd"])
def test_numbers_are_those_that_polars_reads(tmp_path, compression, options):
    """In one group of rows or several, one page or many; what is packed is left to polars."""
    path = tmp_path / "x.parquet"
    FRAME.write_parquet(path, compression=compression, **options)
    taken = read_plain(path, FRAME.columns)
    if compression == "zstd":
        assert not taken
    else:
        assert {"ids", "times"} <= taken.keys() <= {"ids", "times", "ratio"}
    for name, found in read_numbers(path, FRAME.columns).items():
        expected = FRAME[name].to_numpy()
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)


def test_what_is_no_whole_column_of_numbers_is_left(tmp_path):
    """Nulls, lists of several lengths, lists of lists, words and columns that are not there."""
    path = tmp_path / "x.parquet"
    pl.DataFrame(
        {
            "null": [1.5, None, 2.5, 3.25],
            "inside": [[1, 2], [3, None], [5, 6], [7, 8]],
            "uneven": [[1], [2, 3], [4, 5], []],
            "deep": [[[1.5, 2]]] * 4,
            "word": list("abcd"),
            "pair": [{"x": 1.5}] * 4,
        }
    ).write_parquet(path, compression="uncompressed")
    assert not read_plain(path, ["null", "inside", "uneven", "deep", "word", "pair", "other"])


def test_no_rows(tmp_path):
    """It is polars that says what an empty column is."""
    path = tmp_path / "x.parquet"
    FRAME.head(0).write_parquet(path, compression="uncompressed")
    assert not read_plain(path, FRAME.columns)
    assert read_numbers(path, ["ids"])["ids"].shape == (0, 7)


def test_a_damaged_file_is_refused(tmp_path):
    """Whatever byte of its header or footer is another, it is refused or left to polars."""
    path = tmp_path / "x.parquet"
    FRAME.write_parquet(path, compression="uncompressed")
    content = path.read_bytes()
    for at in [*range(4, 60), *range(len(content) - 300, len(content))]:
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        try:
            found = read_plain(path, ["ids"])
        except ValueError:
            continue
        assert all(each.nbytes <= len(content) for each in found.values())
