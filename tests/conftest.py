"""What every test has: a home of its own, and the misbehaving indexes importable."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from own_entry_points import register_entry_points
from strays import end_commands
from vectors import save_pair

# No test depends on how fast it runs.
settings.register_profile("vbench", deadline=None)
settings.load_profile("vbench")
register_entry_points()


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for fetched data and truth, so that no test sees another's or the user's."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("VBENCH_HOME", str(folder))
    # Tests that run side by side are given a width, and how wide tables are does not hang on that.
    monkeypatch.delenv("COLUMNS", raising=False)
    # Other tests that run at the same time hold cores too.
    monkeypatch.setenv("VBENCH_CORES", uuid.uuid4().hex)
    return folder


@pytest.fixture(autouse=True)
def commands() -> Iterator[None]:
    """No command outlives its test."""
    yield
    end_commands()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to work in, with small vectors; temporary files go into its `tmp`.

    Commands that are started there find what tests can import.
    """
    (tmp_path / "tmp").mkdir()
    save_pair(tmp_path, 200, 20, 6, seed=2)
    path = [str(Path(__file__).parent), str(tmp_path), *filter(None, sys.path)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
