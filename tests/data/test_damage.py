"""Damaged files of every format: refused in a line that names them, or still of use."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data.convert import convert, write_ground_truth
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import VbenchError

Opens = Callable[[Path], vbench.Dataset]
_LONGEST_MESSAGE = 1000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small dataset in every format."""
    folder = tmp_path_factory.mktemp("whole")
    base, queries = gaussian_pair(60, 7, 6)
    kinds = pl.DataFrame({"kind": list("aabbcca")})
    items = pl.DataFrame({"size": range(60)})
    data = vbench.load(base, queries=queries, metric="l2", segments=kinds, items=items)
    found = compute_ground_truth(data, 5, cache=False)
    for name in ("a.hdf5", "a.fbin", "a.fvecs", "a.parquet", "folder"):
        convert(data, folder / name, ground_truth=found)
    with h5py.File(folder / "packed.hdf5", "w") as file:
        file.attrs["distance"] = "euclidean"
        file.create_dataset("train", data=base, compression="gzip", chunks=(20, 6), shuffle=True)
        file.create_dataset("test", data=queries, compression="lzf")
        file["neighbors"] = found.ids
    np.savez_compressed(folder / "a.npz", train=base, test=queries, neighbors=found.ids)
    np.save(folder / "base.npy", base.astype(np.float64))
    np.save(folder / "queries.npy", queries)
    kinds.write_csv(folder / "kinds.csv")
    kinds.write_parquet(folder / "kinds.parquet")
    write_ground_truth(found, folder / "found.npz")
    write_ground_truth(found, folder / "found.ivecs")
    (folder / "card.toml").write_text(
        'metric = "l2"\n[[files]]\nurls = ["https://example.org/d.hdf5"]\n[variants.x]\nm = 1\n'
    )
    return folder


def _openers() -> Iterator[tuple[str, Opens]]:
    """Each file that is damaged, and how it is opened."""

    def of(name: str, **more: Any) -> Opens:
        paths = ("queries", "segments", "ground_truth")
        return lambda folder: vbench.load(
            folder / name,
            **{key: folder / value if key in paths else value for key, value in more.items()},
        )

    for name in ("a.hdf5", "packed.hdf5", "a.npz", "base.npy", "a_base.fbin", "a_base.fvecs"):
        yield name, of(name, metric="l2")
    for name in ("a_query.fbin", "a_groundtruth.ibin"):
        yield name, of("a_base.fbin", metric="l2")
    yield "a_groundtruth.ivecs", of("a_base.fvecs", metric="l2")
    tables = {"queries": "a_test.parquet", "ground_truth": "a_neighbors.parquet", "metric": "l2"}
    for name in ("a_train.parquet", "a_test.parquet", "a_neighbors.parquet"):
        yield name, of("a_train.parquet", **tables)
    for name in ("kinds.csv", "kinds.parquet"):
        yield name, of("base.npy", metric="l2", segments=name)
    for name in ("found.npz", "found.ivecs"):
        yield name, of("base.npy", metric="l2", ground_truth=name)
    yield "card.toml", of("card.toml")
    for name in ("base.npy", "queries.npy", "queries.parquet", "items.parquet", "dataset.toml"):
        yield f"folder/{name}", of("folder")


def _damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut short, a bit flipped (often in the head or the end), bytes changed or put in between."""
    at = rng.randrange(len(content))
    match rng.randrange(6):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + rng.randbytes(rng.randrange(1, 9)) + content[at:]
        case 2:
            return content[:at] + rng.randbytes(8) + content[at + 8 :]
        case 3:
            at = rng.randrange(min(len(content), 200))
        case 4:
            at = len(content) - 1 - rng.randrange(min(len(content), 300))
    flipped = bytearray(content)
    flipped[at] ^= 1 << rng.randrange(8)
    return bytes(flipped)


@pytest.mark.parametrize(
    "times", [5, pytest.param(150, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize(
    ("name", "opens"), [pytest.param(*each, id=each[0]) for each in _openers()]
)
@pytest.mark.filterwarnings("ignore")
def test_damage_is_a_line(whole: Path, name: str, opens: Opens, times: int) -> None:
    """Whatever the damage: no error of another kind, and a message of one line."""
    rng = random.Random(name)
    path = whole / name
    content = path.read_bytes()
    messages = []
    try:
        for _ in range(times):
            path.write_bytes(_damaged(content, rng))
            try:
                _ = opens(whole).fingerprint
            except VbenchError as error:
                messages.append(str(error))
    finally:
        path.write_bytes(content)
    assert not [text for text in messages if "\n" in text or len(text) > _LONGEST_MESSAGE]


def test_depth_of_nesting(tmp_path: Path) -> None:
    """A card of thousands of brackets is damaged."""
    (tmp_path / "x.toml").write_text("a = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(VbenchError, match=r"x.toml: not valid TOML"):
        vbench.load(tmp_path / "x.toml")
