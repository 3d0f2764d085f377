"""Result files of the shapes that other tools write, on small vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.data.load import load
from vbench.neighbors.exact import nearest

N, M, D, K = 120, 20, 4, 10
NAME = "random-4-euclidean"


def write_dataset(folder: Path, name: str = NAME, distance: str = "euclidean") -> Path:
    """Vectors as ann-benchmarks and VIBE keep them."""
    rng = np.random.default_rng(3)
    path = folder / f"{name}.hdf5"
    with h5py.File(path, "w") as file:
        file["train"] = rng.normal(size=(N, D)).astype(np.float32)
        file["test"] = rng.normal(size=(M, D)).astype(np.float32)
        file.attrs["distance"] = distance
    return path


def answers_on(path: Path | Dataset, lost: int = 1) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Ids and distances (m, K) of an index that loses the `lost` nearest of every other query."""
    data = path if isinstance(path, Dataset) else load(path)
    ids, distances = nearest(data.queries, data.base, data.metric, K + lost)
    own, away = ids[:, :K].copy(), distances[:, :K].copy()
    own[::2], away[::2] = ids[::2, lost : K + lost], distances[::2, lost : K + lost]
    return own.astype(np.int32), away.astype(np.float32)


def _facts(name: str, **more: Any) -> dict[str, Any]:
    usual = {"algo": "hnswlib", "dataset": NAME, "distance": "euclidean", "count": K, "name": name}
    measured = {"build_time": 1.25, "index_size": 40.0, "best_search_time": 2e-5, "run_count": 2}
    return {**usual, **measured, **more}


def write_annb(
    path: Path, ids: NDArray[Any], distances: NDArray[Any], ef: int = 10, **more: Any
) -> Path:
    """One setting of ann-benchmarks: a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = f"hnswlib ({{'M': 16, 'efConstruction': 200}}, 'efQuery': {ef})"
    with h5py.File(path, "w") as file:
        file["neighbors"], file["distances"] = ids, distances
        file["times"] = np.linspace(1e-5, 3e-5, len(ids)).astype(np.float32)
        for key, value in _facts(name, batch_mode=False, **more).items():
            file.attrs[key] = value
    return path


def write_vibe(
    path: Path, groups: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], **more: Any
) -> Path:
    """One build of VIBE: a file with a group for each setting, its attributes in text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for part, (ids, distances) in groups.items():
            group = file.create_group(part)
            group["neighbors"], group["distances"] = ids, distances
            group["times"] = np.full(len(ids), 2e-5, np.float32)
            name = f"HNSWLib(M=16, efConstruction=200, efQuery={part})"
            for key, value in _facts(name, **more).items():
                group.attrs[key] = str(value)
    return path


def write_bigann(path: Path, ids: NDArray[Any], probes: int, **more: Any) -> Path:
    """One setting of big-ann-benchmarks: no distances, no times of single queries."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = f"FaissIVF(n_list=64, n_probe={probes})"
    facts = _facts(name, algo="faiss-ivf", best_search_time=0.01, dist_comps=4 * len(ids))
    with h5py.File(path, "w") as file:
        file["neighbors"] = ids
        for key, value in {**facts, **more}.items():
            file.attrs[key] = value
    return path


def write_qdrant(
    path: Path, hits: NDArray[Any] | None, *, ef: int = 64, parallel: int = 1, **more: Any
) -> Path:
    """One setting of vector-db-benchmark; details where there are hits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    details = {} if hits is None else {"precisions": (hits / K).tolist()}
    if hits is not None:
        details["latencies"] = [0.001] * len(hits)
    params = {"dataset": NAME, "experiment": "qdrant-m-16", "engine": "qdrant"}
    params |= {"parallel": parallel, "config": {"hnsw_ef": ef}, **more}
    means = {"mean_precisions": 0.9, "rps": 100.0, "p95_time": 0.002, "p99_time": 0.003}
    path.write_text(json.dumps({"params": params, "results": {**means, **details}}))
    return path


def write_vectordbbench(path: Path) -> Path:
    """One result of VectorDBBench: means alone."""
    metrics = {"recall": 0.925, "qps": 2030.4, "serial_latency_p99": 0.0106, "load_duration": 49.5}
    task = {
        "db": "PgVector",
        "db_config": {"db_label": "2c8g", "password": "**********"},
        "db_case_config": {"M": 16, "efConstruction": 256, "note": ""},
        "case_config": {"case_id": 5, "k": 100},
    }
    one = {"metrics": metrics, "task_config": task, "label": ":)"}
    path.write_text(json.dumps({"run_id": "c1", "task_label": "standard", "results": [one]}))
    return path
