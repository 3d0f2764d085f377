"""Exact search on a GPU: what the CPU finds, to the bit. Without a GPU torch's CPU stands in."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from vbench.errors import DataError, MissingExtraError, VbenchError
from vbench.metric import METRICS
from vbench.neighbors import gpu
from vbench.neighbors.exact import nearest
from vbench.neighbors.gpu import nearest_on, open_gpu

RNG = np.random.default_rng(2)


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest):
    """Where torch computes."""
    torch = pytest.importorskip("torch")
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU")
    return torch.device(request.param)


def clustered(n: int, d: int) -> np.ndarray:
    centers = RNG.standard_normal((20, d))
    return (centers[RNG.integers(0, 20, n)] + 0.1 * RNG.standard_normal((n, d))).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 10, 300])
def test_it_finds_what_the_cpu_finds(monkeypatch: pytest.MonkeyPatch, device, metric, k) -> None:
    """Ids and distances, over several slabs, groups and chunks, in a part of the base."""
    monkeypatch.setattr(gpu, "_SLAB_ROWS", 700)
    monkeypatch.setattr(gpu, "_GROUP_BYTES", 12 * 600 * 40)
    monkeypatch.setattr(gpu, "_TILE_BYTES", 4 * 1300 * 30)
    base, queries = clustered(5000, 12), clustered(100, 12)
    if metric == "cosine":
        base[::77] = 0
    seen = []
    found = nearest_on(device, queries, base, metric, k, start=100, stop=4800,
                       progress=lambda rows, m: seen.append(rows * m))  # fmt: skip
    wanted = nearest(queries, base, metric, k, start=100, stop=4800)
    assert np.array_equal(found[0], wanted[0])
    assert np.array_equal(found[1], wanted[1])
    assert sum(seen) == 4700 * 100


@pytest.mark.parametrize("metric", METRICS)
def test_ties_are_broken_as_on_the_cpu(device, metric) -> None:
    """More copies than there is room for: nobody can be sure on the GPU, and all is done again."""
    base = np.repeat(clustered(4, 8), 1000, axis=0)
    found = nearest_on(device, base[::500], base, metric, 5)
    wanted = nearest(base[::500], base, metric, 5)
    assert np.array_equal(found[0], wanted[0])


def test_fewer_rows_than_neighbors_are_padded(device) -> None:
    """With −1 and inf, as ever."""
    base, queries = clustered(7, 4), clustered(3, 4)
    ids, distances = nearest_on(device, queries, base, "l2", 9)
    assert np.array_equal(ids, nearest(queries, base, "l2", 9)[0])
    assert (ids[:, 7:] == -1).all()
    assert np.isinf(distances[:, 7:]).all()


@pytest.mark.parametrize("large", [1e20, 1e-30])
def test_numbers_that_float32_cannot_square_are_done_in_float64(device, large) -> None:
    """None is lost to Inf − Inf, nor to zeros."""
    base, queries = clustered(900, 6) * np.float32(large), clustered(9, 6) * np.float32(large)
    found = nearest_on(device, queries, base, "l2", 4)
    assert np.array_equal(found[0], nearest(queries, base, "l2", 4)[0])


def test_what_is_no_number_is_refused(device) -> None:
    """With its row, as the CPU says it."""
    base = clustered(900, 6)
    base[321, 2] = np.nan
    with pytest.raises(DataError, match="base, row 321: the vector holds NaN or Inf"):
        nearest_on(device, base[:5], base, "ip", 4)


def test_a_device_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As is the extra, and a name that is none."""
    for wrong in ("gpu", "cuda:", "cuda:x", "mps"):
        with pytest.raises(VbenchError, match="is no device; give cpu, cuda, or cuda:1"):
            open_gpu(wrong)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"vbench-ann\[gpu\]"):
        open_gpu("cuda")


def test_a_gpu_that_torch_does_not_find_is_told() -> None:
    """With how many it finds."""
    pytest.importorskip("torch")
    with pytest.raises(VbenchError, match="there is no GPU 'cuda:99' here"):
        open_gpu("cuda:99")
