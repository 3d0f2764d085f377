"""Inverted files of faiss over other codes: RaBitQ, scalars of 8 bits, rotated products."""

from __future__ import annotations

from typing import Annotated, Any

import faiss
from msgspec import Meta

from vbench.errors import VbenchError
from vbench.indexes.faiss_base import own_quantizer
from vbench.indexes.faiss_ivf import IvfFlat, IvfPq, Lists, count_lists, count_sub_quantizers

_ROUNDS = 50
_LEAST_ROUNDS = 5
_VECTORS_A_CODE = 39
"""Fewer are too few to learn a code from, as faiss has it."""


class IvfSq8(IvfFlat):
    """Inverted file of vectors with 8 bits a dimension (faiss)."""

    def make(self, n: int, d: int, metric_type: int) -> Any:
        quantizer = faiss.IndexFlat(d, metric_type)
        lists, kind = count_lists(self.nlist, n), faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexIVFScalarQuantizer(quantizer, d, lists, kind, metric_type)
        return own_quantizer(index, quantizer)


class IvfRabitq(IvfFlat):
    """Inverted file of RaBitQ's codes, `nbits` a dimension, after a random rotation (faiss)."""

    def __init__(
        self, nlist: Lists | None = None, nbits: Annotated[int, Meta(ge=1, le=9)] = 5
    ) -> None:
        super().__init__(nlist)
        self.nbits = nbits

    def make(self, n: int, d: int, metric_type: int) -> Any:
        if not hasattr(faiss, "IndexIVFRaBitQ"):
            raise VbenchError("this faiss has no RaBitQ: pip install --upgrade faiss-cpu")
        quantizer = faiss.IndexFlat(d, metric_type)
        lists = count_lists(self.nlist, n)
        index = faiss.IndexIVFRaBitQ(quantizer, d, lists, metric_type, True, self.nbits)
        return _after(faiss.RandomRotationMatrix(d, d), own_quantizer(index, quantizer))


class IvfOpq(IvfPq):
    """Inverted file with product-quantized vectors, rotated to lose least by it (faiss).

    Otherwise as :class:`IvfPq`. The rotation is learned in 50 rounds as faiss does it, in fewer
    where there are less than 39 vectors for each code: then there is little to learn.
    """

    _n = 0

    def make(self, n: int, d: int, metric_type: int) -> Any:
        self._n = n
        return super().make(n, d, metric_type)

    def make_lists(self, quantizer: Any, d: int, lists: int, metric_type: int) -> Any:
        m = count_sub_quantizers(self.m, d, dimensions_each=4)
        rotation = faiss.OPQMatrix(d, m)
        # It trains products of its own.
        self._products = faiss.ProductQuantizer(d, m, self.nbits)
        self._products.cp.min_points_per_centroid = 1
        rotation.pq = self._products
        rotation.niter = count_rounds(self._n, self.nbits)
        index = super().make_lists(quantizer, d, lists, metric_type)
        return _after(rotation, index)


def count_rounds(n: int, nbits: int) -> int:
    """In how many rounds a rotation for products of 2^`nbits` codes is learned."""
    share = n / (_VECTORS_A_CODE << nbits)
    return max(_LEAST_ROUNDS, round(min(1.0, share) * _ROUNDS))


def _after(transform: Any, index: Any) -> Any:
    """The index behind a transform of the vectors; both come to belong to the result."""
    whole = faiss.IndexPreTransform(transform, index)
    transform.this.disown()
    index.this.disown()
    whole.own_fields = True
    return whole
