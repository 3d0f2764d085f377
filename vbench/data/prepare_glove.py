"""Makes `glove-50` of the GloVe vectors: a base, and a ladder of ever stranger queries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from vbench.data.tables import read_parquet

_FREQUENT = 101_000
_NEXT = 150_000
_RARE = 350_000
_QUERIES = 1_000
_SEED = 2014


def prepare(files: Mapping[str, Path], folder: Path) -> None:
    """Write base, queries, segments and items into `folder`.

    Parameters
    ----------
    files
        `vectors.npy` (400,000, 50) float32, words by falling frequency, and `words.parquet`.
    """
    vectors = np.load(files["vectors.npy"], mmap_mode="r", allow_pickle=False)
    words = read_parquet(files["words.parquet"])["index"].to_numpy()
    random = np.random.default_rng(_SEED)

    held_out = np.sort(random.choice(_FREQUENT, _QUERIES, replace=False))
    base = np.setdiff1d(np.arange(_FREQUENT), held_out)
    following = np.sort(random.choice(np.arange(_FREQUENT, _NEXT), _QUERIES, replace=False))
    pairs = np.array([random.choice(base, 2, replace=False) for _ in range(_QUERIES)])
    triples = np.array([random.choice(base, 3, replace=False) for _ in range(_QUERIES)])
    rare = np.sort(random.choice(np.arange(_RARE, len(vectors)), _QUERIES, replace=False))

    a, b, c = (vectors[triples[:, place]] for place in range(3))
    rungs = {
        "1 held-out": (vectors[held_out], words[held_out]),
        "2 next": (vectors[following], words[following]),
        "3 mean": (vectors[pairs].mean(axis=1), [" + ".join(words[pair]) for pair in pairs]),
        "4 analogy": (a - b + c, [f"{words[i]} − {words[j]} + {words[k]}" for i, j, k in triples]),
        "5 rare": (vectors[rare], words[rare]),
    }
    np.save(folder / "base.npy", vectors[base])
    np.save(folder / "queries.npy", np.vstack([vectors for vectors, _ in rungs.values()]))
    pl.DataFrame(
        {
            "ladder": np.repeat(list(rungs), _QUERIES),
            "words": np.concatenate([np.asarray(names) for _, names in rungs.values()]),
        }
    ).write_parquet(folder / "queries.parquet")
    pl.DataFrame({"word": words[base], "rank": base}).write_parquet(folder / "items.parquet")
