"""Made vectors of any number: clusters, and queries of which a part is out of their distribution.

For machines without a network, and for sizes of which nothing is published. A base vector is the
center of its cluster and an offset of low rank; clusters are of unlike size and width. Half of the
queries are drawn like base vectors. The others lie between two clusters, off to one side, and vary
in other directions, as vectors of one tower do among those of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._arguments import check_choice
from vbench._invocation import spell_option
from vbench._locks import hold_lock
from vbench.data.arrays import write_npy
from vbench.data.card import write_card
from vbench.data.files import check_free, whole_file, whole_folder
from vbench.errors import VbenchError
from vbench.metric import Metric

Kind = Literal["float32", "float16", "int8", "uint8"]
KINDS = ("float16", "float32", "int8", "uint8")
Vectors = NDArray[Any]

BLOCK = 1 << 16
"""Rows that are drawn together, each block by its number: a shorter base begins a longer one."""
_CLUSTERS = 2_000
_SHAPES = 64
_RANK = 20
_ASIDE = 0.6
_STEP = {"int8": 24.0, "uint8": 24.0}
_MIDDLE = {"uint8": 128.0}
_SHAPE, _BASE, _LIKE, _UNLIKE = range(4)


class Generated(NamedTuple):
    """What was written."""

    folder: Path
    n: int
    m: int
    d: int


class Mixture:
    """Clusters in `d` dimensions, the same for the same seed.

    Sums of products are taken one after the other, and not by BLAS, whose last bits differ from
    one processor to the next.
    """

    def __init__(self, d: int, seed: int) -> None:
        rng = np.random.default_rng([_SHAPE, seed])
        self.d = d
        self._seed = seed
        rank = min(_RANK, d)
        fall = (1 + np.arange(rank, dtype=np.float32)) ** np.float32(-0.8)
        self._centers = rng.standard_normal((_CLUSTERS, d), np.float32)
        self._widths = np.exp(0.35 * rng.standard_normal(_CLUSTERS)).astype(np.float32)
        sizes = rng.permutation((1.0 + np.arange(_CLUSTERS)) ** -0.7)
        self._until = np.cumsum(sizes / sizes.sum())
        self._shapes = rng.standard_normal((_SHAPES, rank, d), np.float32) * fall[:, np.newaxis]
        self._other_shapes = rng.standard_normal((_SHAPES, rank, d), np.float32)
        self._other_shapes *= fall[:, np.newaxis]
        self._aside = _ASIDE * rng.standard_normal(d, np.float32)

    def base(self, n: int) -> Iterator[Vectors]:
        """Blocks of base vectors, float32; those of a smaller n begin them."""
        for number, first in enumerate(range(0, n, BLOCK)):
            rng = np.random.default_rng([_BASE, self._seed, number])
            yield self._like(rng, BLOCK)[: n - first]

    def queries(self, m: int) -> tuple[Vectors, list[str]]:
        """Queries (m, d), float32, and of each whether it is `like` the base or `unlike` it."""
        unlike = m // 2
        rng = np.random.default_rng([_LIKE, self._seed])
        other = np.random.default_rng([_UNLIKE, self._seed])
        found = np.concatenate([self._like(rng, m - unlike), self._unlike(other, unlike)])
        return found, ["like"] * (m - unlike) + ["unlike"] * unlike

    def _like(self, rng: np.random.Generator, rows: int) -> Vectors:
        cluster = self._clusters(rng, rows)
        width = self._widths[cluster, np.newaxis]
        return self._centers[cluster] + width * self._offsets(rng, cluster, self._shapes)

    def _unlike(self, rng: np.random.Generator, rows: int) -> Vectors:
        one, two = self._clusters(rng, rows), self._clusters(rng, rows)
        between = (self._centers[one] + self._centers[two]) * np.float32(0.5)
        return between + self._aside + self._offsets(rng, one, self._other_shapes)

    def _clusters(self, rng: np.random.Generator, rows: int) -> NDArray[np.intp]:
        drawn = np.searchsorted(self._until, rng.random(rows), side="right")
        return np.minimum(drawn, _CLUSTERS - 1)

    def _offsets(
        self, rng: np.random.Generator, cluster: NDArray[np.intp], shapes: Vectors
    ) -> Vectors:
        """What vectors have beside their centers: few directions, and a little of all."""
        inner = rng.standard_normal((len(cluster), shapes.shape[1]), np.float32)
        offset = rng.standard_normal((len(cluster), self.d), np.float32)
        offset *= np.float32(0.1)
        for shape in range(_SHAPES):
            rows = np.flatnonzero(cluster % _SHAPES == shape)
            total = offset[rows]
            for direction, amount in zip(shapes[shape], inner[rows].T, strict=True):
                total += amount[:, np.newaxis] * direction
            offset[rows] = total
        return offset


def generate(
    folder: Path,
    *,
    n: int = 10_000_000,
    m: int = 10_000,
    d: int = 96,
    dtype: Kind = "float16",
    metric: Metric = "l2",
    seed: int = 0,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Generated:
    """Write a made dataset in vbench's own layout, block by block.

    A base of fewer vectors is the beginning of one of more, and the queries are the same: sizes
    can be compared. Memory is bounded by a block, whatever n is.

    Parameters
    ----------
    n, m, d
        Numbers of base vectors, of queries and of dimensions.
    dtype
        float16, float32, int8 or uint8, of base and queries.
    seed
        Draws clusters, vectors and queries.
    force
        Replace a dataset that is there.
    progress
        Called with (done, total), in base vectors.

    Raises
    ------
    VbenchError
        A number is below 1, the folder is there, or the disk has no room.
    """
    for name, number in (("n", n), ("m", m), ("d", d)):
        if number < 1:
            raise VbenchError(f"{spell_option(name)}: {number} is not allowed; give 1 or more")
    check_choice("dtype", dtype, KINDS)
    kind = np.dtype(dtype)
    _check_target(folder, force)
    check_free(folder.parent, (n + m) * d * kind.itemsize, str(folder))
    mixture = Mixture(d, seed)
    queries, origin = mixture.queries(m)

    def base() -> Iterator[Vectors]:
        done = 0
        for block in mixture.base(n):
            yield as_kind(block, kind)
            done += len(block)
            if progress:
                progress(done, n)

    with hold_lock(folder, f"writing {folder}"):
        _check_target(folder, force)
        with whole_folder(folder) as fresh:
            with whole_file(fresh / "base.npy") as stream:
                write_npy(stream, kind, (n, d), base())
            with whole_file(fresh / "queries.npy") as stream:
                write_npy(stream, kind, (m, d), [as_kind(queries, kind)])
            _write_tables(fresh, origin)
            card = {
                "title": f"Made vectors: clusters, seed {seed}",
                "description": "Drawn from a mixture of clusters; half of the queries lie between "
                "and beside them.",
                "made_by": f"vbench data generate {folder.name} --rows {n} --count {m} --dim {d} "
                f"--dtype {dtype} --metric {metric} --seed {seed}",
                "metric": metric,
                "n": n,
                "m": m,
                "d": d,
                "segments": {"kind": "like: drawn as base vectors are; unlike: out of them"},
            }
            with whole_file(fresh / "dataset.toml") as stream:
                stream.write(write_card(card).encode())
    return Generated(folder, n, m, d)


def as_kind(vectors: Vectors, kind: np.dtype[Any]) -> Vectors:
    """Numbers of a type; whole ones are rounded to steps and held within their range."""
    if kind.kind == "f":
        return vectors.astype(kind)
    bounds = np.iinfo(kind)
    steps = np.rint(vectors * _STEP[kind.name] + _MIDDLE.get(kind.name, 0.0))
    return np.clip(steps, bounds.min, bounds.max).astype(kind)


def _check_target(folder: Path, force: bool) -> None:
    if not folder.exists():
        return
    if not (folder / "dataset.toml").is_file():
        raise VbenchError(f"{folder}: is there and holds no dataset.toml: not a dataset of ours")
    if not force:
        raise VbenchError(
            f"{folder}: exists; choose another name, or {spell_option('force', True)} to write "
            "over it"
        )


def _write_tables(folder: Path, origin: list[str]) -> None:
    import polars as pl

    with whole_file(folder / "queries.parquet") as stream:
        pl.DataFrame({"kind": origin}).write_parquet(stream)
