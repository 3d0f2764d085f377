"""Which files are base vectors, queries and ground truth, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vbench.data.formats import SUFFIXES
from vbench.data.names import suffix_of
from vbench.data.parts import Files, check_whole, tables
from vbench.errors import DataError

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


Table = Path | Files

_FIRST = ("train", *BASE_WORDS)
"""VectorDBBench's folders may hold the rows twice, the second time shuffled."""


class Layout(NamedTuple):
    """The tables of a folder; None where there is none of that name."""

    base: Table
    queries: Table | None
    ground_truth: Table | None


def layout(folder: Path) -> Layout | None:
    """Find the tables of a folder; None where it holds no files of vectors.

    `train`, `test` and `neighbors` of VectorDBBench, as files, numbered parts or folders, and the
    like. One table alone is the base, whatever its name.

    Raises
    ------
    DataError
        More than one may be the base, or a part of it is missing.
    """
    found = tables(folder, SUFFIXES)
    if not found:
        return None
    only = found[0][1]
    if (
        len(found) == 1
        and isinstance(only, Files)
        and only.given.parent == folder
        and only.given.is_dir()
    ):
        # A folder of nothing but `data`.
        return layout(only.given)
    base = _named(found, _FIRST) or _only_other(found)
    if base is None:
        shown = ", ".join(f"'{table}'" for _, table in found[:5])
        raise DataError(
            f"{folder}: holds {shown}; name the table of base vectors base or train, that of the "
            "queries queries or test, or give each by its path or a pattern in quotes"
        )
    # `queries.parquet` beside `queries.npy` describes them.
    alike = [(name, table) for name, table in found if _alike(base, table)]
    queries = _named(alike, QUERY_WORDS) or _named(found, QUERY_WORDS)
    truth = _named(alike, GROUND_TRUTH_WORDS) or _named(found, GROUND_TRUTH_WORDS)
    for table in (base, queries, truth):
        if table is not None:
            check_whole(table)
    return Layout(base, queries, truth)


def _named(found: Sequence[tuple[str, Table]], words: Sequence[str]) -> Table | None:
    """The table that is called by one of the words, the first the best, or has it in its name."""
    for word in words:
        exact = [table for name, table in found if name == word]
        if exact:
            return exact[0] if len(exact) == 1 else None
    near = [table for name, table in found if _has_word(name, words)]
    return near[0] if len(near) == 1 else None


def _only_other(found: Sequence[tuple[str, Table]]) -> Table | None:
    """The one table that is called neither base, queries nor ground truth; or the only one."""
    words = (*_FIRST, *QUERY_WORDS, *GROUND_TRUTH_WORDS)
    others = [table for name, table in found if not _has_word(name, words)]
    if any(_has_word(name, _FIRST) for name, _ in found):
        return None
    if len(found) == 1:
        return found[0][1]
    return others[0] if len(others) == 1 else None


def _has_word(name: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands in a name as a word of its own."""
    return any(re.search(rf"(?<![a-z]){word}(?![a-z])", name.lower()) for word in words)


def _alike(one: Table, other: Table) -> bool:
    """Whether two tables are both Parquet, or both not."""
    kinds = [
        suffix_of(table.paths[0] if isinstance(table, Files) else table) == ".parquet"
        for table in (one, other)
    ]
    return kinds[0] == kinds[1]
