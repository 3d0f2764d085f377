"""Tables that lie in several files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.bench.journal import dataset_facts
from vbench.data import catalog
from vbench.data.fetch import fetch
from vbench.data.formats import read_array, read_contents
from vbench.data.parts import Name, in_order, label, pattern, suffix_of
from vbench.errors import DataError, VbenchError, VbenchWarning

BASE, QUERIES = gaussian_pair(120, 7, 6, seed=11)
UUID = "0b7c1e54-3c1e-4a2b-9d0e-8f6a1c2b3d4e"


def write(path: Path, rows: Any, **columns: Any) -> Path:
    """A part in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, rows)
    elif path.suffix == ".fbin":
        path.write_bytes(np.array(rows.shape, "<u4").tobytes() + rows.tobytes())
    elif path.suffix == ".fvecs":
        whole = np.empty(len(rows), [("d", "<i4"), ("x", "<f4", rows.shape[1])])
        whole["d"], whole["x"] = rows.shape[1], rows
        path.write_bytes(whole.tobytes())
    else:
        kind = {"emb": pl.List(pl.Float32)}
        frame = pl.DataFrame({"emb": rows.tolist(), **columns}, schema_overrides=kind)
        with path.open("wb") as stream:
            frame.write_parquet(stream)
    return path


def parts(folder: Path, name: str, count: int = 12, rows: Any = BASE) -> list[Path]:
    """Parts by a name in which `{}` stands for the number, `{n}` for how many there are."""
    pieces = np.array_split(rows, count)
    return [write(folder / name.format(i, n=count), piece) for i, piece in enumerate(pieces)]


NAMES = [
    "shuffle_train-{:02d}-of-{n:02d}.parquet",
    "train-{:05d}-of-{n:05d}-0123456789abcdef.parquet",
    f"part-{{:05d}}-{UUID}-c000.snappy.parquet",
    "part.{}.parquet",
    "base_{}.npy",
    "img_emb_{:04d}.npy",
    "base.{}.fbin",
    "base_{}.fvecs",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_parts(tmp_path: Path, name: str) -> None:
    """All parts are the base, part 10 after part 9, read as one mapped array."""
    parts(tmp_path / "set", name)
    data = vbench.load(tmp_path / "set", queries=QUERIES, metric="l2")
    np.testing.assert_array_equal(data.base, BASE)
    assert data.parts == 12
    assert dataset_facts(data).parts == 12
    assert read_contents(tmp_path / "set").parts == 12


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_of_parts(tmp_path: Path, name: str) -> None:
    """A pattern names parts; what comes before its first wildcard may be called anything."""
    folder = tmp_path / "a[1]*"
    found = parts(folder, name)
    suffix = found[0].suffix
    data = vbench.load(f"{folder}/*{suffix}", queries=QUERIES, metric="l2")
    np.testing.assert_array_equal(data.base, BASE)
    again = vbench.load(**data.source) if data.source else None
    assert again is None
    write(tmp_path / "q.npy", QUERIES)
    data = vbench.load(folder / f"*{suffix}", queries=tmp_path / "q.npy", metric="l2")
    assert vbench.load(**data.source).fingerprint == data.fingerprint


def test_parts_on_both_sides_and_of_the_ground_truth(tmp_path: Path) -> None:
    """Queries and ground truth may lie in parts too, in the folder's files or its folders."""
    ids = np.argsort(((QUERIES[:, None] - BASE) ** 2).sum(-1), axis=1)[:, :5].astype(np.int32)
    parts(tmp_path / "x" / "train", "train_{}.parquet", 3)
    parts(tmp_path / "x" / "test", "test_{}.parquet", 2, QUERIES)
    for number, piece in enumerate(np.array_split(ids, 2)):
        frame = pl.DataFrame({"neighbors": piece.tolist()})
        (tmp_path / "x" / "neighbors").mkdir(exist_ok=True)
        frame.write_parquet(tmp_path / "x" / "neighbors" / f"neighbors_{number}.parquet")
    data = vbench.load(tmp_path / "x", metric="l2")
    assert (data.n, data.m, data.parts) == (120, 7, 3)
    np.testing.assert_array_equal(data.queries, QUERIES)
    np.testing.assert_array_equal(data.given_ground_truth.ids, ids)  # type: ignore[union-attr]
    data = vbench.load(
        tmp_path / "x" / "train",
        queries=tmp_path / "x" / "test" / "*.parquet",
        ground_truth=tmp_path / "x" / "neighbors",
        metric="l2",
    )
    assert (data.n, data.m, data.given_ground_truth.depth) == (120, 7, 5)  # type: ignore[union-attr]


def test_folders_of_a_warehouse(tmp_path: Path) -> None:
    """`day=1/part-0.parquet` is read as a part; what tools keep for themselves is not."""
    for day, piece in enumerate(np.array_split(BASE, 3)):
        parts(tmp_path / "items.parquet" / f"day={day}", f"part-{{:05d}}-{UUID}.parquet", 2, piece)
    (tmp_path / "items.parquet" / "_SUCCESS").touch()
    (tmp_path / "items.parquet" / ".part-00000.parquet.crc").write_bytes(b"x")
    write(tmp_path / "items.parquet" / "_temporary" / "part-00000.parquet", BASE)
    data = vbench.load(tmp_path / "items.parquet", queries=QUERIES, metric="l2")
    np.testing.assert_array_equal(data.base, BASE)
    assert data.parts == 6


def test_vectordbbench_with_more_than_is_wanted(tmp_path: Path) -> None:
    """Of rows that are there twice, and of several files of neighbors, the plain ones are taken."""
    parts(tmp_path, "train-{:02d}-of-{n:02d}.parquet", 3)
    parts(tmp_path, "shuffle_train-{:02d}-of-{n:02d}.parquet", 3, BASE[::-1])
    write(tmp_path / "test.parquet", QUERIES)
    ids = np.argsort(((QUERIES[:, None] - BASE) ** 2).sum(-1), axis=1)[:, :5]
    for name in ("neighbors", "neighbors_head_1p", "neighbors_tail_1p"):
        wrong = ids if name == "neighbors" else ids[::-1]
        frame = pl.DataFrame({"neighbors_id": wrong.tolist()})
        frame.write_parquet(tmp_path / f"{name}.parquet")
    pl.DataFrame({"labels": ["a"]}).write_parquet(tmp_path / "scalar_labels.parquet")
    data = vbench.load(tmp_path, metric="l2")
    np.testing.assert_array_equal(data.base, BASE)
    np.testing.assert_array_equal(data.given_ground_truth.ids, ids)  # type: ignore[union-attr]


def test_own_layout_with_a_base_in_parts(tmp_path: Path) -> None:
    """A card says the metric, `items.parquet` is no base."""
    parts(tmp_path, "base_{}.npy", 3)
    write(tmp_path / "queries.npy", QUERIES)
    pl.DataFrame({"age": [1] * 7}).write_parquet(tmp_path / "queries.parquet")
    pl.DataFrame({"year": [1] * 120}).write_parquet(tmp_path / "items.parquet")
    (tmp_path / "dataset.toml").write_text('metric = "dot"\n')
    data = vbench.load(tmp_path)
    assert (data.n, data.m, data.metric, data.parts) == (120, 7, "ip", 3)


def refused(given: Path, **options: Any) -> str:
    with pytest.raises(VbenchError) as caught:
        vbench.load(given, **{"queries": QUERIES, "metric": "l2", **options})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_part_is_named(tmp_path: Path, name: str) -> None:
    """A folder or a pattern that lacks a part in the middle is refused."""
    parts(tmp_path / "set", name)[7].unlink()
    for given in (tmp_path / "set", tmp_path / "set" / "*"):
        assert "missing (part 7)" in refused(given)


@pytest.mark.parametrize("name", NAMES[:2])
def test_first_and_last_part_of_n(tmp_path: Path, name: str) -> None:
    """Where the names say how many there are, the ends are missed too."""
    found = parts(tmp_path / "set", name)
    found[0].unlink()
    found[11].unlink()
    assert "2 of 12 parts are missing (parts 0, 11)" in refused(tmp_path / "set")


def test_numbers_begin_at_0_or_1(tmp_path: Path) -> None:
    """A folder that begins later lacks its beginning; a pattern may mean it."""
    found = parts(tmp_path / "set", "base_{}.npy")
    found[0].unlink()
    assert vbench.load(tmp_path / "set", queries=QUERIES, metric="l2").n == 110
    found[1].unlink()
    assert "2 of the parts 0 to 11 are missing (parts 0, 1)" in refused(tmp_path / "set")
    assert vbench.load(tmp_path / "set/*.npy", queries=QUERIES, metric="l2").n == 100
    some = vbench.load(tmp_path / "set/base_[3-5].npy", queries=QUERIES, metric="l2")
    assert (some.n, some.name) == (30, "base")
    assert vbench.load(tmp_path / "set/*", queries=QUERIES, metric="l2").name == "set"


def test_a_job_that_is_done_may_leave_out_parts(tmp_path: Path) -> None:
    """Spark writes no file for parts without rows, and marks the folder as whole."""
    parts(tmp_path, f"part-{{:05d}}-{UUID}-c000.snappy.parquet")[7].unlink()
    (tmp_path / "_SUCCESS").touch()
    assert vbench.load(tmp_path, queries=QUERIES, metric="l2").n == 110


@pytest.mark.parametrize("name", NAMES[:2])
def test_one_part_of_n(tmp_path: Path, name: str) -> None:
    """It is no base: all are named by a pattern that works, and what is not there."""
    found = parts(tmp_path, name, 3)
    pattern = tmp_path / name.replace("{:05d}", "*").replace("{:02d}", "*").format(n=3)
    pattern = pattern.with_name(pattern.name.replace("{n:05d}", "00003").replace("{n:02d}", "03"))
    text = refused(found[1])
    assert text.startswith(f"{found[1]}: is one of 3 parts, the others lie beside it")
    assert f"'{pattern}'" in text
    assert vbench.load(pattern, queries=QUERIES, metric="l2").n == 120
    found[2].unlink()
    assert "part 2 not beside it" in refused(found[1])
    assert "1 of 3 parts is missing (part 2)" in refused(pattern)
    assert "is one of 3 parts" in refused(write(tmp_path / "x.npy", BASE), queries=found[1])


def test_one_numbered_file_taken_alone_is_warned_of(tmp_path: Path) -> None:
    """`base_0.npy` may be a set of its own, or a part."""
    found = parts(tmp_path, "base_{}.npy", 3)
    with pytest.warns(VbenchWarning, match=r"taken alone, one of 3 numbered files .*base_\*\.npy'"):
        assert vbench.load(found[0], queries=QUERIES, metric="l2").n == 40


def test_years_are_no_parts(tmp_path: Path) -> None:
    """Files whose numbers do not begin at 0 or 1 are sets of their own."""
    for year in (2021, 2022):
        write(tmp_path / f"emb_{year}.npy", BASE)
    assert vbench.load(tmp_path / "emb_2021.npy", queries=QUERIES, metric="l2").n == 120


def test_the_same_part_twice(tmp_path: Path) -> None:
    """Two spellings of one number are refused."""
    parts(tmp_path / "a", "base_{}.npy", 3)
    write(tmp_path / "a" / "base_01.npy", BASE)
    assert "base_01.npy and base_1.npy are the same part" in refused(tmp_path / "a")
    parts(tmp_path / "b", NAMES[1], 3)
    write(tmp_path / "b" / "train-00001-of-00003-fedcba9876543210.parquet", BASE)
    assert "are the same part" in refused(tmp_path / "b")
    parts(tmp_path / "c", NAMES[0], 3)
    parts(tmp_path / "c", NAMES[0], 4)
    assert "parts of different numbers of parts" in refused(tmp_path / "c")


def test_parts_that_do_not_fit(tmp_path: Path) -> None:
    """Another dimension, another type, an empty or damaged file: the part is named."""
    for folder, rows, words in (
        ("d", BASE[:, :5], "base_1.npy: rows of 5 numbers, those of"),
        ("t", BASE.astype(np.float16), "base_1.npy: holds float16"),
        ("c", BASE.astype(complex), "base_1.npy: holds complex128"),
        ("o", BASE[0], "base_1.npy: a table of vectors has two dimensions"),
    ):
        parts(tmp_path / folder, "base_{}.npy", 3)
        write(tmp_path / folder / "base_1.npy", rows)
        assert words in refused(tmp_path / folder)
    for name in ("base_{}.npy", "base_{}.parquet"):
        found = parts(tmp_path / "e", name, 3)
        found[1].write_bytes(found[1].read_bytes()[:-9])
        assert f"{found[1]}: not a whole" in refused(tmp_path / "e")
        found[1].write_bytes(b"")
        assert f"{found[1]}: is empty" in refused(tmp_path / "e")
        for path in found:
            path.unlink()
    parts(tmp_path / "f", "base_{}.npy", 2)
    parts(tmp_path / "f", "base_{}.fbin", 2)
    assert "name the table of base vectors base or train" in refused(tmp_path / "f")


def test_numbers_of_parts_that_float32_does_not_hold(tmp_path: Path) -> None:
    """File and row of the part are named."""
    parts(tmp_path, "base_{}.npy", 3, (BASE * 100).astype(np.int64))
    assert vbench.load(tmp_path, queries=QUERIES, metric="l2").base.dtype == np.float32
    write(tmp_path / "base_1.npy", np.full((40, 6), 2**30))
    assert "base_1.npy: row 0, column 0 is 1073741824: float32 holds" in refused(tmp_path)


def test_parts_without_rows(tmp_path: Path) -> None:
    """They are passed over."""
    parts(tmp_path, "part-{}.parquet", 3)
    write(tmp_path / "part-1.parquet", BASE[:0])
    assert vbench.load(tmp_path, queries=QUERIES, metric="l2").n == 80


def test_a_changed_part_is_read_anew(tmp_path: Path) -> None:
    """The converted array belongs to all parts, and not to the first alone."""
    found = parts(tmp_path, "base_{}.npy", 3)
    read_array(tmp_path)
    write(found[2], -BASE[80:])
    os.utime(found[2], ns=(1, 1))
    np.testing.assert_array_equal(read_array(tmp_path)[80:], -BASE[80:])


def test_several_tables_in_a_folder(tmp_path: Path) -> None:
    """Which of them is the base must be said, and how is told."""
    parts(tmp_path, "img_emb_{}.npy", 2)
    parts(tmp_path, "text_emb_{}.npy", 2)
    text = refused(tmp_path)
    assert f"'{tmp_path / 'img_emb_*.npy'}'" in text
    assert vbench.load(tmp_path / "img_emb_*.npy", queries=QUERIES, metric="l2").n == 120
    assert "holds files of several kinds" in refused(BASE, queries=tmp_path)


def test_paths_are_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that exists is that file, whatever wildcards are in its name."""
    monkeypatch.chdir(tmp_path)
    write(Path("b*.parquet"), BASE[:20])
    write(Path("bad.parquet"), BASE)
    write(Path("q[1].parquet"), QUERIES[:3])
    write(Path("q1.parquet"), QUERIES)
    data = vbench.load("b*.parquet", queries="q[1].parquet", metric="l2")
    assert (data.n, data.m, data.parts) == (20, 3, None)
    assert "nor does a file match it as a pattern" in refused(Path("c*.parquet"))
    with pytest.raises(DataError, match="no such file"):
        vbench.load("none.parquet")


def test_a_folder_of_nothing_but_data(tmp_path: Path) -> None:
    """Splits lie in one folder inside, as in repositories of datasets."""
    name = "{{}}-{:05d}-of-{n:05d}-0123456789abcdef.parquet"
    parts(tmp_path / "set" / "data", name.replace("{{}}", "train"), 3)
    parts(tmp_path / "set" / "data", name.replace("{{}}", "test"), 1, QUERIES)
    parts(tmp_path / "set" / "data", name.replace("{{}}", "validation"), 1, QUERIES)
    (tmp_path / "set" / "README.md").write_text("words")
    data = vbench.load(tmp_path / "set", metric="l2")
    assert (data.n, data.m, data.parts) == (120, 7, 3)


def test_a_card_of_several_base_files(tmp_path: Path) -> None:
    """Files of one role are one table, which may lack no part."""
    found = parts(tmp_path, "base_{}.npy", 3)
    write(tmp_path / "asked.npy", QUERIES)
    lines = ['metric = "l2"']
    for path in (*found, tmp_path / "asked.npy"):
        role = "queries" if path.name == "asked.npy" else "base"
        lines += ["[[files]]", f'urls = ["{path.as_uri()}"]', f'role = "{role}"']
    card = tmp_path / "card.toml"
    card.write_text("\n".join(lines))
    entry = catalog.find(card)
    fetch(entry)
    data = vbench.load(card)
    assert (data.n, data.m, data.parts) == (120, 7, 3)
    np.testing.assert_array_equal(data.base, BASE)


def test_vectordbbench_with_ids_in_another_order(tmp_path: Path) -> None:
    """Its `shuffle_train` holds the rows in any order, and `neighbors` their ids."""
    order = np.random.default_rng(1).permutation(120)
    for number, rows in enumerate(np.array_split(order, 3)):
        path = tmp_path / f"shuffle_train-{number:02d}-of-03.parquet"
        write(path, BASE[rows], id=rows)
    write(tmp_path / "test.parquet", QUERIES, id=np.arange(7))
    ids = np.argsort(((QUERIES[:, None] - BASE) ** 2).sum(-1), axis=1)[:, :5]
    frame = pl.DataFrame({"id": np.arange(7), "neighbors_id": ids.tolist()})
    frame.write_parquet(tmp_path / "neighbors.parquet")
    data = vbench.load(tmp_path, metric="l2")
    np.testing.assert_array_equal(order[data.given_ground_truth.ids], ids)  # type: ignore[union-attr]
    assert data.items is not None
    assert data.items["id"].to_list() == order.tolist()


def test_columns_of_folders_describe_the_rows(tmp_path: Path) -> None:
    """`country=DE` is a column of the rows that lie there."""
    for country, rows in (("DE", BASE[:50]), ("FR", BASE[50:])):
        write(tmp_path / f"country={country}" / "part-0.parquet", rows)
    data = vbench.load(tmp_path, queries=QUERIES, metric="l2")
    assert data.items is not None
    assert data.items["country"].to_list() == ["DE"] * 50 + ["FR"] * 70


def test_what_vbench_wrote_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs and converted files may lie in the folder of the vectors; links may lead back."""
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))
    parts(tmp_path, "img_emb_{}.npy", 3)
    (tmp_path / "loop").symlink_to(tmp_path)
    for _ in range(2):
        data = vbench.load(tmp_path, queries=QUERIES, metric="l2")
        assert data.parts == 3
        shutil.rmtree(tmp_path / "results", ignore_errors=True)
        vbench.run(data, "flat", k=3, builds=1, repeats=1, out=tmp_path / "results" / "run")


def test_days_are_no_numbers_of_parts(tmp_path: Path) -> None:
    """Files of days are one table, whichever days there are."""
    for day, rows in (("05", BASE[:50]), ("09", BASE[50:])):
        write(tmp_path / f"emb_2024-01-{day}.npy", rows)
    assert vbench.load(tmp_path, queries=QUERIES, metric="l2").n == 120
    assert vbench.load(tmp_path / "*.npy", queries=QUERIES, metric="l2").n == 120


@pytest.mark.parametrize("log", ["_delta_log", ".hoodie", "metadata"])
def test_tables_with_a_log_are_not_read_by_their_files(tmp_path: Path, log: str) -> None:
    """Files that were replaced lie beside those that count."""
    parts(tmp_path / "t", "part-{}.parquet", 3)
    (tmp_path / "t" / log).mkdir()
    (tmp_path / "t" / log / "v1.metadata.json").write_text("{}")
    for given in (tmp_path, tmp_path / "t"):
        assert "whose log says which of its files count" in refused(given)
    assert vbench.load(tmp_path / "t" / "*.parquet", queries=QUERIES, metric="l2").n == 120
    with pytest.warns(VbenchWarning, match="taken alone"):
        assert vbench.load(tmp_path / "t/part-0.parquet", queries=QUERIES, metric="l2").n == 40


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("shuffle_train-03-of-10.parquet", "shuffle_train"),
        ("train-00000-of-00005-0123456789abcdef.parquet", "train"),
        ("img_emb_0000.npy", "img_emb"),
        ("part-00000-0b7c1e54-3c1e-4a2b-9d0e-8f6a1c2b3d4e-c000.snappy.parquet", "part"),
        ("part.0.parquet", "part"),
        ("base.1B.fbin.crop_nb_1000", "base.1B"),
        ("sift1M_base.fvecs", "sift1M_base"),
        ("base", "base"),
        ("emb_2024-01-05.npy", "emb"),
        ("emb-20240105T101500.npy", "emb"),
    ],
)
def test_what_a_name_says(name: str, wanted: str) -> None:
    """Numbers, suffixes and what a job adds are no part of it."""
    assert label(Path(name)) == wanted


def test_parts_of_one_table_have_the_same_words() -> None:
    """Numbers and the marks of jobs are taken out; `0-of-3` says how many there are."""
    one = Name.of(Path("train-00000-of-00005-0123456789abcdef.parquet"))
    other = Name.of(Path("train-00004-of-00005-fedcba9876543210.parquet"))
    assert one.words == other.words == "train-#-of-#-*.parquet"
    assert (one.part, other.part, other.total) == (0, 4, 5)
    assert Name.of(Path("x.u8bin")).numbers == ()


def test_order_and_pattern() -> None:
    """Part 10 comes after part 9, and one pattern names them all."""
    paths = [Path("a b", f"part-{number}.npy") for number in (10, 9, 1)]
    assert [path.name for path in in_order(paths)] == ["part-1.npy", "part-9.npy", "part-10.npy"]
    assert pattern(paths) == Path("a b", "part-*.npy")
    assert pattern(paths[:1]) == paths[0]


def test_suffix_of_a_slice() -> None:
    """A slice of big-ann keeps the suffix before its own."""
    assert suffix_of(Path("base.1B.U8bin.crop_nb_1000")) == ".u8bin"
