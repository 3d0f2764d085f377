"""Locality-sensitive hashing of faiss, with exact refinement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import faiss
from msgspec import Meta

from vbench.indexes.faiss_base import FaissIndex, keep_vectors
from vbench.indexes.protocol import Index
from vbench.metric import Metric


class FaissLsh(FaissIndex):
    """Signs of random projections compared by Hamming distance, the best refined (faiss).

    Signs see angles only. Inner product therefore comes as `mips-l2`, in which all base
    vectors have one length: Neyshabur and Srebro, "On Symmetric and Asymmetric LSHs for Inner
    Product Search", ICML 2015.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2"})
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"k_factor": [2, 4, 16, 64]}
    tune_parameter = "k_factor"
    allow = Index.allow  # faiss refuses a selector here

    def __init__(self, nbits: Annotated[int, Meta(ge=8, le=65_536)] = 512) -> None:
        super().__init__()
        self.nbits = nbits

    def make(self, n: int, d: int, metric_type: int) -> Any:
        return keep_vectors(faiss.IndexLSH(d, self.nbits, True))

    def set(self, k_factor: Annotated[float, Meta(ge=1, le=100_000)] = 16) -> None:
        self.configure(k_factor_rf=k_factor)
