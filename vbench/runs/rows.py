"""A trial's file: one row per query, and the facts of the trial in its metadata."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.data.pages import State, state_of
from vbench.data.tables import parquet_metadata, parquet_schema, read_numbers
from vbench.errors import DamagedFileError
from vbench.runs import digests
from vbench.runs.digests import tag, untag
from vbench.runs.facts import TrialFacts
from vbench.runs.files import trial_path
from vbench.runs.schema import TRIAL_SCHEMA
from vbench.runs.tables import UNREADABLE, lists, write_frame
from vbench.runs.upgrade import upgrade

_FACTS = "vbench"
_known: dict[tuple[Path, State], dict[str, str]] = {}
"""Digests of columns that this process has read before from a file that is still the same."""
_REMEDY = "give the same `vbench run` again, which measures it again"


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """One row per query of a trial's file; None where it was not recorded.

    Attributes
    ----------
    ids : int32 or int64 (m, k), -1 pads
    hits : int32 (m,)
    place : uint16 or uint32 (m, k)
        First rank in the exact list at an equal distance, 0 if farther than the k-th. Not there
        where no id outside the exact list ties with it: ids say the same then.
    ratio : float64 (m,)
    latency_ns : int64 (m, passes)
    first_ns : int64 (m,)
        The first touch of each query: its time in the first pass of all. That pass is counted
        as well, unless it was disturbed and made again.
    wait_ns : int64 (m, passes)
        At a rate, what of the latency was waiting for the call to begin.
    filter_ns : int64 (m,)
    """

    ids: NDArray[np.integer[Any]] | None = None
    hits: NDArray[np.int32]
    place: NDArray[np.integer[Any]] | None = None
    ratio: NDArray[np.float64] | None = None
    latency_ns: NDArray[np.int64] | None = None
    first_ns: NDArray[np.int64] | None = None
    wait_ns: NDArray[np.int64] | None = None
    filter_ns: NDArray[np.int64] | None = None


def write_trial(folder: Path, facts: TrialFacts, rows: Rows) -> None:
    """Write a trial's file; the digests are added to `facts`."""
    arrays = {
        name: array for name in Rows.__struct_fields__ if (array := getattr(rows, name)) is not None
    }
    digest = {name: digests.of_array(array) for name, array in arrays.items()}
    # Ids of one base have one type: equal answers have equal digests of their column.
    facts = msgspec.structs.replace(facts, digest=digest, answers=digest.get("ids", ""))
    digest["facts"] = digests.of_document(facts)
    facts = msgspec.structs.replace(facts, digest=digest)
    frame = pl.DataFrame({name: lists(array) for name, array in arrays.items()})
    metadata = {_FACTS: msgspec.json.encode(tag(msgspec.to_builtins(facts))).decode()}
    # Ids and times hardly get smaller when they are packed, and unpacking is most of reading them.
    write_frame(trial_path(folder, facts.key), frame, metadata, packed=False)


def amend_trial(folder: Path, key: str, **changes: Any) -> None:
    """Write what became known later into the facts of a trial.

    Raises
    ------
    DamagedFileError
        When the file is not what vbench wrote.
    """
    path = trial_path(folder, key)
    facts = read_facts(path)
    rows = read_rows(path, facts)
    write_trial(folder, msgspec.structs.replace(facts, **changes), rows)


def read_facts(path: Path) -> TrialFacts:
    """What a trial's file says beside its rows.

    Raises
    ------
    DamagedFileError
        When it is not what vbench wrote under this name.
    """
    try:
        raw = untag(msgspec.json.decode(parquet_metadata(path)[_FACTS]))
        old = isinstance(raw, dict) and raw.get("schema") != TRIAL_SCHEMA
        facts = msgspec.convert(upgrade(raw, TRIAL_SCHEMA, path), TrialFacts)
    except (KeyError, RecursionError, msgspec.MsgspecError, *UNREADABLE) as error:
        raise DamagedFileError(path, str(error) or type(error).__name__, _REMEDY) from None
    if facts.key != path.stem or facts.trial.key != facts.key:
        raise DamagedFileError(path, f"it is the file of trial {facts.key[:80]}", _REMEDY)
    if facts.build.key != facts.trial.build:
        raise DamagedFileError(path, "its build is not that of its trial", _REMEDY)
    if not old:
        # As the file says them: of fields that came later it knows nothing.
        columns = {name: each for name, each in facts.digest.items() if name != "facts"}
        found = digests.of_document(raw | {"digest": columns})
        _check(path, "facts", facts.digest.get("facts"), found)
    return facts


def read_rows(path: Path, facts: TrialFacts, wanted: Iterable[str] | None = None) -> Rows:
    """The rows of a trial's file; of its columns only the `wanted` ones, and always the hits.

    Raises
    ------
    DamagedFileError
        When what is read is not what vbench wrote.
    """
    try:
        # The digests tell which columns there must be; the first version had none.
        there = facts.digest.keys() or parquet_schema(path).keys()
        names = [
            name
            for name in Rows.__struct_fields__
            if name in there and (wanted is None or name in wanted or name == "hits")
        ]
        state = state_of(path)
        rows = Rows(**read_numbers(path, names))
        known = _known.get((path, state), {})
        found = {name: known.get(name) or digests.of_array(getattr(rows, name)) for name in names}
        _known[path, state] = known | found
    except (KeyError, TypeError, ValueError, *UNREADABLE) as error:
        raise DamagedFileError(path, str(error) or type(error).__name__, _REMEDY) from None
    for name in names:
        if facts.digest:
            _check(path, name, facts.digest.get(name), found[name])
    problem = _disagreement(rows, facts.trial.k)
    if problem:
        raise DamagedFileError(path, problem, _REMEDY)
    return rows


def verify(path: Path) -> TrialFacts:
    """Read all of a trial's file and check it; its facts.

    Raises
    ------
    DamagedFileError
        When it is not what vbench wrote.
    """
    facts = read_facts(path)
    read_rows(path, facts)
    return facts


def _check(path: Path, what: str, said: str | None, found: str) -> None:
    if said != found:
        raise DamagedFileError(path, f"the digest of its {what} is another", _REMEDY)


def _disagreement(rows: Rows, k: int) -> str:
    """In what the rows are not what a trial leaves; empty where they are."""
    for name in ("ids", "place"):
        array = getattr(rows, name)
        if array is not None and array.shape != (len(rows.hits), k):
            return f"{name} have the shape {array.shape}, not ({len(rows.hits)}, {k})"
    if rows.hits.size and not (rows.hits.min() >= 0 and rows.hits.max() <= k):
        return f"hits are not within 0 … {k}"
    if rows.ids is not None and rows.ids.size and rows.ids.min() < -1:
        return "ids are negative"
    if rows.place is not None and rows.place.size and rows.place.max() > k:
        return f"places are not within 0 … {k}"
    for name in ("latency_ns", "first_ns", "wait_ns", "filter_ns"):
        array = getattr(rows, name)
        if array is not None and array.size and array.min() < 0:
            return f"{name} are negative"
    return ""
