"""The ladder of queries of glove-50."""

from __future__ import annotations

import numpy as np
import polars as pl

from vbench.data import prepare_glove


def test_ladder_has_five_rungs_that_keep_apart(tmp_path, monkeypatch):
    """Held-out words are not in the base, each rung is what it says, and a seed repeats it."""
    for name, value in {"_FREQUENT": 400, "_NEXT": 600, "_RARE": 800, "_QUERIES": 20}.items():
        monkeypatch.setattr(prepare_glove, name, value)
    vectors = np.random.default_rng(0).standard_normal((1000, 6)).astype(np.float32)
    words = [f"w{number}" for number in range(1000)]
    np.save(tmp_path / "vectors.npy", vectors)
    pl.DataFrame({"index": words}).write_parquet(tmp_path / "words.parquet")
    files = {name: tmp_path / name for name in ("vectors.npy", "words.parquet")}
    made = []
    for again in ("one", "two"):
        (tmp_path / again).mkdir()
        prepare_glove.prepare(files, tmp_path / again)
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
