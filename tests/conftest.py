"""What every test has: a home of its own, and the misbehaving indexes importable."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from hypothesis import settings

# No test depends on how fast it runs.
settings.register_profile("vbench", deadline=None)
settings.load_profile("vbench")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for fetched data and truth, so that no test sees another's or the user's."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("VBENCH_HOME", str(folder))
    # Other tests that run at the same time hold cores too.
    monkeypatch.setenv("VBENCH_CORES", uuid.uuid4().hex)
    return folder
