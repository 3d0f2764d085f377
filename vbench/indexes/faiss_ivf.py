"""Inverted files of faiss: flat, and product-quantized with exact refinement."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import faiss
from msgspec import Meta

from vbench.errors import VbenchError
from vbench.indexes.faiss_base import FaissIndex, keep_vectors, own_quantizer
from vbench.indexes.protocol import Ids, Index, Vectors

Lists = Annotated[int, Meta(ge=1, le=10_000_000)]
Probes = Annotated[int, Meta(ge=1, le=10_000_000)]
Factor = Annotated[float, Meta(ge=1, le=10_000)]


class IvfFlat(FaissIndex):
    """Inverted file over k-means cells, vectors kept whole (faiss)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"nprobe": [1, 4, 16, 64]}
    tune_parameter = "nprobe"

    def __init__(self, nlist: Lists | None = None) -> None:
        super().__init__()
        self.nlist = nlist

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"nprobe": count_lists(build.get("nlist"), n)}

    def make(self, n: int, d: int, metric_type: int) -> Any:
        quantizer = faiss.IndexFlat(d, metric_type)
        lists = count_lists(self.nlist, n)
        return own_quantizer(faiss.IndexIVFFlat(quantizer, d, lists, metric_type), quantizer)

    def set(self, nprobe: Probes = 8) -> None:
        self.configure(nprobe=nprobe)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add to the lists whose centroids ``fit`` has learned."""
        self.add_under(ids, vectors)

    def remove(self, ids: Ids) -> None:
        self.remove_ids(ids)


class IvfPq(IvfFlat):
    """Inverted file with product-quantized vectors, the best refined exactly (faiss).

    `m` is the number of sub-quantizers and divides the dimension; `nbits` the bits of each.
    `k_factor` times k candidates are compared again with the whole vectors, which
    ``refine=False`` does not keep.
    """

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"nprobe": [4, 16, 64], "k_factor": [4, 16]}
    # The vectors kept beside the lists have places and no ids.
    add = Index.add
    remove = Index.remove

    def __init__(
        self,
        nlist: Lists | None = None,
        m: Annotated[int, Meta(ge=1, le=65_536)] | None = None,
        nbits: Annotated[int, Meta(ge=4, le=12)] = 8,
        refine: bool = True,
    ) -> None:
        super().__init__(nlist)
        self.m = m
        self.nbits = nbits
        self.refine = refine

    def make(self, n: int, d: int, metric_type: int) -> Any:
        quantizer = faiss.IndexFlat(d, metric_type)
        lists = count_lists(self.nlist, n)
        if n < 1 << self.nbits:
            # Fewer vectors than a code book has codes: there is nothing to learn it from.
            flat = faiss.IndexIVFFlat(quantizer, d, lists, metric_type)
            inner = own_quantizer(flat, quantizer)
        else:
            inner = self.make_lists(quantizer, d, lists, metric_type)
        return keep_vectors(inner) if self.refine else inner

    def make_lists(self, quantizer: Any, d: int, lists: int, metric_type: int) -> Any:
        """The inverted file itself, which comes to own its quantizer."""
        m = count_sub_quantizers(self.m, d, dimensions_each=4)
        index = faiss.IndexIVFPQ(quantizer, d, lists, m, self.nbits, metric_type)
        return own_quantizer(index, quantizer)

    def set(self, nprobe: Probes = 8, k_factor: Factor = 8) -> None:
        refinement = {"k_factor_rf": k_factor} if self.refine else {}
        self.configure(nprobe=nprobe, **refinement)


class IvfPqFastScan(IvfPq):
    """Inverted file with 4-bit codes scanned in registers, the best refined exactly (faiss)."""

    def __init__(
        self,
        nlist: Lists | None = None,
        m: Annotated[int, Meta(ge=1, le=65_536)] | None = None,
        refine: bool = True,
    ) -> None:
        super().__init__(nlist=nlist, m=m, nbits=4, refine=refine)

    def make_lists(self, quantizer: Any, d: int, lists: int, metric_type: int) -> Any:
        m = count_sub_quantizers(self.m, d, dimensions_each=2)
        index = faiss.IndexIVFPQFastScan(quantizer, d, lists, m, self.nbits, metric_type)
        return own_quantizer(index, quantizer)


def count_lists(given: int | None, n: int) -> int:
    """How many cells: 4·√n, as faiss advises, and about 39 vectors or more in each."""
    if given is None:
        return max(1, min(round(4 * math.sqrt(n)), n // 39))
    if given > max(1, n):
        raise VbenchError(f"nlist={given} is more cells than there are vectors ({n}); lower nlist")
    return given


def count_sub_quantizers(given: int | None, d: int, dimensions_each: int) -> int:
    """How many sub-quantizers: the divisor of `d` that gives each about that many dimensions."""
    divisors = [m for m in range(1, d + 1) if d % m == 0]
    if given is None:
        return min(divisors, key=lambda m: abs(math.log(m * dimensions_each / d)))
    if given not in divisors:
        allowed = ", ".join(map(str, divisors))
        raise VbenchError(f"m={given} does not divide the dimension {d}; allowed: {allowed}")
    return given
