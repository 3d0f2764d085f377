"""Parquet files whose counts and sizes cannot be true."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from vbench.data import pages, tables
from vbench.data.pages import check_memory, check_pages

FRAME = pl.DataFrame(
    {
        "ids": pl.Series(
            np.random.default_rng(0).integers(0, 999, (300, 10)), dtype=pl.Array(pl.Int32, 10)
        ),
        "lists": [[1.5] * (n % 4) for n in range(300)],
        "word": [None if n % 7 == 0 else "abc"[n % 3] for n in range(300)],
        "flag": [n % 2 == 0 for n in range(300)],
        "ratio": np.random.default_rng(0).random(300),
    }
)


def _flipped(path: Path, content: bytes, bits: range) -> list[str]:
    """What is said of the file with each of these bits changed."""
    said = []
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            check_pages(path)
        except ValueError as error:
            said.append(str(error))
    return said


@pytest.mark.parametrize("compression", ["zstd", "snappy", "uncompressed", "gzip", "lz4"])
@pytest.mark.parametrize("rows", [0, 1, 300])
def test_what_polars_writes_is_right(tmp_path, compression, rows):
    """Several groups of rows and pages, dictionaries, nulls, lists and no rows at all."""
    path = tmp_path / "x.parquet"
    FRAME.head(rows).write_parquet(
        path, compression=compression, row_group_size=128, data_page_size=256
    )
    values = check_pages(path)
    assert values.get("ratio", 0) == rows
    assert values.get("ids", 0) == 10 * rows
    assert tables.read_parquet(path).equals(FRAME.head(rows))


def test_a_count_that_would_abort_the_process(tmp_path):
    """A negative number of values in the head of a page: polars would reserve 2⁶¹ bytes."""
    path = tmp_path / "x.parquet"
    pl.DataFrame({"kind": list("aabbcca")}).write_parquet(path)
    content = path.read_bytes()
    said = _flipped(path, content, range(8 * 4, 8 * 100))
    assert any("values" in text and "page of" in text for text in said)
    assert not [text for text in said if "\n" in text]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 4, b"PAR1" + b"\xff" * 40 + b"PAR1"])
def test_what_is_no_parquet(tmp_path, content):
    """It is told as polars tells it."""
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(pl.exceptions.ComputeError, match=r"PAR1|footer"):
        tables.read_parquet(path)


def test_more_than_memory_holds(tmp_path, monkeypatch):
    """A small file may declare more rows than there is memory; of other columns none is read."""
    path = tmp_path / "x.parquet"
    pl.DataFrame({"one": [1] * 100_000, "two": [2] * 100_000}).write_parquet(path)
    monkeypatch.setattr(pages, "_HARMLESS_BYTES", 0)
    memory = SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=1_000_000))
    monkeypatch.setattr(pages, "psutil", memory)
    check_memory(path, ["one"])
    with pytest.raises(pl.exceptions.ComputeError, match=r"200,000 values.* 1,600,000 bytes"):
        tables.read_parquet(path)


def test_a_changed_file_is_looked_at_again(tmp_path):
    """What was right before may be damaged now."""
    path = tmp_path / "x.parquet"
    FRAME.write_parquet(path)
    check_pages(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="begin and end with PAR1"):
        check_pages(path)
