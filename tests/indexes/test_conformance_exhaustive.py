"""The check of an index's own exhaustive search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vbench.indexes.conformance.kit import CHECKS, perform
from vbench.indexes.conformance.subject import Subject
from vbench.indexes.flat import Flat
from vbench.indexes.hnsw import Hnsw
from vbench.indexes.protocol import has_exact

NUMBER = [name for name, _ in CHECKS].index("exact mode")


def status(kind: type[Any]) -> tuple[str, str]:
    found = perform(NUMBER, Subject(kind, {}, {}))
    return found.status, found.reason


class Shifted(Flat):
    """Its exact mode counts from 1."""

    def exact(self, queries: Any, k: int) -> Any:
        return self.search(queries, k) + 1


class Partial(Flat):
    """Its exact mode looks at the first half."""

    def exact(self, queries: Any, k: int) -> Any:
        found = self.search(queries, k)
        return np.where(found < 500, found, -1)


class Open(Flat):
    """Its exact mode forgets the filter."""

    def exact(self, queries: Any, k: int) -> Any:
        filtered, self._filtered = self._filtered, None
        try:
            return self.search(queries, k)
        finally:
            self._filtered = filtered


def test_an_exact_mode_finds_the_exact_neighbors() -> None:
    """With and without a filter; an index without such a mode is not asked."""
    assert has_exact(Flat)
    assert status(Flat) == ("pass", "")
    assert not has_exact(Hnsw)
    assert status(Hnsw)[0] == "skip"


@pytest.mark.parametrize(
    ("kind", "said"),
    [(Shifted, "exact"), (Partial, "recall of exact is"), (Open, "no row of the base that passes")],
)
def test_an_exact_mode_that_is_not_is_found(kind: type[Any], said: str) -> None:
    """Shifted ids, part of the base, a forgotten filter."""
    found, reason = status(kind)
    assert found == "fail"
    assert said in reason
