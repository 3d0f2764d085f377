"""What `--json` prints is what its schema says, of every command."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from render.made_run import make_run

from vbench.cli import main

_SCRIPT = Path(__file__).parents[2] / "scripts" / "schemas.py"


@pytest.fixture(scope="module")
def schemas() -> Any:
    spec = importlib.util.spec_from_file_location("schemas", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "command",
    [
        "run --index flat --index hnsw --builds 2 --repeats 1 -k 4 --dataset base.npy "
        "--queries q.npy --metric l2 --out measured",
        "compare made --fail-if-worse 0.1",
        "tail made",
        "report made",
        "data list",
        "data show books",
        "data show base.npy --queries q.npy --metric l2",
        "data convert base.npy out.hdf5 --metric l2 --queries q.npy",
        "data truth base.npy --metric l2 --depth 5 --queries q.npy",
        "data prune",
        "index list",
        "index show hnsw",
    ],
)
def test_a_document_is_read_back_by_its_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schemas: Any, command: str
) -> None:
    """No field is missing, unknown or of another type; written again, it is the same text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))
    rng = np.random.default_rng(5)
    np.save("base.npy", rng.normal(size=(60, 4)).astype(np.float32))
    np.save("q.npy", rng.normal(size=(12, 4)).astype(np.float32))
    if "made" in command:
        make_run(tmp_path / "made", m=40, builds=2, settings=2)
    result = CliRunner().invoke(main, [*command.split(), "--json"])
    assert result.exit_code in (0, 1), result.output
    schema = json.loads(result.stdout)["schema"]
    (document,) = (each for each in schemas.documents() if each.__struct_config__.tag == schema)
    assert json.loads(document.from_json(result.stdout).to_json()) == json.loads(result.stdout)
