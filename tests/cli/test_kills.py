"""Commands of `vbench data` that are killed at any time, and given again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import vbench
from vbench.data.ground_truth import compute_ground_truth

pytestmark = pytest.mark.slow
_KILLS = 12
_CALL = "import sys; from vbench.cli import main; sys.argv[0] = 'vbench'; main()"


@pytest.fixture
def place(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with vectors that have to be converted, and a spool of its own."""
    rng = np.random.default_rng(0)
    np.savez_compressed(
        tmp_path / "x.npz",
        base=rng.normal(size=(60_000, 24)),
        queries=rng.normal(size=(300, 24)),
        metric="l2",
    )
    card = f'metric = "l2"\n[[files]]\nurls = ["{(tmp_path / "x.npz").as_uri()}"]\n'
    (tmp_path / "card.toml").write_text(card)
    (tmp_path / "spool").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "spool"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _CALL, "data", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def _left(place: Path, home: Path) -> list[Path]:
    """What no finished command leaves."""
    return [
        path
        for folder in (place, home)
        for path in folder.rglob("*")
        if path.name.startswith((".", "vbench-")) or ".part" in path.name
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "x.npz"),
        ("convert", "x.npz", "folder", "--force"),
        ("convert", "x.npz", "out.fbin", "--force"),
        ("fetch", "./card.toml"),
        ("truth", "x.npz", "--depth", "50"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_same_command_again_makes_it_right(
    place: Path, home: Path, arguments: tuple[str, ...]
) -> None:
    """Whenever it is killed: nothing is left behind, and what is there is whole."""
    rng = random.Random(str(arguments))
    began = time.monotonic()
    first = _start(*arguments)
    first.communicate()
    assert first.returncode == 0
    takes = time.monotonic() - began
    for _ in range(_KILLS):
        for kept in (*home.rglob("*.npy"), *home.rglob("*.npz")):
            kept.unlink()
        call = _start(*arguments)
        time.sleep(rng.uniform(0.3, 1.0) * takes)
        os.killpg(call.pid, signal.SIGKILL)
        call.communicate()
    last = _start(*arguments)
    said = last.communicate()[1].decode()
    assert last.returncode == 0, said
    assert not _left(place, home)
    data = vbench.load(place / "x.npz")
    found = compute_ground_truth(data, 50)
    np.testing.assert_array_equal(found.ids, compute_ground_truth(data, 50, cache=False).ids)
    for made in (place / "folder", place / "out_base.fbin"):
        if made.exists():
            np.testing.assert_array_equal(vbench.load(made, metric="l2").base, data.base)
