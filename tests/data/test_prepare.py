"""Datasets that are made of others' files: the senses of WordNet, the ladder of GloVe."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import vbench
from vbench.data import prepare
from vbench.data.prepare import read_senses, write_senses
from vbench.errors import DataError
from vbench.ranking.judgments import read_judgments

_LINES = {
    "noun": [
        "  1 This software and database is being provided to you",
        '00001740 03 n 01 entity 0 000 | that which exists; "what an entity"; "it is"',
        "00001930 03 n 01 physical_thing 0 000 | a thing without a sentence",
    ],
    "verb": ['00001741 29 v 01 breathe 0 000 01 + 02 00 | draw air; "he breathed"'],
    "adj": ['00001742 00 a 01 able 0 000 | having the means; "it is"'],
    "adv": ["00001743 02 r 01 a_priori 0 000 | from before"],
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The four data files, in a folder of the archive."""
    path = tmp_path / "wordnet.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for part, lines in _LINES.items():
            content = ("\n".join(lines) + "\n").encode()
            info = tarfile.TarInfo(f"dict/data.{part}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def counted(texts: Sequence[str]) -> np.ndarray:
    """Vectors that tell texts apart without a model."""
    rows = [[len(text), text.count("e"), text.count(" ") + 1] for text in texts]
    return np.array(rows, dtype=np.float32)


def test_senses_with_a_sentence_are_read(archive: Path) -> None:
    """Their gloss without the sentences, their first word with spaces; license and others not."""
    senses = read_senses(archive)
    assert [sense.word for sense in senses] == ["entity", "breathe", "able"]
    assert senses[0].gloss == "that which exists"
    assert senses[0].sentences == ("what an entity", "it is")
    assert [sense.part for sense in senses] == ["noun", "verb", "adj"]


def test_a_sentence_asks_for_its_own_gloss(archive: Path, tmp_path: Path) -> None:
    """And for every sense it stands under; the dataset opens, and its judgments fit."""
    folder = tmp_path / "wordnet"
    folder.mkdir()
    write_senses(read_senses(archive), counted, folder)
    (folder / "dataset.toml").write_text('metric = "cosine"\n')
    dataset = vbench.load(folder)
    assert (dataset.n, dataset.m) == (3, 4)
    known = read_judgments(dataset)
    sentences = pl.read_parquet(folder / "queries.parquet")["sentence"].to_list()
    asked = {(sentences[query], item) for query, item in zip(known.query, known.item, strict=True)}
    assert asked == {("what an entity", 0), ("it is", 0), ("it is", 2), ("he breathed", 1)}


def test_an_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    """It says which file, and what to do."""
    path = tmp_path / "wordnet.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="not WordNet's data files"):
        read_senses(path)


def test_ladder_has_five_rungs_that_keep_apart(tmp_path, monkeypatch):
    """Words that are asked are not in the base, nor in that of all words; a seed repeats it."""
    for name, value in {"_FREQUENT": 400, "_NEXT": 600, "_RARE": 800, "_RUNG_QUERIES": 20}.items():
        monkeypatch.setattr(prepare, name, value)
    vectors = np.random.default_rng(0).standard_normal((1000, 6)).astype(np.float32)
    words = [f"w{number}" for number in range(1000)]
    np.save(tmp_path / "vectors.npy", vectors)
    pl.DataFrame({"index": words}).write_parquet(tmp_path / "words.parquet")
    files = {name: tmp_path / name for name in ("vectors.npy", "words.parquet")}
    made = []
    for again in ("one", "two"):
        (tmp_path / again).mkdir()
        prepare.prepare_glove(files, tmp_path / again)
        made.append((tmp_path / again / "queries.npy").read_bytes())
    assert made[0] == made[1]

    base, queries = (
        np.load(tmp_path / "one" / "base.npy"),
        np.load(tmp_path / "one" / "queries.npy"),
    )
    items = pl.read_parquet(tmp_path / "one" / "items.parquet")
    asked = pl.read_parquet(tmp_path / "one" / "queries.parquet")
    assert base.shape == (380, 6)
    assert queries.shape == (100, 6)
    assert queries.dtype == np.float32
    np.testing.assert_array_equal(base, vectors[items["rank"].to_numpy()])
    assert asked["ladder"].unique(maintain_order=True).to_list() == [
        "1 held-out",
        "2 next",
        "3 mean",
        "4 analogy",
        "5 rare",
    ]
    assert not set(items["word"]) & set(asked["words"])
    number = {word: place for place, word in enumerate(words)}
    mean = [number[word] for word in asked["words"][45].split(" + ")]
    np.testing.assert_allclose(queries[45], vectors[mean].mean(axis=0))
    first, rest = asked["words"][70].split(" − ")
    second, third = rest.split(" + ")
    a, b, c = (vectors[number[word]] for word in (first, second, third))
    np.testing.assert_allclose(queries[70], a - b + c)
    assert all(800 <= number[word] < 1000 for word in asked["words"][80:])
    (tmp_path / "all").mkdir()
    prepare.prepare_all_glove(files, tmp_path / "all")
    assert (tmp_path / "all" / "queries.npy").read_bytes() == made[0]
    every = pl.read_parquet(tmp_path / "all" / "items.parquet")
    assert set(every["word"]) == set(words) - set(asked["words"])
    np.testing.assert_array_equal(
        np.load(tmp_path / "all" / "base.npy"), vectors[every["rank"].to_numpy()]
    )
