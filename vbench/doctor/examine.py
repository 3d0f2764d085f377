"""`vbench doctor`: look at everything, and say what is not installed."""

from __future__ import annotations

from vbench._plugins import installed_version
from vbench.analysis.doctor import Diagnosis, Extra
from vbench.bench.machine import environment
from vbench.doctor.checks import check_kernels, check_machine, check_noise
from vbench.doctor.noise import Progress, measure_noise
from vbench.indexes.overview import describe_indexes

_ADDS = {
    "towers": ("vbench data train: two-tower models of your own interactions", "jax"),
    "als": ("vbench data train --recipe als: matrix factorization", "implicit"),
    "tune": ("vbench tune over several parameters at once", "optuna"),
    "remote": ("vbench data import from object stores and hubs", "s3fs"),
    "dask": ("vbench run --workers: builds and exact search on several machines", "distributed"),
    "yaml": ("--workload FILE.yaml: runbooks of big-ann-benchmarks", "pyyaml"),
    "gpu": ("exact search on a GPU: --device cuda", "torch"),
    "text": ("datasets of texts, such as wordnet: vbench data fetch", "onnxruntime"),
}


def examine(seconds: float, progress: Progress) -> Diagnosis:
    """Look at the machine; `seconds` of a self-test, 0 for none."""
    # Their kernels are known once they are loaded.
    import faiss
    import numpy

    del faiss, numpy

    progress("machine", 0, 1)
    here = environment()
    checks = [*check_machine(here.machine), check_kernels(here.kernels)]
    noise = measure_noise(seconds, progress) if seconds > 0 else None
    if noise is not None:
        checks.append(check_noise(noise))
    return Diagnosis(environment=here, checks=checks, noise=noise, extras=_extras())


def _extras() -> list[Extra]:
    """All extras, those of engines as the package itself lists them."""
    found = {
        name: Extra(name=name, adds=adds, installed=installed_version(needs) is not None)
        for name, (adds, needs) in _ADDS.items()
    }
    for row in describe_indexes().indexes:
        if row.extra is None:
            continue
        known = found.get(row.extra)
        indexes = row.name if known is None else f"{known.adds.removeprefix('index ')}, {row.name}"
        is_here = row.installed and (row.server is None or row.server.comes != "from an extra")
        found[row.extra] = Extra(name=row.extra, adds=f"index {indexes}", installed=is_here)
    return list(found.values())
