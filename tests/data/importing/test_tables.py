"""Tables of every format read alike, whole or in parts, and ids stay what they are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from exports import draw_exports

from vbench.data.formats import read_contents
from vbench.data.importing import tables
from vbench.errors import DataError


def save(frame, path):
    """Write a frame in the format of the suffix; lists as text where that has none."""
    texts = [
        pl.format(
            "[{}]", pl.col(name).list.eval(pl.element().cast(pl.String)).list.join(", ")
        ).alias(name)
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.List)
    ]
    kind = tables.kind_of(path)
    if kind in (".csv", ".tsv"):
        separator = "\t" if kind == ".tsv" else ","
        frame.with_columns(texts).write_csv(path, separator=separator)
    elif kind == ".parquet":
        frame.write_parquet(path)
    elif kind == ".jsonl":
        frame.write_ndjson(path)
    elif path.name.startswith("stream"):
        frame.write_ipc_stream(path)
    else:
        frame.write_ipc(path)


FILES = ["t.parquet", "t.csv", "t.tsv", "t.arrow", "stream.arrow", "t.feather", "t.jsonl"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("parts", [1, 3])
def test_every_format_gives_the_same_vectors_and_ids(tmp_path, name, parts):
    """Of one file and of a folder of parts."""
    made = draw_exports()
    path = tmp_path / name
    if parts > 1:
        path = tmp_path / "table"
        path.mkdir()
        size = made.items.height // parts
        for part in range(parts):
            file = path / f"{name.partition('.')[0]}-{part:03d}.{name.partition('.')[2]}"
            save(made.items[part * size : (part + 1) * size], file)
    else:
        save(made.items, path)
    written = tables.write_parquet(path, tmp_path / "out.parquet")
    found = read_contents(written)
    assert found.base.dtype == np.float32
    assert np.array_equal(found.base, made.vectors[0])
    assert found.table["item_id"].to_list() == made.items["item_id"].to_list()


@pytest.mark.parametrize(
    ("values", "kept"),
    [(["7", "12"], [7, 12]), (["0042", "7"], ["0042", "7"]), (["7", "x"], ["7", "x"])],
)
def test_ids_in_text_stay_what_they_say(tmp_path, values, kept):
    """0042 is not 42; plain whole numbers are numbers."""
    (tmp_path / "t.csv").write_text("user_id,age\n" + "".join(f"{v},3\n" for v in values))
    assert tables.read(tmp_path / "t.csv")["user_id"].to_list() == kept


def test_a_key_by_another_name_is_kept_too(tmp_path):
    """A column that the caller joins by is compared as text, whatever it is called."""
    (tmp_path / "t.csv").write_text("who\n0042\n")
    assert tables.read(tmp_path / "t.csv")["who"].to_list() == [42]
    assert tables.read(tmp_path / "t.csv", keys=["who"])["who"].to_list() == ["0042"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds no files"),
        ({"a.csv": "x\n1\n", "b.parquet": ""}, "several formats"),
        ({"a.xlsx": "x"}, "a table is read from"),
        ({"a.parquet": "PAR1xx"}, "cannot be read"),
        ({"a.csv": "x,y\n1\n1,2,3\n"}, "cannot be read"),
        ({"a-0.csv": "x\n1\n", "a-2.csv": "x\n1\n"}, "missing"),
    ],
)
def test_folders_that_are_no_table(tmp_path, content, message):
    """What is wrong with a folder is said of it by name."""
    folder = tmp_path / "table"
    folder.mkdir()
    for name, text in content.items():
        (folder / name).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        tables.read(folder)
    assert str(folder) in str(caught.value)
