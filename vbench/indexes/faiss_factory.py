"""Any index that faiss can make from a factory string, such as ``IVF1024,PQ16,RFlat``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import faiss
from msgspec import Meta

from vbench.errors import VbenchError
from vbench.indexes.faiss_base import FaissIndex

Count = Annotated[int, Meta(ge=1, le=10_000_000)]

# A dimension that most product quantizers divide, to try a string before there is data.
_TRIAL_DIMENSION = 960
_MOST_DIMENSIONS = 65_536
_QUANTIZERS = re.compile(r"[PLR]S?Q(\d{1,4})")
_SWEEPS: dict[str, dict[str, list[int]]] = {
    "IVF": {"nprobe": [1, 4, 16, 64]},
    "IMI": {"nprobe": [1, 4, 16, 64]},
    "HNSW": {"efSearch": [16, 32, 64, 128]},
    "RFlat": {"k_factor_rf": [1, 4, 16, 64]},
}


class FaissFactory(FaissIndex):
    """An index of faiss made from `factory`; search parameters bear faiss's own names."""

    factory: ClassVar[str] = "Flat"

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        lists = re.search(r"IVF(\d+)(?![\d(kKmM])", cls.factory)
        graph = {"efSearch": float(n)} if "HNSW" in cls.factory.partition("IVF")[0] else {}
        return graph | ({"nprobe": float(lists[1])} if lists else {})

    def make(self, n: int, d: int, metric_type: int) -> Any:
        try:
            return faiss.index_factory(d, self.factory, metric_type)
        except RuntimeError as error:
            raise VbenchError(
                f"faiss cannot make {self.factory!r} for {d} dimensions: "
                + str(error).rpartition("Error: ")[2].strip()  # without the place in its source
            ) from None

    def set(
        self,
        nprobe: Count | None = None,
        efSearch: Count | None = None,
        k_factor_rf: Annotated[float, Meta(ge=1, le=100_000)] | None = None,
        quantizer_efSearch: Count | None = None,
        quantizer_nprobe: Count | None = None,
        max_codes: Annotated[int, Meta(ge=0)] | None = None,
        ht: Annotated[int, Meta(ge=0, le=65_536)] | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name != "self"}
        self.configure(**{name: value for name, value in given.items() if value is not None})


def factory_class(factory: str) -> type[FaissFactory]:
    """The adapter of one factory string.

    Raises
    ------
    VbenchError
        The string is not one that faiss understands.
    """
    try:
        faiss.index_factory(_TRIAL_DIMENSION, factory)
    except RuntimeError as error:
        # A string may be right and only not fit this dimension; the data will tell.
        if "could not parse" in str(error):
            raise VbenchError(
                f"faiss does not understand the factory string {factory!r} "
                "(examples: 'Flat', 'HNSW32', 'IVF1024,Flat', 'IVF1024,PQ16x4fs,RFlat')"
            ) from None
    sweep: Mapping[str, Sequence[Any]] = next(
        (sweep for word, sweep in _SWEEPS.items() if word in factory), {}
    )
    members = {
        "__doc__": f"faiss index {factory!r}.",
        "__module__": __name__,
        "factory": factory,
        "dimensions": _dimensions(factory),
        "sweep": sweep,
        "tune_parameter": next(iter(sweep), None),
    }
    return type("FaissFactory", (FaissFactory,), members)


def _dimensions(factory: str) -> range | None:
    """The multiples that a product quantizer asks for, where nothing comes before it; else any."""
    for count in map(int, _QUANTIZERS.findall(factory)):
        made = [_can_make(factory, d) for d in (count, count + 1, 2 * count)]
        if count > 1 and made == [True, False, True]:
            return range(count, _MOST_DIMENSIONS + 1, count)
    return None


def _can_make(factory: str, d: int) -> bool:
    try:
        faiss.index_factory(d, factory)
    except RuntimeError:
        return False
    return True
