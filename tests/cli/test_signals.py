"""Signals that want a command to end: it tidies up, says so, and its exit code is the signal's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import misbehaving
import pytest
from strays import Command

from vbench.cli import signals
from vbench.cli.signals import Stopped, stopping

ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]


def run_of(index: str) -> list[str]:
    data = ["--dataset", "base.npy", "--metric", "l2", "--builds", "1", "--repeats", "1"]
    return ["run", "--index", f"misbehaving:{index}", *data, "--out", "run"]


def serving(*arguments: str, before: str = "") -> Command:
    """A command whose index has started a server."""
    command = Command(*arguments, before=before)
    command.made(Path(), "server")
    return command


def is_emptied(folder: Path, seconds: float = 60.0) -> bool:
    """Whether nothing is left in a folder, sooner or later."""
    end = time.monotonic() + seconds
    while (found := list(folder.iterdir())) and time.monotonic() < end:
        time.sleep(0.05)
    return not found


@pytest.mark.parametrize("name", ["SIGINT", "SIGQUIT"])
def test_a_command_tidies_up_and_says_what_ended_it(place: Path, name: str) -> None:
    """Workers, what they started and temporary folders are gone; the exit code is 128 + signal."""
    command = serving(*run_of("ServesForever"))
    number = getattr(signal, name)
    command.process.send_signal(number)
    code, _, said = command.ended()
    assert code == 128 + number
    how = "interrupted" if name == "SIGINT" else f"ended by {name}"
    assert said.splitlines()[-1] == f"vbench: {how}; the same command resumes"
    assert not command.strays()
    assert not misbehaving.servers()
    assert not list((place / "tmp").iterdir())


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_index_check_tidies_up_too(place: Path, name: str) -> None:
    """The process that is being checked has a server as well."""
    command = serving("index", "check", "misbehaving:ServesForever")
    command.process.send_signal(getattr(signal, name))
    code, _, _ = command.ended()
    assert code == 128 + getattr(signal, name)
    assert not command.strays()
    assert not misbehaving.servers()
    assert not list((place / "tmp").iterdir())


@pytest.mark.parametrize(
    "arguments", [run_of("ServesForever"), ["index", "check", "misbehaving:ServesForever"]]
)
def test_a_killed_command_leaves_neither_a_process_nor_files(
    place: Path, arguments: list[str]
) -> None:
    """Workers and daemons end at once, and their supervisor removes the temporary folders."""
    command = serving(*arguments)
    command.process.kill()
    command.ended()
    assert not command.strays()
    assert not misbehaving.servers()
    assert is_emptied(place / "tmp")


@pytest.mark.usefixtures("place")
def test_a_signal_that_was_ignored_stays_so() -> None:
    """As under nohup."""
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    command = serving(*run_of("ServesForever"), before=ignoring)
    command.process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert command.process.poll() is None
    command.process.send_signal(signal.SIGTERM)
    assert command.ended()[0] == 128 + signal.SIGTERM


def twice(first: signal.Signals, second: signal.Signals) -> None:
    """A signal, and another one while it tidies up."""
    with stopping():
        try:
            signal.raise_signal(first)
        finally:
            signal.raise_signal(second)


@pytest.fixture
def handlers() -> Iterator[None]:
    """None is ignored, as some are in the background; they are put back by who set others."""
    given = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in ENDING}
    for number in given:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in given.items():
        assert signal.getsignal(number) is signal.SIG_DFL
        signal.signal(number, handler)


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
