"""Sentences and glosses of WordNet, as a dataset with judgments."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import vbench
from vbench.data.prepare_wordnet import read_senses, write
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
    write(read_senses(archive), counted, folder)
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
