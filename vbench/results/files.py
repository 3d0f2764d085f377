"""Read and write the files of a run folder; a file is there whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.data.dataset import Truth
from vbench.data.files import write_whole
from vbench.errors import VbenchError
from vbench.results.schema import RUN_SCHEMA, TRIAL_SCHEMA, Manifest, TrialFacts
from vbench.results.upgrade import upgraded

MANIFEST = "run.json"
QUERIES = "queries.parquet"
COMPARISONS = "comparisons.json"
INSIDE = "inside.json"
_FACTS = "vbench"
RESERVED = ("query", "truth_ids", "truth_distances")
"""Columns of the queries' file that are the run's own; no segment may bear their names."""
# A page that is damaged inside makes polars panic, which is not one of its errors.
_UNREADABLE = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder against a second run in it.

    Raises
    ------
    VbenchError
        When another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no flock; there two runs in one folder are not noticed.
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VbenchError(
                f"another vbench run is writing {folder}; wait for it, or give another --out"
            ) from None
        yield
    finally:
        os.close(descriptor)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write run.json."""
    write_json(folder / MANIFEST, manifest)


def read_manifest(folder: Path) -> Manifest:
    """Read run.json, whatever version of the schema wrote it.

    Raises
    ------
    VbenchError
        When the folder holds no run, or one that a newer vbench wrote.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise VbenchError(
            f"{folder} holds no run (no {MANIFEST}); give a folder that `vbench run` left"
        )
    try:
        return msgspec.convert(
            upgraded(msgspec.json.decode(path.read_bytes()), RUN_SCHEMA, path), Manifest
        )
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise VbenchError(f"{path} is damaged: {error}; run again with --fresh") from None


def trial_path(folder: Path, key: str) -> Path:
    """Where a trial's file lies; that it is there means that the trial is done."""
    return folder / "trials" / f"{key}.parquet"


class Rows(msgspec.Struct, frozen=True):
    """One row per query of a trial's file.

    Attributes
    ----------
    ids : int32 or int64 (m, k), -1 pads
    hits : int32 (m,)
    latency_ns : int64 (m, repeats)
    ratio : float64 (m,)
    """

    ids: NDArray[np.integer[Any]]
    hits: NDArray[np.int32]
    latency_ns: NDArray[np.int64]
    ratio: NDArray[np.float64]


def write_trial(folder: Path, facts: TrialFacts, rows: Rows) -> None:
    """Write a trial's file."""
    frame = pl.DataFrame(
        {
            "ids": _lists(rows.ids),
            "hits": rows.hits,
            "latency_ns": _lists(rows.latency_ns),
            "ratio": rows.ratio,
        }
    )
    metadata = {_FACTS: msgspec.json.encode(facts).decode()}
    write_frame(trial_path(folder, facts.trial.key), frame, metadata)


def read_facts(path: Path) -> TrialFacts:
    """What a trial's file says beside its rows."""
    try:
        raw = msgspec.json.decode(pl.read_parquet_metadata(path)[_FACTS])
        return msgspec.convert(upgraded(raw, TRIAL_SCHEMA, path), TrialFacts)
    except (KeyError, msgspec.MsgspecError, *_UNREADABLE) as error:
        raise VbenchError(f"{path} is damaged ({error}); delete it and run again") from None


def read_rows(path: Path, *, ids: bool = True) -> Rows:
    """The rows of a trial's file; without the ids, most of it, `ids` has no columns."""
    names = [name for name in Rows.__struct_fields__ if ids or name != "ids"]
    frame = _read_frame(path, names)
    columns = {name: frame[name].to_numpy() for name in names}
    return Rows(**{"ids": np.empty((len(frame), 0), dtype=np.int32)} | columns)


def read_hits(path: Path) -> NDArray[np.int32]:
    """The hits alone, int32 (m,)."""
    return _read_frame(path, ["hits"])["hits"].to_numpy()


def _read_frame(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, columns=columns)
    except _UNREADABLE as error:
        raise VbenchError(f"{path} is damaged ({error}); delete it and run again") from None


def write_queries(folder: Path, segments: pl.DataFrame | None, truth: Truth) -> None:
    """Write one row per query: its segments, and its exact neighbours with their distances."""
    frame = pl.DataFrame({"query": np.arange(len(truth.ids), dtype=np.uint32)})
    if segments is not None:
        frame = frame.hstack(segments)
    frame = frame.with_columns(
        _lists(truth.ids).alias("truth_ids"), _lists(truth.distances).alias("truth_distances")
    )
    write_frame(folder / QUERIES, frame)


def write_frame(path: Path, frame: pl.DataFrame, metadata: dict[str, str] | None = None) -> None:
    """Write a frame as Parquet, atomically."""
    # Through memory: what polars raises on a full disk does not say which error it was.
    content = io.BytesIO()
    frame.write_parquet(content, metadata=metadata)
    write_whole(path, content.getbuffer())


def read_queries(folder: Path) -> tuple[pl.DataFrame, Truth]:
    """The queries' own columns, and the exact neighbours."""
    path = folder / QUERIES
    try:
        frame = pl.read_parquet(path)
    except _UNREADABLE as error:
        raise VbenchError(
            f"{path} is missing or damaged ({error}); delete what is left of it and run again: "
            "what was measured is kept"
        ) from None
    truth = Truth(frame["truth_ids"].to_numpy(), frame["truth_distances"].to_numpy())
    return frame.drop("truth_ids", "truth_distances"), truth


def derived(folder: Path) -> list[Path]:
    """What a run folder holds beside manifest and trials; gone where the run is made anew."""
    names = (QUERIES, COMPARISONS, INSIDE)
    return [*(folder / name for name in names), *folder.glob("hardness-*.parquet")]


def write_json(path: Path, document: Any) -> None:
    """Write a document that JSON can hold."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    write_whole(path, text)


def read_json(path: Path) -> Any:
    """Read a document, or None where there is none."""
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise VbenchError(f"{path} is damaged ({error}); delete it") from None


def hardness_path(folder: Path, k: int) -> Path:
    """Where the hardness of the queries at K lies, once somebody asked for it."""
    return folder / f"hardness-{k}.parquet"


def write_hardness(folder: Path, k: int, frame: pl.DataFrame) -> None:
    """Write one row per query: its hardness at K by every measure."""
    write_frame(hardness_path(folder, k), frame)


def read_hardness(folder: Path, k: int) -> pl.DataFrame | None:
    """The hardness of every query at K, or None where nobody asked for it yet."""
    path = hardness_path(folder, k)
    return _read_frame(path) if path.is_file() else None


def _lists(array: NDArray[Any]) -> pl.Series:
    kinds = {"int32": pl.Int32, "int64": pl.Int64, "float64": pl.Float64}
    inner = kinds[array.dtype.name]
    return pl.Series(np.ascontiguousarray(array), dtype=pl.Array(inner, array.shape[1]))
