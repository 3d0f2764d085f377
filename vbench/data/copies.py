"""Base vectors that equal another one, and queries that equal a base vector: found once, kept."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench import _paths
from vbench._leftovers import sweep_once
from vbench.data.dataset import Dataset
from vbench.data.files import whole_file
from vbench.errors import VbenchError
from vbench.neighbors.blocks import blocks

Vectors = NDArray[Any]
Ids = NDArray[np.integer[Any]]
_UNREADABLE = (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile)


class Copies(NamedTuple):
    """Which vectors of a dataset are the same, number for number.

    Attributes
    ----------
    rows : int64 (r,)
        Base vectors that equal another one, ascending.
    groups : int64 (r,)
        The first base vector that each of these equals.
    asked : int64 (m,)
        The first base vector that each query equals, or −1.
    """

    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    asked: NDArray[np.int64]

    @property
    def largest(self) -> int:
        """Size of the largest group of equal base vectors; 1 where there is none."""
        return int(np.unique(self.groups, return_counts=True)[1].max(initial=1))

    @property
    def repeats(self) -> int:
        """Base vectors that equal one before them."""
        return len(self.rows) - len(np.unique(self.groups))

    @property
    def queries_in_base(self) -> int:
        """Queries that are base vectors."""
        return int((self.asked >= 0).sum())

    def first_of(self, ids: Ids) -> NDArray[np.int64]:
        """The first base vector that each of some base vectors equals: itself where it is alone."""
        wide = np.asarray(ids, dtype=np.int64)
        places = np.searchsorted(self.rows, wide)
        found = places < len(self.rows)
        found[found] = self.rows[places[found]] == wide[found]
        first = wide.copy()
        first[found] = self.groups[places[found]]
        return first

    def are_copies(self, ids: Ids) -> NDArray[np.bool_]:
        """Whether each of some base vectors equals another one."""
        return np.isin(ids, self.rows)


def copies(dataset: Dataset) -> Copies:
    """Find the copies of a dataset; they are kept in ``_paths.home()/copies`` by its fingerprint.

    Rows are compared through a 128-bit digest, read block by block; it takes 32 bytes a row.
    """
    known = kept_copies(dataset.fingerprint)
    if known is not None and len(known.asked) == dataset.m:
        return known
    found = equal_rows(dataset.base, dataset.queries)
    # They can be found again: a folder that cannot be written is no reason to stop.
    with contextlib.suppress(OSError, VbenchError):
        path = _path(dataset.fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_once(path.parent)
        with whole_file(path) as stream:
            np.savez(stream, **found._asdict())
    return found


def kept_copies(fingerprint: str) -> Copies | None:
    """The copies of a dataset, where they were looked for already."""
    with (
        contextlib.suppress(VbenchError, *_UNREADABLE),
        np.load(_path(fingerprint), allow_pickle=False) as file,
    ):
        return Copies(*(file[name].astype(np.int64) for name in Copies._fields))
    return None


def _path(fingerprint: str) -> Path:
    return _paths.home() / "copies" / f"{fingerprint}.npz"


def equal_rows(base: Vectors, queries: Vectors) -> Copies:
    """Find equal rows of base (n, d) and queries (m, d), of whatever types."""
    n = len(base)
    one, two = np.concatenate([_digests(base), _digests(queries)], axis=1)
    shared = _find_shared(one)
    # Stable: within equal rows the first comes first, and base vectors before queries.
    order = shared[np.lexsort((two[shared], one[shared]))]
    begins = np.ones(len(order), dtype=bool)
    for digest in (one[order], two[order]):
        begins[1:] &= digest[1:] == digest[:-1]
    begins[1:] = ~begins[1:]
    run = np.cumsum(begins) - 1
    first = order[begins][run]
    of_base = order < n
    several = (np.bincount(run, weights=of_base) > 1)[run] & of_base
    rows = order[several]
    ascending = np.argsort(rows)
    asked = np.full(len(queries), -1, dtype=np.int64)
    asked[order[~of_base] - n] = np.where(first[~of_base] < n, first[~of_base], -1)
    return Copies(rows[ascending], first[several][ascending], asked)


def _find_shared(digests: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Where digests are that occur more than once, ascending: of most bases few or none."""
    ordered = np.sort(digests)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return np.empty(0, np.intp)
    place = np.minimum(twice.searchsorted(digests), len(twice) - 1)
    return np.flatnonzero(twice[place] == digests)


def _digests(rows: Vectors) -> NDArray[np.uint64]:
    """Two random linear hashes mod 2⁶⁴ of each row, as float32: (2, rows)."""
    generator = np.random.default_rng(0)
    odd = generator.integers(0, 2**63, size=(2, rows.shape[1]), dtype=np.uint64) * 2 + 1
    digests = np.empty((2, len(rows)), np.uint64)
    for first, block in blocks(rows, 8):
        plain = np.ascontiguousarray(block, np.float32) + np.float32(0)  # −0 becomes 0
        # Half a word each: what is only in the first bits of a word is lost in a product.
        words = plain.view(np.uint32).astype(np.uint64)
        for digest, weights in zip(digests, odd, strict=True):
            np.einsum("ij,j->i", words, weights, out=digest[first : first + len(block)])
    return digests
