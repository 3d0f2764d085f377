"""pgvector in PostgreSQL: what the kit does not see of it."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from strays import Command
from vectors import gaussian_pair

import vbench
from vbench.errors import VbenchError
from vbench.indexes.pgvector import PgVectorHnsw, PgVectorIvfflat
from vbench.indexes.postgres import Postgres
from vbench.indexes.predicate import Comparison, read_predicate
from vbench.indexes.protocol import Filter
from vbench.indexes.service import Server, hosted

pytestmark = pytest.mark.engines
BASE, QUERIES = gaussian_pair(2000, 50, 16, seed=5)


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[], Server]]:
    """A server of this module."""
    with hosted(Postgres, None) as made:
        yield made


def recall(index: PgVectorHnsw | PgVectorIvfflat, mask: np.ndarray) -> float:
    distance = ((QUERIES[:, np.newaxis] - BASE) ** 2).sum(axis=2)
    distance[:, ~mask] = np.inf
    hits = [
        np.isin(index.search_one(query, 10), np.argsort(row)[:10]).sum()
        for query, row in zip(QUERIES, distance, strict=True)
    ]
    return float(np.mean(hits)) / 10


@pytest.mark.parametrize("kind", [PgVectorHnsw, PgVectorIvfflat])
@pytest.mark.parametrize("is_shared", [True, False])
def test_a_filter_is_searched_with_the_index(
    kind: type[PgVectorHnsw | PgVectorIvfflat],
    is_shared: bool,
    servers: Callable[[], Server],
) -> None:
    """Of many vectors and of few, and every id passes; then all are there again."""
    index = kind()
    phases = index.fit(BASE, "l2", seed=1, threads=1, server=servers())
    assert list(phases) == ["load", "index", "optimize"]
    index.set(200) if isinstance(index, PgVectorHnsw) else index.set(179)
    everything = np.ones(len(BASE), dtype=bool)
    for share in (0.9, 0.5, 0.02):
        mask = np.random.default_rng(1).random(len(BASE)) < share
        index.allow(Filter(mask, is_shared=is_shared))
        assert recall(index, mask) > 0.9
        assert all(mask[index.search_one(query, 10)].all() for query in QUERIES)
    index.allow(None)
    assert recall(index, everything) > 0.95
    assert (index.size_bytes() or 0) > BASE.nbytes / 4
    assert index.sizes()["table"] >= BASE.nbytes
    index.close()


@pytest.mark.parametrize("kind", [PgVectorHnsw, PgVectorIvfflat])
def test_a_condition_on_attributes_is_one_on_columns(
    kind: type[PgVectorHnsw | PgVectorIvfflat], servers: Callable[[], Server]
) -> None:
    """Shared, and another one with each query, by one statement; a mask alone after it, too."""
    items = pl.DataFrame({"it": np.arange(len(BASE)) % 4, "of": ["a", "b"] * (len(BASE) // 2)})
    index = kind()
    index.fit(BASE, "l2", seed=1, threads=1, server=servers(), attributes=items)
    index.set(200) if isinstance(index, PgVectorHnsw) else index.set(179)
    for value in range(4):
        mask = items["it"].to_numpy() == value
        index.allow(Filter(mask, is_shared=False, predicate=Comparison("it", "=", value)))
        assert recall(index, mask) > 0.9
        assert all(mask[index.search_one(query, 10)].all() for query in QUERIES)
    assert len(index._searches) == 1
    mask = (items["of"] == "a").to_numpy() & (np.arange(len(BASE)) % 4 == 0)
    both = read_predicate("\"of\" = 'a' and it < 1")
    for predicate in (both, None):
        index.allow(Filter(mask, predicate=predicate))
        assert recall(index, mask) > 0.9
    index.add(np.array([len(BASE)]), QUERIES[:1], items[:1])
    index.allow(Filter(np.append(mask, True), predicate=both))
    assert index.search_one(QUERIES[0], 1).tolist() == [len(BASE)]
    index.close()


def test_a_plan_without_the_index_is_refused(servers: Callable[[], Server]) -> None:
    """It would be another search, under the name of this one."""
    index = PgVectorHnsw()
    server = servers()
    index.fit(BASE, "l2", seed=1, threads=1, server=server)
    index._connection.execute(f'DROP INDEX "{server.namespace}_embedding_idx"')
    with pytest.raises(VbenchError, match="does not search with the index"):
        index.search_one(QUERIES[0], 3)
    index.close()
    with pytest.raises(VbenchError, match="before fit"):
        index.search_one(QUERIES[0], 3)


def test_a_graph_that_does_not_fit_is_refused(
    servers: Callable[[], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL would go on, and build another one."""
    monkeypatch.setattr(PgVectorHnsw, "megabytes", lambda *_: 1.0)
    index = PgVectorHnsw()
    with pytest.raises(VbenchError, match="no longer fits"):
        index.fit(BASE, "l2", seed=1, threads=1, server=servers())
    index.close()


def test_lists_are_given_the_memory_that_pgvector_asks_for() -> None:
    """It refused 50,000 × 64 in 894 lists with less than 168 MB."""
    assert 168 < PgVectorIvfflat().megabytes(50_000, 64) < 400


def test_a_run_in_postgresql(tmp_path: Path) -> None:
    """Two builds of each index in one server, with its numbers, and two clients."""
    run = vbench.run(
        BASE,
        ["pgvector-hnsw", "pgvector-ivfflat"],
        queries=QUERIES,
        metric="l2",
        k=10,
        builds=2,
        repeats=1,
        clients=2,
        settings={"ef_search": [100], "probes": [179]},
        out=tmp_path / "run",
    )
    assert run.manifest.failures == []
    assert len(run.done) == 8
    for trial in run.done:
        facts = run.facts(trial)
        assert run.hits(trial).mean() > 9
        assert facts.build.service == "pgvector"
        # Of a server it is counted in the system's ticks, of which few queries may take none.
        assert facts.cpu_ns is not None
        assert (facts.peak_bytes or 0) > 1e6
    assert set(run.manifest.builds[0].server or ()) == {"postgresql", "pgvector"}


def test_nothing_is_left_of_a_killed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither PostgreSQL nor its folder."""
    monkeypatch.chdir(tmp_path)
    np.save("base.npy", BASE)
    np.save("queries.npy", QUERIES)
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        Path(short).chmod(0o711)
        monkeypatch.setenv("TMPDIR", short)
        command = Command(
            *("run", "-i", "pgvector-hnsw", "-d", "base.npy", "--queries", "queries.npy"),
            *("--metric", "l2", "--builds", "1", "--repeats", "100000", "--out", "run"),
        )
        command.made(Path(short), "PG_VERSION")
        time.sleep(2.0)
        command.process.send_signal(signal.SIGKILL)
        command.ended()
        assert not command.strays()
        assert not list(Path(short).iterdir())
