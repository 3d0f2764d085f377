"""Signals that want a command to end: it tidies up, says so, and its exit code is the signal's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import misbehaving
import numpy as np
import psutil
import pytest

from vbench.cli import signals
from vbench.cli.signals import Stopped, stopping

TESTS = Path(__file__).parents[1]
ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with vectors, and one for temporary files."""
    (tmp_path / "tmp").mkdir()
    rng = np.random.default_rng(2)
    for name, rows in (("base", 200), ("queries", 20)):
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(rows, 6)).astype(np.float32))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), *filter(None, sys.path)]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: str, ignoring: str = "") -> subprocess.Popen[str]:
    before = (
        f"import signal; signal.signal(signal.{ignoring}, signal.SIG_IGN); " if ignoring else ""
    )
    script = f"{before}from vbench.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_of(index: str) -> list[str]:
    data = ["--dataset", "base.npy", "--metric", "l2", "--builds", "1", "--repeats", "1"]
    return ["run", "--index", f"misbehaving:{index}", *data, "--out", "run"]


def appeared(name: str, process: subprocess.Popen[str]) -> None:
    """Wait until an index has left its mark."""
    end = time.monotonic() + 120
    while not Path(name).exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    assert Path(name).exists(), process.communicate()


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("name", ENDING)
def test_a_command_tidies_up_and_says_what_ended_it(place: Path, name: str) -> None:
    """Workers, what they started and temporary folders are gone; the exit code is 128 + signal."""
    process = command(*run_of("ServesForever"))
    appeared("server", process)
    started = children_of(process)
    number = getattr(signal, name)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    how = "interrupted" if name == "SIGINT" else f"ended by {name}"
    assert said.splitlines()[-1] == f"vbench: {how}; the same command goes on where it stopped"
    assert not misbehaving.servers()
    assert not any(each.is_running() for each in started)
    assert not list((place / "tmp").iterdir())


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_index_check_tidies_up_too(place: Path, name: str) -> None:
    """The process that is being checked has a server as well."""
    process = command("index", "check", "misbehaving:ServesForever")
    appeared("server", process)
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=120)
    assert process.returncode == 128 + getattr(signal, name)
    assert not misbehaving.servers()
    assert not list((place / "tmp").iterdir())


@pytest.mark.parametrize("arguments", [run_of("ServesForever"), ["index", "check"]])
def test_a_killed_command_leaves_no_process_and_its_files_go_at_the_next_start(
    place: Path, arguments: list[str]
) -> None:
    """Workers and daemons end at once; temporary folders are swept by whoever comes next."""
    checks = arguments[0] == "index"
    process = command(*arguments, *(["misbehaving:ServesForever"] if checks else []))
    appeared("server", process)
    process.kill()
    process.communicate()
    assert not misbehaving.servers()
    assert list((place / "tmp").iterdir())
    done = command(*run_of("Exact")[:-1], "other")
    done.communicate(timeout=120)
    assert done.returncode == 0
    assert not list((place / "tmp").iterdir())


def test_a_signal_that_was_ignored_stays_so(place: Path) -> None:
    """As under nohup."""
    process = command(*run_of("ServesForever"), ignoring="SIGHUP")
    appeared("server", process)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM


def twice(first: signal.Signals, second: signal.Signals) -> None:
    """A signal, and another one while it tidies up."""
    with stopping():
        try:
            signal.raise_signal(first)
        finally:
            signal.raise_signal(second)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Handlers as they were, also after a test that failed."""
    before = {name: signal.getsignal(getattr(signal, name)) for name in ENDING}
    yield
    for name, handler in before.items():
        assert signal.getsignal(getattr(signal, name)) is handler


@pytest.mark.usefixtures("handlers")
def test_the_first_signal_is_an_exception() -> None:
    """The same again right after it is the same wish; handlers are put back."""
    with pytest.raises(Stopped) as caught:
        twice(signal.SIGTERM, signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM
    assert isinstance(caught.value, KeyboardInterrupt)


@pytest.mark.usefixtures("handlers")
def test_the_second_signal_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is being tidied up."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    monkeypatch.setattr(signals, "_ONE_AND_THE_SAME_SECONDS", -1.0)
    with pytest.raises(Stopped):
        twice(signal.SIGINT, signal.SIGHUP)
    assert sent == [signal.SIGHUP]
