"""Every search in these tests proves the bounds of its candidates at each step."""

from __future__ import annotations

import pytest

from vbench.neighbors import candidates


@pytest.fixture(autouse=True)
def _checked(monkeypatch):
    monkeypatch.setattr(candidates, "CHECKED", True)
