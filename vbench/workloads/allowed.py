"""Which base vectors may answer which query, as arrays that any process can read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.indexes.predicate import Comparison, Predicate, Value, join

Mask = NDArray[np.bool_]
Ids = NDArray[np.integer[Any]]

_Said = tuple[Predicate | None, str, tuple[Value, ...]]
_OTHERS = ("n", "m", "said")
_PAIRS = 1 << 22
"""Pairs of a query and a vector at a time."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Allowed:
    """A condition on `n` base vectors for each of `m` queries; what is None restricts nothing.

    Attributes
    ----------
    mask : bool (n,)
        Vectors that may answer any query.
    item_codes : int32 (n,), query_codes : int32 (m,)
        A vector may answer the queries of the same code; −1 is the code of no vector.
    predicate
        `mask` as a tree of comparisons of attributes; None where it is none.
    code_column, code_values
        The attribute that codes stand for, and the value of each code.
    excluded_ends : int64 (m,), excluded : int64 (pairs,)
        Vectors that may not answer a query, ascending: those of query i end before
        ``excluded_ends[i]``, where those of the next begin.
    """

    n: int
    m: int
    mask: Mask | None = None
    item_codes: NDArray[np.int32] | None = None
    query_codes: NDArray[np.int32] | None = None
    excluded_ends: NDArray[np.int64] | None = None
    excluded: NDArray[np.int64] | None = None
    predicate: Predicate | None = None
    code_column: str = ""
    code_values: tuple[Value, ...] = ()

    @property
    def is_shared(self) -> bool:
        """Whether the condition is the same for all queries."""
        return self.item_codes is None and self.excluded is None

    def __and__(self, other: Allowed) -> Allowed:
        """Both conditions at once."""
        masks = [each.mask for each in (self, other) if each.mask is not None]
        coded, listed = (
            [each for each in (self, other) if getattr(each, name) is not None]
            for name in ("item_codes", "excluded")
        )
        if len(coded) > 1 or len(listed) > 1:
            raise ValueError("one attribute of the query and one list of exclusions at most")
        trees = [each.predicate for each in (self, other) if each.mask is not None]
        known = [each for each in trees if each is not None]
        return Allowed(
            n=self.n,
            m=self.m,
            mask=np.logical_and.reduce(masks) if masks else None,
            predicate=join(*known) if known and len(known) == len(trees) else None,
            code_column=coded[0].code_column if coded else "",
            code_values=coded[0].code_values if coded else (),
            item_codes=coded[0].item_codes if coded else None,
            query_codes=coded[0].query_codes if coded else None,
            excluded_ends=listed[0].excluded_ends if listed else None,
            excluded=listed[0].excluded if listed else None,
        )

    def excluded_of(self, query: int) -> NDArray[np.int64]:
        """Vectors that may not answer a query whatever else allows them, ascending."""
        if self.excluded is None or self.excluded_ends is None:
            return np.empty(0, dtype=np.int64)
        first = self.excluded_ends[query - 1] if query else 0
        return self.excluded[first : self.excluded_ends[query]]

    def of_code(self, code: int | None) -> Mask:
        """Vectors that may answer the queries of a code, exclusions left aside: bool (n,)."""
        mask = np.ones(self.n, dtype=bool) if self.mask is None else self.mask
        if self.item_codes is None or code is None:
            return mask
        return np.asarray(mask & (self.item_codes == code) & (code >= 0))

    def of_query(self, query: int) -> Mask:
        """Vectors that may answer a query: bool (n,)."""
        code = None if self.query_codes is None else int(self.query_codes[query])
        mask = self.of_code(code).copy()
        mask[self.excluded_of(query)] = False
        return mask

    def predicate_of(self, code: int | None) -> Predicate | None:
        """What may answer the queries of a code as a tree of comparisons; None where it is none."""
        if self.excluded is not None or (self.mask is not None and self.predicate is None):
            return None
        parts = [] if self.predicate is None else [self.predicate]
        if self.item_codes is not None and code is not None:
            value = self.code_values[code] if code >= 0 else None
            parts.append(Comparison(self.code_column, "=", value))
        return join(*parts) if parts else None

    def codes(self) -> list[int | None]:
        """The codes of the queries, each once; a single None where there are none."""
        return [None] if self.query_codes is None else np.unique(self.query_codes).tolist()

    def queries_of(self, code: int | None) -> NDArray[np.intp]:
        """Queries of a code, ascending."""
        if code is None or self.query_codes is None:
            return np.arange(self.m)
        return np.flatnonzero(self.query_codes == code)

    def counts(self) -> NDArray[np.int64]:
        """How many vectors may answer each query: (m,)."""
        found = np.zeros(self.m, dtype=np.int64)
        for code in self.codes():
            rows, mask = self.queries_of(code), self.of_code(code)
            found[rows] = mask.sum()
            if self.excluded is not None:
                found[rows] -= [int(mask[self.excluded_of(row)].sum()) for row in rows.tolist()]
        return found

    def admits(self, queries: NDArray[np.integer[Any]], ids: Ids) -> Mask:
        """Whether vectors `ids` (r, k) may answer `queries` (r,); −1 never may: bool (r, k)."""
        result = np.empty(ids.shape, dtype=bool)
        step = max(1, _PAIRS // max(1, ids.shape[1]))
        for first in range(0, len(ids), step):
            part = slice(first, first + step)
            result[part] = self._admits(queries[part], ids[part])
        return result

    def _admits(self, queries: NDArray[np.integer[Any]], ids: Ids) -> Mask:
        good = ids >= 0
        known = np.where(good, ids, 0)
        if self.mask is not None:
            good &= self.mask[known]
        if self.item_codes is not None and self.query_codes is not None:
            codes = self.query_codes[queries][:, np.newaxis]
            good &= (self.item_codes[known] == codes) & (codes >= 0)
        if self.excluded is not None and self.excluded_ends is not None:
            # Pairs of a query and a vector as one ascending number each.
            sizes = np.diff(self.excluded_ends, prepend=0)
            pairs = np.repeat(np.arange(self.m), sizes) * self.n + self.excluded
            asked = queries[:, np.newaxis].astype(np.int64) * self.n + known
            place = np.searchsorted(pairs, asked)
            if len(pairs):
                good &= pairs[np.minimum(place, len(pairs) - 1)] != asked
        return good

    def digest(self) -> str:
        """SHA-256 of the condition."""
        found = hashlib.sha256(f"{self.n},{self.m}".encode())
        for name, array in self._arrays().items():
            found.update(f"|{name}|".encode() + np.ascontiguousarray(array).tobytes())
        return found.hexdigest()

    def save(self, path: Path) -> None:
        """Write the condition for another process."""
        with path.open("wb") as file:
            said = msgspec.json.encode((self.predicate, self.code_column, self.code_values))
            arrays: dict[str, Any] = {"n": self.n, "m": self.m, **self._arrays()}
            np.savez(file, said=np.frombuffer(said, dtype=np.uint8), **arrays)

    @classmethod
    def load(cls, path: Path) -> Allowed:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files if name not in _OTHERS}
            predicate, column, values = msgspec.json.decode(stored["said"].tobytes(), type=_Said)
            return cls(
                n=int(stored["n"]),
                m=int(stored["m"]),
                predicate=predicate,
                code_column=column,
                code_values=values,
                **arrays,
            )

    def _arrays(self) -> dict[str, NDArray[Any]]:
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: each for name, each in given.items() if isinstance(each, np.ndarray)}
