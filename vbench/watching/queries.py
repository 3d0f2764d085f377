"""The queries of a service: those of a dataset, or of a log that is read as it grows."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.analysis.segments import is_named, read_where
from vbench.data.dataset import Dataset
from vbench.data.find import find
from vbench.errors import UnknownNameError, VbenchError

LOGS = (".jsonl", ".ndjson", ".log")
"""Ends of the names of files that are read line by line."""
_USUAL = '[0.1, …] or {"vector": [0.1, …], "ids": [12, …], "country": "SE"}'


class Query(NamedTuple):
    """A query of the service.

    Attributes
    ----------
    vector : (d,)
    row
        Its row in the dataset, where it comes from there.
    ids
        What the service answered, where the log says so.
    """

    vector: NDArray[Any]
    row: int | None = None
    ids: NDArray[np.int64] | None = None


def is_log(queries: object) -> bool:
    """Whether queries are read line by line: standard input, or a file of JSON lines."""
    return queries == "-" or (
        isinstance(queries, str | Path) and Path(queries).suffix.lower() in LOGS
    )


def stand_in(dataset: str) -> str | None:
    """What stands for the queries of a file that has none of its own, as a log has them: itself."""
    found = find(dataset)
    return None if isinstance(found, Dataset) or found.queries is not None else dataset


def of_dataset(dataset: Dataset, rows: NDArray[np.intp], seed: int) -> Iterator[Query]:
    """Rows of the queries of a dataset, each once, in an order that is drawn."""
    for row in np.random.default_rng([seed, 1]).permutation(rows).tolist():
        yield Query(np.asarray(dataset.queries[row]), row)


def of_log(queries: str | Path, d: int, where: Sequence[str]) -> Iterator[Query]:
    """The queries of a log, one a line: a list of numbers, or an object.

    Of an object, `vector` is the query, `ids` what was answered, and the others are its segments.

    Raises
    ------
    VbenchError
        The file cannot be read; a line is no query; no query has a column of `where`.
    """
    wanted = read_where(where)
    if queries == "-":
        yield from _lines(sys.stdin, "standard input", d, wanted)
        return
    try:
        with Path(queries).open(encoding="utf-8") as stream:
            yield from _lines(stream, str(queries), d, wanted)
    except (OSError, UnicodeDecodeError) as error:
        raise VbenchError(f"{queries} cannot be read: {error}") from None


def _lines(
    stream: TextIO, name: str, d: int, wanted: Mapping[str, Sequence[str]]
) -> Iterator[Query]:
    for number, line in enumerate(iter(stream.readline, ""), 1):
        if not line.strip():
            continue
        try:
            said = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise VbenchError(f"{name}, line {number}: {error}; write {_USUAL}") from None
        fields = said if isinstance(said, dict) else {"vector": said}
        if not _is_wanted(fields, wanted, f"{name}, line {number}"):
            continue
        yield Query(
            _vector(fields.get("vector"), d, f"{name}, line {number}"),
            ids=_ids(fields.get("ids"), f"{name}, line {number}"),
        )


def _is_wanted(fields: Mapping[str, Any], wanted: Mapping[str, Sequence[str]], place: str) -> bool:
    for column, values in wanted.items():
        if column not in fields:
            known = [name for name in fields if name not in ("vector", "ids")]
            raise UnknownNameError(f"column in {place}", column, known)
        if not any(is_named(str(fields[column]), value) for value in values):
            return False
    return True


def _vector(given: Any, d: int, place: str) -> NDArray[np.float32]:
    try:
        vector = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError):
        vector = np.empty(0, dtype=np.float32)
    if vector.shape != (d,) or not np.isfinite(vector).all():
        size = f"{len(given)} numbers" if isinstance(given, list) else type(given).__name__
        raise VbenchError(f"{place}: {size} are no vector of {d} finite numbers; write {_USUAL}")
    return vector


def _ids(given: Any, place: str) -> NDArray[np.int64] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(type(each) is int for each in given):
        raise VbenchError(f"{place}: ids must be a list of whole numbers, nearest first")
    return np.asarray(given, dtype=np.int64)
