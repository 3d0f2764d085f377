"""Wrappers of a checkout of ann-benchmarks, unchanged, with the arguments of its own config.yml.

The variable ANN_BENCHMARKS names the checkout; algorithms whose library is not installed are
skipped.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from vectors import gaussian_pair

import vbench
from vbench.metric import Metric

CHECKOUT = os.environ.get("ANN_BENCHMARKS", "")
N, M, D = 1500, 20, 64


class Wrapper(NamedTuple):
    """One algorithm as its config.yml makes it: `needs` is the module of its library.

    `least` is the mean recall that it must reach; where a wrapper answers at random, 0.
    """

    folder: str
    name: str
    needs: str
    args: list[Any]
    query_args: list[Any] = []  # noqa: RUF012 (nobody changes it)
    metric: Metric = "l2"
    first: str = "@metric"
    least: float = 0.5


WRAPPERS = [
    Wrapper("annoy", "Annoy", "annoy", [100], [4000], least=0.8),
    Wrapper("balltree", "BallTree", "sklearn", [10], least=1.0),
    Wrapper("bruteforce", "BruteForce", "sklearn", [], least=1.0),
    Wrapper("bruteforce", "BruteForceBLAS", "sklearn", [], least=1.0),
    Wrapper("ckdtree", "CKDTree", "scipy", [10], least=1.0),
    Wrapper("dummy_algo", "DummyAlgoSt", "sklearn", [], least=0.0),
    Wrapper("dummy_algo", "DummyAlgoMt", "sklearn", [], least=0.0),
    Wrapper("faiss", "FaissIVF", "faiss", [32], [32], least=0.99),
    Wrapper("faiss", "FaissIVFPQfs", "faiss", [32], [32, 100]),
    Wrapper("faiss", "FaissLSH", "faiss", [256], least=0.1),
    Wrapper("faiss_hnsw", "FaissHNSW", "faiss", [{"M": 12, "efConstruction": 500}], [200]),
    Wrapper("hnswlib", "HnswLib", "hnswlib", [{"M": 12, "efConstruction": 500}], [200]),
    Wrapper("kdtree", "KDTree", "sklearn", [10], least=1.0),
    Wrapper("nearpy", "NearPy", "nearpy", [16, 5], least=0.0),
    Wrapper("nmslib", "NmslibReuseIndex", "nmslib", ["hnsw", {"M": 12, "post": 0}, False], [80]),
    Wrapper(
        "pynndescent",
        "PyNNDescent",
        "pynndescent",
        [{"n_neighbors": 20, "leaf_size": 32, "diversify_prob": 1.0}],
        [0.2],
    ),
    Wrapper("scann", "Scann", "scann", [600, 0.2, 2, "dot_product"], [[300, 360]], first="",
            metric="cosine"),
    Wrapper("voyager", "Voyager", "voyager", [{"M": 12, "efConstruction": 500}], [200]),
    Wrapper(
        "vsag",
        "Vsag",
        "pyvsag",
        ["@dimension", {"M": 8, "ef_construction": 300, "use_int8": 4, "rs": 0}],
        [800],
    ),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not CHECKOUT, reason="ANN_BENCHMARKS names no checkout of ann-benchmarks")
@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda each: f"{each.folder}-{each.name}")
def test_a_wrapper_of_the_checkout_answers(wrapper: Wrapper, tmp_path: Path) -> None:
    """It is built and asked in a worker of its own, and finds what it should."""
    if importlib.util.find_spec(wrapper.needs) is None:
        pytest.skip(f"{wrapper.needs} is not installed")
    path = Path(CHECKOUT) / "ann_benchmarks" / "algorithms" / wrapper.folder / "module.py"
    base, queries = gaussian_pair(N, M, D)
    recipe = vbench.Recipe(
        name=wrapper.folder,
        adapter=f"annb:{path}:{wrapper.name}",
        build={"metric": wrapper.first, "args": [wrapper.args]},
        search={"query_args": [wrapper.query_args]},
    )
    run = vbench.run(
        vbench.Dataset("made", base, queries, wrapper.metric),
        recipe,
        builds=1,
        repeats=1,
        out=tmp_path / "run",
        progress=False,
    )
    assert [each.reason for each in run.manifest.failures] == []
    assert run.settings()[0].recall >= wrapper.least
