"""The run folder's files: whole or not there, readable again, and clear about damage."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vbench.data.dataset import Truth
from vbench.errors import VbenchError
from vbench.results import files
from vbench.results.schema import RUN_SCHEMA


def test_a_frame_on_a_full_disk_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parquet goes through our own writing, so that the reason is known; nothing half stays."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(VbenchError, match=r"frame\.parquet.*No space.*call again"):
        files.write_frame(tmp_path / "frame.parquet", pl.DataFrame({"a": [1]}))
    assert not list(tmp_path.iterdir())


def test_queries_and_truth_are_read_as_written(tmp_path: Path) -> None:
    """Segments keep their columns, distances keep every bit."""
    rng = np.random.default_rng(0)
    truth = Truth(rng.integers(0, 9, (4, 3)).astype(np.int32), rng.random((4, 3)))
    segments = pl.DataFrame({"activity": ["a", "b", "a", "c"]})
    files.write_queries(tmp_path, segments, truth)
    frame, read = files.read_queries(tmp_path)
    assert frame.columns == ["query", "activity"]
    assert np.array_equal(read.ids, truth.ids)
    assert np.array_equal(read.distances, truth.distances)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "damaged"),
        (b"[]", "no schema"),
        (b'{"schema": "vbench.run/99"}', "newer vbench"),
        (json.dumps({"schema": RUN_SCHEMA}).encode(), "damaged"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    """Damage and foreign versions are told apart."""
    (tmp_path / files.MANIFEST).write_bytes(content)
    with pytest.raises(VbenchError, match=says):
        files.read_manifest(tmp_path)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    """The message says what kind of folder is wanted."""
    with pytest.raises(VbenchError, match="holds no run"):
        files.read_manifest(tmp_path)


def test_a_trial_that_is_damaged_inside_is_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polars panics at some damage, with something that is no `Exception`."""

    def panics(*_: object, **__: object) -> None:
        raise pl.exceptions.PanicException("thrift out of range")

    monkeypatch.setattr(pl, "read_parquet", panics)
    with pytest.raises(VbenchError, match=r"trial\.parquet is damaged .thrift out of range"):
        files.read_hits(tmp_path / "trial.parquet")


def test_a_damaged_trial_is_named_with_the_remedy(tmp_path: Path) -> None:
    """A truncated file is not taken for an answer."""
    path = tmp_path / "trial.parquet"
    path.write_bytes(b"PAR1 not really")
    for read in (files.read_facts, files.read_rows, files.read_hits):
        with pytest.raises(VbenchError, match=r"trial\.parquet is damaged"):
            read(path)
