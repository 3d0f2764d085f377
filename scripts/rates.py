"""What large runs take of a core, from rates that are measured here: CPU time, one thread.

``python scripts/rates.py > FILE``: JSON of core hours and bytes by size of the base. Exact search
and inverted files of a fixed number of lists grow as the base does; a graph grows a little faster,
so what stands there for it is the least.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vbench.data.generate import Mixture
from vbench.indexes.faiss_ivf import IvfFlat, IvfPq
from vbench.indexes.hnsw import Hnsw
from vbench.indexes.protocol import Index
from vbench.neighbors.exact import nearest

DIM, DEPTH, QUERIES, ASKED = 96, 200, 1_000, 10_000
SEARCHED, LISTED, LINKED = 500_000, 600_000, 40_000
SIZES = (10_000_000, 100_000_000, 1_000_000_000)
LISTS = 1_024
CODE_BYTES = 24 + 8
"""Of a vector as codes alone: 24 sub-quantizers of a byte, and its id."""


def main() -> None:
    """Print the table."""
    mixture = Mixture(DIM, seed=0)
    base = np.concatenate(list(mixture.base(LISTED)))
    queries, _ = mixture.queries(QUERIES)
    with threadpool_limits(1):
        searched = seconds(lambda: nearest(queries, base[:SEARCHED], "l2", DEPTH))
        pair = searched / (SEARCHED * QUERIES)
        lists = growth(lambda: IvfFlat(nlist=LISTS), base)
        codes = growth(lambda: IvfPq(nlist=LISTS), base)
        graph = growth(lambda: Hnsw(M=16, ef_construction=200), base[:LINKED])
    table = {
        str(n): {
            "exact search, core hours": pair * n * ASKED / 3600,
            "ivf-flat, core hours": (lists[0] + lists[1] * n) / 3600,
            "ivf-pq, core hours": (codes[0] + codes[1] * n) / 3600,
            "hnsw, core hours": (graph[0] + graph[1] * n) / 3600,
            "float16 on disk, GB": 2 * DIM * n / 1e9,
            "float32, GB": 4 * DIM * n / 1e9,
            "codes alone, GB": CODE_BYTES * n / 1e9,
        }
        for n in SIZES
    }
    print(json.dumps(table, indent=1))


def growth(make: Callable[[], Index], base: NDArray[np.float32]) -> tuple[float, float]:
    """CPU seconds of a build: those of any, and those of each vector, by two sizes."""
    n = len(base)
    spent = []
    for some in (base[: n // 2], base):
        index = make()
        spent.append(
            seconds(lambda fitted=index, part=some: fitted.fit(part, "l2", seed=0, threads=1))
        )
    each = max(0.0, spent[1] - spent[0]) / (n - n // 2)
    return max(0.0, spent[1] - each * n), each


def seconds(work: Callable[[], object]) -> float:
    """CPU time of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
