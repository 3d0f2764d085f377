"""Tables by path."""

from __future__ import annotations

import os

import polars as pl
import pytest

from vbench.data import tables
from vbench.data.tables import unprinted_panics


@pytest.mark.parametrize("name", ["a[1]", "b*", "c?", "year=2020", "plain"])
def test_a_path_is_no_pattern(tmp_path, name):
    """Whatever signs a path has, it names one file; a folder's name makes no column."""
    folder = tmp_path / name
    folder.mkdir()
    frame = pl.DataFrame({"x": [1, 2]})
    for file in (f"{name}.parquet", "b1.parquet", "cc.parquet"):
        with (folder / file).open("wb") as stream:
            frame.write_parquet(stream, metadata={"vbench": file})
        (folder / file).with_suffix(".csv").write_text("x\n1\n2\n")
    path = folder / f"{name}.parquet"
    assert tables.read_parquet(path).equals(frame)
    assert tables.read_parquet(path, ("x",)).equals(frame)
    assert tables.scan_parquet(path).collect().equals(frame)
    assert tables.parquet_schema(path) == {"x": pl.Int64}
    assert tables.parquet_metadata(path)["vbench"] == path.name
    assert tables.read_csv(path.with_suffix(".csv")).equals(frame)


def test_damage_is_told_by_the_exception_alone(tmp_path, capfd):
    """Polars' threads print nothing; what is printed beside them is kept."""
    path = tmp_path / "x.parquet"
    pl.DataFrame({"x": [1, None, 3] * 50, "y": [[1.5]] * 150}).write_parquet(path)
    content = path.read_bytes()
    refused = 0
    for place in range(4, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 16
        path.write_bytes(damaged)
        try:
            tables.parquet_schema(path)
            tables.read_parquet(path)
            tables.collect(tables.scan_parquet(path))
        except BaseException:
            refused += 1
    assert refused > 20
    assert capfd.readouterr().err == ""


def panicking() -> None:
    with unprinted_panics():
        os.write(2, b"thread panicked")
        raise ValueError("damaged")


def test_what_is_printed_before_an_error_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    """And what is printed where nothing is wrong comes out."""
    with pytest.raises(ValueError, match="damaged"):
        panicking()
    with unprinted_panics(), unprinted_panics():
        os.write(2, b"as usual")
    assert capfd.readouterr().err == "as usual"
