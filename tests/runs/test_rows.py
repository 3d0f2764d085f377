"""A trial's file: it knows its key, and a digest of every column and fact."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from run_folder import answered

from vbench.errors import DamagedFileError
from vbench.runs import digests
from vbench.runs.failed import set_damaged_aside
from vbench.runs.files import trial_path
from vbench.runs.rows import Rows, read_facts, read_rows, verify, write_trial
from vbench.runs.run import Run

HITS = [[10, 4, 0, 7], [9, 4, 1, 7]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two builds at two settings."""
    return answered(tmp_path / "run", {"hnsw": {16: HITS, 32: HITS}})


def path_of(run: Run, place: int = 0) -> Path:
    return trial_path(run.path, run.manifest.trials[place].key)


def rewrite(path: Path, **columns: pl.Series | pl.Expr) -> None:
    facts = pl.read_parquet_metadata(path)["vbench"]
    frame = pl.read_parquet(path).with_columns(**columns)
    frame.write_parquet(path, metadata={"vbench": facts})


@pytest.mark.parametrize(
    "columns",
    [
        {"ids": pl.Series(np.full((4, 10), 3, "int32"), dtype=pl.Array(pl.Int32, 10))},
        {"hits": pl.lit(10, dtype=pl.Int32)},
        {"latency_ns": pl.Series(np.full((4, 1), -5), dtype=pl.Array(pl.Int64, 1))},
        {"ratio": pl.lit(0.5)},
        {"hits": pl.col("hits").cast(pl.Int64)},
    ],
)
def test_a_column_that_was_changed_is_noticed(run: Run, columns: dict[str, pl.Series]) -> None:
    """Also where it is readable, and within its range; ids when they are asked for."""
    rewrite(path_of(run), **columns)
    with pytest.raises(DamagedFileError, match="digest of its"):
        verify(path_of(run))
    with pytest.raises(DamagedFileError):
        assert run.answers(run.manifest.trials[0]).ids.size


def test_facts_that_know_less_than_today_are_whole(run: Run) -> None:
    """A field that came later has its default; the digest is that of what the file says."""
    path = path_of(run)
    facts = json.loads(pl.read_parquet_metadata(path)["vbench"])
    del facts["filter_setup_s"], facts["build"]["learn"], facts["digest"]["facts"]
    facts["digest"]["facts"] = digests.of_document(facts)
    pl.read_parquet(path).write_parquet(path, metadata={"vbench": json.dumps(facts)})
    assert verify(path).filter_setup_s is None


def test_a_fact_that_was_changed_is_noticed(run: Run) -> None:
    """Facts have a digest of their own."""
    path = path_of(run)
    facts = json.loads(pl.read_parquet_metadata(path)["vbench"])
    facts["sizes"]["index"] = 1
    pl.read_parquet(path).write_parquet(path, metadata={"vbench": json.dumps(facts)})
    with pytest.raises(DamagedFileError, match="digest of its facts"):
        read_facts(path)


def test_files_that_changed_places_are_noticed(run: Run) -> None:
    """A trial's file knows its name."""
    one, two, aside = path_of(run, 0), path_of(run, 1), run.path / "aside"
    one.rename(aside), two.rename(one), aside.rename(two)
    with pytest.raises(DamagedFileError, match="it is the file of trial"):
        run.measure("Recall@10")


def test_a_column_that_is_gone_is_noticed(run: Run) -> None:
    """Columns are only left out where they were not recorded."""
    path = path_of(run)
    facts = pl.read_parquet_metadata(path)["vbench"]
    pl.read_parquet(path).drop("ratio").write_parquet(path, metadata={"vbench": facts})
    with pytest.raises(DamagedFileError, match="ratio"):
        verify(path)


def test_a_damaged_trial_is_named_with_the_remedy(tmp_path: Path) -> None:
    """A truncated file is not taken for an answer."""
    path = tmp_path / "trial.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(DamagedFileError, match=r"trial\.parquet is damaged.*run. again"):
        read_facts(path)


def test_a_trial_that_is_damaged_inside_is_no_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polars panics at some damage, with something that is no `Exception`."""

    def panics(*_: object, **__: object) -> None:
        raise pl.exceptions.PanicException("thrift out of range")

    facts = read_facts(path_of(run))
    monkeypatch.setattr(pl, "read_parquet", panics)
    with pytest.raises(DamagedFileError, match="thrift out of range"):
        read_rows(path_of(run), facts)


def test_all_columns_come_back(run: Run) -> None:
    """What is not recorded is None; equal answers have one digest."""
    m, k = 4, 10
    facts = read_facts(path_of(run))
    ids = np.arange(m * k).reshape(m, k)
    rows = Rows(
        ids=ids,
        hits=np.zeros(m, np.int32),
        place=np.ones((m, k), np.uint16),
        latency_ns=np.ones((m, 3), np.int64),
        first_ns=np.full(m, 9),
    )
    write_trial(run.path, facts, rows)
    read = read_rows(path_of(run), verify(path_of(run)))
    for name in Rows.__struct_fields__:
        assert np.array_equal(getattr(read, name), getattr(rows, name)), name
    same = read_facts(path_of(run)).answers
    write_trial(run.path, facts, msgspec.structs.replace(rows, ids=ids.copy(), ratio=None))
    assert read_facts(path_of(run)).answers == same
    write_trial(run.path, facts, msgspec.structs.replace(rows, ids=ids[::-1]))
    assert read_facts(path_of(run)).answers != same


def test_a_place_behind_the_kth_is_damage(run: Run) -> None:
    """K places there are."""
    facts, rows = read_facts(path_of(run)), read_rows(path_of(run), read_facts(path_of(run)))
    place = np.full((len(rows.hits), facts.trial.k), facts.trial.k + 1, np.uint16)
    write_trial(run.path, facts, msgspec.structs.replace(rows, place=place))
    with pytest.raises(DamagedFileError, match="places are not within 0 … 10"):
        verify(path_of(run))


def test_the_others_are_shown_where_one_is_damaged(run: Run) -> None:
    """The damaged trial is told once, and counts as one without a result."""
    path_of(run).write_bytes(b"PAR1")
    told: list[str] = []
    found = set_damaged_aside([run.path], lambda runs: runs[0].measure("Recall@10"), told.append)
    assert found["builds"].to_list() == [2, 1] or found["builds"].to_list() == [1, 2]
    assert len(told) == 1
    assert path_of(run).name in told[0]


def test_damage_elsewhere_is_not_set_aside(run: Run) -> None:
    """Without the exact neighbors nothing can be shown."""
    (run.path / "ground_truth" / "static.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedFileError, match=r"static\.parquet"):
        set_damaged_aside([run.path], lambda runs: runs[0].measure("nDCG@10"), lambda text: None)
