"""Files that lie beside base vectors under the usual names: queries and ground truth."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vbench.data.names import suffix_of

BASE_WORDS = ("shuffle_train", "base", "train", "items")
QUERY_WORDS = ("queries", "query", "test", "users")
GROUND_TRUTH_WORDS = ("groundtruth", "ground_truth", "neighbors", "truth", "gt")
_FAMILIES = (
    {".fvecs", ".bvecs"},
    {".fbin", ".f16bin", ".u8bin", ".i8bin"},
    {".npy"},
    {".parquet"},
)
_TRUTH_SUFFIXES = {
    ".fvecs": (".ivecs",),
    ".bvecs": (".ivecs",),
    ".fbin": (".ibin", ".bin"),
    ".f16bin": (".ibin", ".bin"),
    ".u8bin": (".ibin", ".bin"),
    ".i8bin": (".ibin", ".bin"),
    ".npy": (".npy", ".npz"),
    ".parquet": (".parquet",),
}


def queries_of(base: Path) -> Path | None:
    """Find `sift_query.fvecs` for `sift_base.fvecs`, `query.10K.fbin` for `base.10M.fbin`."""
    kind = suffix_of(base)
    family = next((family for family in _FAMILIES if kind in family), set())
    return _beside(base, QUERY_WORDS, sorted(family))


def ground_truth_of(base: Path) -> Path | None:
    """Find `sift_groundtruth.ivecs` for `sift_base.fvecs`, `neighbors.*` for `train.*`."""
    return _beside(base, GROUND_TRUTH_WORDS, _TRUTH_SUFFIXES.get(suffix_of(base), ()))


def advice(base: Any) -> str:
    """Name the file that would have been found beside a base file."""
    if not isinstance(base, Path) or suffix_of(base) not in _TRUTH_SUFFIXES:
        return ""
    word = next((word for word in BASE_WORDS if word in base.name), None)
    name = base.name.replace(word, "queries", 1) if word else f"queries{base.suffix}"
    return f", or put {name} beside it" if word else f", or name them base{base.suffix} and {name}"


def _beside(base: Path, words: Iterable[str], suffixes: Iterable[str]) -> Path | None:
    """Replace the word for the base in its name; other endings of the name may follow."""
    stem = base.stem
    word = next((word for word in BASE_WORDS if word in stem), None)
    if word is None:
        return None
    before, _, after = stem.partition(word)
    exact = [f"{before}{other}{after}{suffix}" for other in words for suffix in suffixes]
    for name in exact:
        if (base.parent / name).is_file():
            return base.parent / name
    near = [
        path
        for path in sorted(base.parent.iterdir())
        if path.is_file()
        and suffix_of(path) in suffixes
        and any(path.name.startswith(f"{before}{other}") for other in words)
    ]
    return near[0] if len(near) == 1 else None
