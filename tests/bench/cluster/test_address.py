"""Runs of workers that share no folder: results at an address, on a real server of S3 here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from buckets import bucket
from schedulers import local_cluster
from vectors import gaussian_pair

import vbench
from vbench.bench.cluster.cluster import open_cluster
from vbench.data.store import Store
from vbench.errors import VbenchError
from vbench.runs import files

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def bay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with bucket("bay") as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        yield address


@pytest.fixture(scope="module")
def scheduler(bay: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two workers with a home of their own, and data at an address."""
    base, queries = gaussian_pair(300, 40, 6, seed=3)
    folder = tmp_path_factory.mktemp("data")
    for name, vectors in (("base", base), ("queries", queries)):
        np.save(folder / f"{name}.npy", vectors)
        Store(f"{bay}/data").put(folder / f"{name}.npy", f"{name}.npy")
    with (
        pytest.MonkeyPatch.context() as patch,
        local_cluster(0) as cluster,
    ):
        patch.setenv("VBENCH_HOME", str(tmp_path_factory.mktemp("theirs")))
        cluster.scale(2)
        cluster.wait_for_workers(2, timeout=120)
        yield cluster.scheduler_address


def measure(bay: str, out: str | Path, **more: object) -> vbench.Run:
    data = vbench.load(f"{bay}/data/base.npy", queries=f"{bay}/data/queries.npy", metric="l2")
    return vbench.run(data, "hnsw", k=3, builds=1, repeats=1, out=out, progress=False, **more)


def test_a_run_needs_no_folder_that_all_see(bay: str, scheduler: str, tmp_path: Path) -> None:
    """Workers take and leave all at the address; nothing of the parts stays, and it goes on."""
    asked = {"keep_indexes": False, "workers": scheduler}
    first = measure(bay, f"{bay}/run", settings={"ef": [4]}, **asked)
    assert len(first.done) == 1
    run = measure(bay, f"{bay}/run", settings={"ef": [4, 8]}, **asked)
    alone = measure(bay, tmp_path / "alone", settings={"ef": [4, 8]}, keep_indexes=False)
    assert [trial.key for trial in run.done] == [trial.key for trial in alone.done]
    for trial in run.done:
        assert (run.hits(trial) == alone.hits(trial)).all()
    assert not run.manifest.failures
    there = Store(f"{bay}/run").marks().keys()
    assert {f"trials/{trial.key}.parquet" for trial in run.done} <= there
    assert not any(name.startswith(files.PARTS) for name in there)
    assert vbench.open(f"{bay}/run").manifest == run.manifest


def test_a_worker_that_cannot_use_the_address_is_named(bay: str, scheduler: str) -> None:
    """Before anything is measured, with its reason."""
    client = pytest.importorskip("distributed").Client(scheduler)

    def point_elsewhere(url: str | None) -> str:
        import os

        before = os.environ["AWS_ENDPOINT_URL"]
        os.environ["AWS_ENDPOINT_URL"] = url or before
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        return before

    with client:
        before = client.run(point_elsewhere, "http://127.0.0.1:9")
        try:
            with (
                pytest.raises(VbenchError, match=r"worker tcp.* cannot use s3://bay/x as this p"),
                open_cluster(scheduler, 1, Store(f"{bay}/x")),
            ):
                pass
        finally:
            client.run(point_elsewhere, next(iter(before.values())))
