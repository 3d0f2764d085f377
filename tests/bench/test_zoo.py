"""Whatever an index does, the one beside it is scored, the run ends, and nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import psutil
import pytest
import zoo

TESTS = Path(__file__).parents[1]
TOGETHER = 8
NAMES = sorted(zoo.KINDS)
GROUPS = [NAMES[start : start + TOGETHER] for start in range(0, len(NAMES), TOGETHER)]

_ONLY_IN_A_WORKER = "import os, sys, time\nif sys.argv[0].endswith('worker.py'):\n    {}\n"
IMPORTS = {
    "import_raises": "raise RuntimeError('not here')",
    "import_exits": "sys.exit(3)",
    "import_dies": "os._exit(3)",
    "import_hangs": "time.sleep(600)",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with vectors, and one for temporary files."""
    (tmp_path / "tmp").mkdir()
    rng = np.random.default_rng(2)
    for name, rows in (("base", 200), ("queries", 20)):
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(rows, 6)).astype(np.float32))
    path = [str(TESTS), str(tmp_path), *filter(None, sys.path)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(mark: str) -> list[psutil.Process]:
    """Processes in whose environment the mark stands."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if each.environ().get("ZOO") == mark:
                found.append(each)
    return found


def beside_an_honest_one(place: Path, indexes: list[str]) -> tuple[int, dict[str, str]]:
    """Exit code of a run, and the reasons of its failures by index; the honest one is scored."""
    mark = uuid.uuid4().hex
    named = [f"--index={name}" for name in [*indexes, "misbehaving:Exact"]]
    data = ["--dataset=base.npy", "--metric=l2", "--builds=1", "--repeats=1", "-k", "3"]
    limits = ["--timeout=4", "--memory=0.6GB"]
    command = [sys.executable, "-c", "from vbench.cli import main; main()", "run"]
    done = subprocess.run(
        [*command, *named, *data, *limits, "--out=run", "--json"],
        env={**os.environ, "ZOO": mark},
        capture_output=True,
        timeout=600,
    )
    said = done.stderr.decode()
    assert done.returncode in (0, 1), said
    assert "Traceback" not in said
    document = json.loads(done.stdout)
    scored = {each["index"]: each["measures"] for each in document["settings"]}
    assert scored["misbehaving:Exact"]["Recall@3"]["value"] == 1.0
    reasons = {each["index"]: each["reason"] for each in document["failed"]}
    assert set(scored) | set(reasons) == {*indexes, "misbehaving:Exact"}
    assert not left(mark)
    assert not list((place / "tmp").iterdir())
    assert all(len(reason) <= 500 for reason in reasons.values())
    assert (place / "run" / "run.json").stat().st_size < 500_000
    assert done.returncode == (1 if reasons else 0)
    return done.returncode, reasons


def test_there_are_sixty_kinds() -> None:
    """And each is described by its name."""
    assert len(zoo.KINDS) + len(IMPORTS) >= 60


@pytest.mark.slow
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_the_honest_index_is_scored(place: Path, names: list[str]) -> None:
    """Those fail that must, the others are scored too."""
    _, reasons = beside_an_honest_one(place, [f"zoo:{name}" for name in names])
    failed = {name.removeprefix("zoo:") for name in reasons}
    assert failed == {name for name in names if zoo.KINDS[name] == "fails"}, reasons


@pytest.mark.slow
def test_a_module_that_fails_in_the_worker_alone(place: Path) -> None:
    """Where it was imported well before, to look at its parameters."""
    for name, code in IMPORTS.items():
        text = _ONLY_IN_A_WORKER.format(code) + "from misbehaving import Exact as Mine\n"
        (place / f"{name}.py").write_text(text)
    indexes = [f"{name}:Mine" for name in IMPORTS]
    _, reasons = beside_an_honest_one(place, indexes)
    assert set(reasons) == set(indexes)
