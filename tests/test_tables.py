"""Rows of documents for other programs: frames, CSV and LaTeX say what the document says."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import polars as pl
import pytest

from vbench import _tables
from vbench._document import Document, Interval
from vbench._tables import Cell
from vbench.errors import UnknownNameError


class View(msgspec.Struct):
    filter: str
    masks: list[int]


class Row(msgspec.Struct):
    index: str
    params: dict[str, object]
    measures: dict[str, Interval]
    view: View | None = None
    parts: tuple[Interval, ...] = ()
    code: str = "for programs"


class Result(Document, tag="vbench.tables/1"):
    settings: tuple[Row, ...]
    warnings: tuple[Interval, ...] = ()


RESULT = Result(
    settings=(
        Row("hnsw", {"ef": 16}, {"Recall@10": Interval(0.5, 0.25, 0.75), "QPS": Interval(12345.6)}),
        Row("ivf_50%", {"nprobe": 2}, {"Recall@10": Interval(0.9)}, View("popularity < 20", [1])),
    )
)


def test_a_frame_has_a_column_for_each_value_and_end() -> None:
    """Mappings by their keys, structs by both names; lists are tables of their own."""
    frame = RESULT.to_polars()
    assert frame.to_dicts() == [
        {
            "index": "hnsw",
            "ef": 16,
            "Recall@10": 0.5,
            "Recall@10 low": 0.25,
            "Recall@10 high": 0.75,
            "QPS": 12345.6,
            "nprobe": None,
            "view filter": None,
        },
        {
            "index": "ivf_50%",
            "ef": None,
            "Recall@10": 0.9,
            "Recall@10 low": None,
            "Recall@10 high": None,
            "QPS": None,
            "nprobe": 2,
            "view filter": "popularity < 20",
        },
    ]


def test_pandas_gets_the_same() -> None:
    """Without Arrow."""
    pytest.importorskip("pandas")
    frame = RESULT.to_pandas(columns=["index", "Recall@10"])
    assert list(frame.columns) == ["index", "Recall@10", "Recall@10 low", "Recall@10 high"]
    assert frame["Recall@10"].tolist() == [0.5, 0.9]
    assert math.isnan(frame["Recall@10 low"][1])


def test_latex_is_a_table_of_booktabs() -> None:
    """Numbers with their intervals, three decimals; names escaped; what is missing is a dash."""
    text = RESULT.to_latex(columns=["index", "Recall@10", "QPS"])
    assert text.splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"index & Recall@10 & QPS \\",
        r"\midrule",
        r"hnsw & 0.500 [0.250, 0.750] & 12,346 \\",
        r"ivf\_50\% & 0.900 & -- \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Cell(None), "--"),
        (Cell(math.nan), "--"),
        (0.1234, "0.123"),
        (41.256, "41.26"),
        (2.5e-5, r"$2.50\cdot 10^{-5}$"),
        (7, "7"),
        (True, "True"),
        (r"a\b~R-δ", r"a\textbackslash{}b\textasciitilde{}R-$\delta$"),
    ],
)
def test_cells_of_latex(value: object, text: str) -> None:
    """Digits that mean something, and no letter that LaTeX would take for a command."""
    assert f" {text} \\\\" in " " + _tables.to_latex([{"x": value}], ["x"]).splitlines()[4]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".tex"])
def test_files_by_their_suffix(tmp_path: Path, suffix: str) -> None:
    """What is read back is what was written."""
    path = tmp_path / f"table{suffix}"
    _tables.write_table(RESULT.records(), path, ["index", "Recall@10"])
    wanted = RESULT.to_polars(columns=["index", "Recall@10"])
    if suffix == ".tex":
        assert path.read_text() == RESULT.to_latex(columns=["index", "Recall@10"])
    else:
        found = pl.read_csv(path) if suffix == ".csv" else pl.read_parquet(path)
        assert found.equals(wanted)


def test_what_is_not_there_is_named() -> None:
    """A wrong table or column is refused with those that there are."""
    with pytest.raises(UnknownNameError, match=r"table 'setting'.*settings"):
        RESULT.to_polars("setting")
    with pytest.raises(UnknownNameError, match=r"column 'Recall'.*Recall@10"):
        RESULT.to_latex(columns=["Recall"])
