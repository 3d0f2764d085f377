"""What faiss needs beyond its own calls: counters, limits, clear errors."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from vectors import gaussian_pair

from vbench.errors import VbenchError
from vbench.indexes.faiss_factory import FaissFactory, factory_class
from vbench.indexes.faiss_graph import FaissHnsw, FaissNsg
from vbench.indexes.faiss_ivf import IvfFlat, IvfPq, IvfPqFastScan
from vbench.indexes.flat import Flat

BASE, QUERIES = gaussian_pair(500, 20, 8, seed=12)


def test_work_counts_the_distances_of_an_inverted_file() -> None:
    """Every list probed: all base vectors and all centroids, for each query; then zero again."""
    index = IvfFlat(nlist=10)
    index.fit(BASE, "l2", seed=1, threads=1)
    index.set(nprobe=10)
    index.search(QUERIES, 5)
    assert index.work() == len(QUERIES) * (len(BASE) + 10)
    assert index.work() == 0
    index.search_one(QUERIES[0], 5)
    assert index.work() == len(BASE) + 10


def test_work_counts_refinement() -> None:
    """k_factor · k exact distances a query come on top."""
    index = IvfPq(nlist=10, m=4, nbits=4)
    index.fit(BASE, "l2", seed=1, threads=1)
    index.set(nprobe=10, k_factor=3)
    index.search(QUERIES, 5)
    assert index.work() == len(QUERIES) * (len(BASE) + 10 + 15)


def test_work_of_a_graph_grows_with_the_width_of_search() -> None:
    """Distances are counted from the search alone, not from the build."""
    index = FaissHnsw(M=8, ef_construction=40)
    index.fit(BASE, "l2", seed=1, threads=1)
    assert index.work() == 0
    counts = []
    for ef in (5, 100):
        index.set(ef=ef)
        index.search(QUERIES, 5)
        counts.append(index.work() or 0)
    assert 0 < counts[0] < counts[1] <= 2 * len(QUERIES) * len(BASE)


def test_work_is_unknown_where_nothing_counts_it() -> None:
    """Exact search has no counter in faiss."""
    index = Flat()
    index.fit(BASE, "l2", seed=1, threads=1)
    index.search(QUERIES, 5)
    assert index.work() is None


@pytest.mark.parametrize("k", [300, 310])
def test_nsg_ends_where_pool_or_k_is_larger_than_the_base(k: int) -> None:
    """Both are held to n: faiss would search for ever."""
    index = FaissNsg(neighbors=32)
    index.fit(BASE[:300], "l2", seed=1, threads=1)
    index.set(search_L=10_000)
    assert isinstance(faiss.downcast_index(index.index), faiss.IndexNSG)
    ids = index.search(QUERIES, k)
    assert ids.shape == (len(QUERIES), k)
    assert index.search_one(QUERIES[0], k).shape == (k,)
    assert (np.sort(ids, axis=1)[:, k - 300 :] == np.arange(300)).mean() > 0.99


def test_lists_are_chosen_from_the_number_of_vectors() -> None:
    """4·√n lists, fewer where they would hold under 39 vectors; one for a handful."""
    for n, lists in ((20, 1), (500, 12), (10_000, 256), (50_000, 894)):
        assert IvfFlat().make(n, 8, faiss.METRIC_L2).nlist == lists


def test_more_lists_than_vectors_are_refused() -> None:
    """The message holds both numbers."""
    with pytest.raises(VbenchError, match=r"nlist=600 is more cells than there are vectors \(500"):
        IvfFlat(nlist=600).fit(BASE, "l2", seed=1, threads=1)


@pytest.mark.parametrize("kind", [IvfPq, IvfPqFastScan])
def test_sub_quantizers_must_divide_the_dimension(kind: type[IvfPq]) -> None:
    """The message lists what does; without a value one is found for any dimension."""
    with pytest.raises(VbenchError, match="m=3 does not divide the dimension 8; allowed: 1, 2, 4"):
        kind(m=3).fit(BASE, "l2", seed=1, threads=1)
    for d in (1, 7, 50, 65):
        kind().make(1000, d, faiss.METRIC_L2)


def test_search_parameters_given_before_fit_hold_after_it() -> None:
    """A call of set may come first; fit passes it on."""
    index = IvfFlat(nlist=10)
    index.set(nprobe=10)
    index.fit(BASE, "l2", seed=1, threads=1)
    assert index.index.nprobe == 10


def test_a_factory_string_that_faiss_does_not_know_is_refused_at_once() -> None:
    """Before any data is there, with examples."""
    with pytest.raises(VbenchError, match="does not understand the factory string 'IVFF12'"):
        factory_class("IVFF12")


def test_a_factory_that_does_not_fit_the_data_says_so() -> None:
    """The string is right, the dimension is not a multiple of 3."""
    index = factory_class("PQ3")()
    with pytest.raises(VbenchError, match="cannot make 'PQ3' for 8 dimensions"):
        index.fit(BASE, "l2", seed=1, threads=1)


def test_a_factory_refuses_a_parameter_that_its_index_lacks() -> None:
    """An inverted file has no efSearch."""
    index = factory_class("IVF4,Flat")()
    index.fit(BASE, "l2", seed=1, threads=1)
    with pytest.raises(VbenchError, match="IndexIVFFlat of faiss does not take efSearch=4"):
        index.set(nprobe=2, efSearch=4)


def test_a_factory_knows_its_sweep_from_its_string() -> None:
    """Lists sweep nprobe, graphs efSearch, refinements k_factor_rf, others nothing."""
    parameters = {"IVF64,Flat": "nprobe", "HNSW8,Flat": "efSearch", "PQ8,RFlat": "k_factor_rf"}
    assert {each: factory_class(each).tune_parameter for each in parameters} == parameters
    assert factory_class("Flat").sweep == {}
    assert issubclass(factory_class("Flat"), FaissFactory)


def test_a_factory_knows_its_dimensions_from_its_string() -> None:
    """A product quantizer takes multiples; one after a transform takes what that makes."""
    dimensions = {
        "IVF4,PQ48x4fs,RFlat": range(48, 65_537, 48),
        "HNSW8_PQ8": range(8, 65_537, 8),
        "OPQ16_64,IVF4,PQ16": None,
        "Flat": None,
        "LSQ4x8": None,
    }
    assert {each: factory_class(each).dimensions for each in dimensions} == dimensions
