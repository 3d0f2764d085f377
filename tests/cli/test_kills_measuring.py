"""Commands that measure, ended at random times: what was finished is not lost, nothing is left."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from strays import Command

KILLS = 30
SIGNALS = ["SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"]
DATA = ["--dataset", "base.npy", "--metric", "l2", "-k", "3", "--repeats", "1"]
RUN = ["run", "-i", "misbehaving:Slow", *DATA, "--builds", "2", "--out", "run"]
COMMANDS = {
    "run": RUN,
    "level": ["run", "-i", "hnsw", *DATA, "--builds", "2", "--at-recall", "0.9", "--out", "run"],
    "tune": ["tune", "-i", "hnsw", *DATA, "--target", "Recall@3>=0.9", "--out", "run"],
    "tail": ["tail", "graph", "--graph"],
    "check": ["index", "check", "misbehaving:Swept"],
}


def trials() -> dict[Path, int]:
    """Files of finished trials, and when they were written."""
    return {path: path.stat().st_mtime_ns for path in Path("run").glob("trials/*.parquet")}


def fresh_start() -> None:
    shutil.rmtree("run", ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_killed_again_and_again(place: Path, name: str) -> None:
    """No process is left, no finished trial is lost or measured again, the next call tidies up."""
    rng = random.Random(name)
    if name == "tail":
        code, _, said = Command(*RUN[:2], "hnsw", *DATA, "--builds", "2", "--out", "graph").ended()
        assert code == 0, said
    begin = time.monotonic()
    code, _, said = Command(*COMMANDS[name]).ended()
    assert code in (0, 1), said
    whole = time.monotonic() - begin
    fresh_start()
    for _ in range(KILLS):
        before = trials()
        command = Command(*COMMANDS[name])
        time.sleep(rng.uniform(0.0, whole))
        number = getattr(signal, rng.choice(SIGNALS))
        command.process.send_signal(number)
        code, _, said = command.ended()
        # It may have come before there was anybody to heed it, or after all was done.
        assert code in (0, 1, -number, 128 + number), said
        assert not command.strays()
        assert before.items() <= trials().items()
        if code in (0, 1):
            fresh_start()
    code, _, said = Command(*COMMANDS[name]).ended()
    assert code in (0, 1), said
    assert not list((place / "tmp").iterdir())
    assert not [path for path in place.rglob("*") if path.name.endswith(".part")]
