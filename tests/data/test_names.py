"""Names of files that belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbench.data.names import Name, in_order, label, pattern, suffix_of


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
