"""Runs of indexes in servers: one server a run, its numbers, its end, and its address."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from served import Toy, ask
from strays import Command
from vectors import gaussian_pair

import vbench
from vbench.bench import services as module
from vbench.bench.services import ServiceError, Services
from vbench.cli import main
from vbench.errors import VbenchError
from vbench.indexes.service import wait_for

BASE, QUERIES = gaussian_pair(200, 20, 8, seed=3)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folders of one's own for temporary files and runs; no wait for quiet servers.

    The name of a socket has at most a hundred letters, so that of the former is short.
    """
    folder = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(module, "_QUIET_SECONDS", 0.01)
    monkeypatch.chdir(tmp_path)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def address() -> Iterator[str]:
    """A server that runs already."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = f"{folder}/s"
        server = subprocess.Popen([sys.executable, sys.modules["served"].__file__ or "", path])
        wait_for(lambda: ask(path, "names"), server)
        yield f"toy://secret@{path}"
        server.kill()
        server.wait()


def measure(*indexes: str, **options: Any) -> vbench.Run:
    asked: dict[str, Any] = {"metric": "l2", "k": 5, "builds": 1, "repeats": 1, "out": "run"}
    return vbench.run(BASE, list(indexes), queries=QUERIES, **asked | options)


def files_with(text: str) -> list[Path]:
    return [
        path for path in Path("run").rglob("*") if path.is_file() and text.encode() in
        path.read_bytes()
    ]  # fmt: skip


def test_all_builds_of_a_run_share_a_server(temporary: Path) -> None:
    """Memory, CPU time and phases are the server's; nothing is left of it."""
    run = measure("served:InServer", builds=2)
    facts = [run.facts(trial) for trial in run.done]
    assert len(facts) == 2
    for each in facts:
        assert each.build.service == "toy"
        assert list(each.phases) == ["load", "index"]
        assert each.peak_of == "server"
        assert each.peak_bytes is not None
        assert each.cpu_ns is not None
        assert each.batches == []
        assert each.sizes["table"] == 12
    assert {str(each.server) for each in run.manifest.builds} == {"{'toy': '1.0'}"}
    assert all((run.hits(trial) == 5).all() for trial in run.done)
    assert not list(temporary.iterdir())


def test_a_table_says_whose_times_they_are(temporary: Path) -> None:
    """Client latency, also on the page; only of what is built in a server."""
    np.save("base.npy", BASE)
    np.save("queries.npy", QUERIES)
    words = ["run", "-i", "served:InServer", "-i", "flat", "-d", "base.npy", "--queries"]
    said = CliRunner().invoke(
        main,
        [*words, "queries.npy", "--metric", "l2", "--builds", "1", "--measure",
         "BuildTime(phase=load)"],
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "served:InServer: client latency" in " ".join(said.output.split())
    assert "BuildTime(phase=load)" in said.output
    (page,) = Path("results").rglob("report.html")
    assert "served:InServer: client latency, the way to the server" in page.read_text()


def test_a_server_is_reached_and_its_address_is_written_nowhere(
    address: str, temporary: Path
) -> None:
    """What killed runs left there is dropped and told, as is all of this run at its end."""
    born = int(psutil.Process().create_time())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    from vbench.indexes.service import _host

    left = f"vbench_{_host()}_{ended.pid}_{born}_abcdef"
    ask(address, "put", left, BASE)
    with pytest.warns(UserWarning, match=f"{left} was left by a run that was killed"):
        run = measure("served:Far", connect={"far": address})
    assert ask(address, "names") == ["other"]
    facts = run.facts(run.done[0])
    assert (facts.peak_bytes, facts.cpu_ns) == (None, None)
    assert run.manifest.call.python is not None
    assert "'far': '…'" in run.manifest.call.python
    assert files_with("secret") == []
    assert not list(temporary.iterdir())


def test_the_command_line_is_written_without_the_address(address: str) -> None:
    """In whichever way it is given, and a failure says nothing of it either."""
    np.save("base.npy", BASE)
    np.save("queries.npy", QUERIES)
    data = ["-d", "base.npy", "--queries", "queries.npy", "--metric", "l2", "--builds", "1"]
    words = ["run", "-i", "served:Far", *data, "--out", "run"]
    for option in (["--connect", f"far={address}"], [f"--connect=served:Far={address}x"]):
        said = CliRunner().invoke(main, [*words, *option, "--fresh"])
        assert said.exit_code in (0, 1), said.output
        assert files_with("secret") == []
        assert "secret" not in said.output
    assert "far cannot be reached" in said.output


def test_what_cannot_be_reached_is_told_before_anything_runs(address: str) -> None:
    """A name that is no index in a server, no address, and two of them."""
    for connect, reason in (
        ({"flat": address}, "unknown index in connect 'flat'"),
        ({}, "no server of far is started here"),
        ({"far": " "}, "far is given no address"),
    ):
        with pytest.raises(VbenchError, match=reason):
            measure("served:Far", connect=connect)
    with pytest.raises(VbenchError, match="two addresses are given for toy"):
        measure("served:InServer", "served:Slow", connect={"served:InServer": "a", "toy": "b"})
    assert not Path("run").exists()


def test_a_server_that_does_not_start_is_a_failure_that_says_why() -> None:
    """With what it printed."""
    run = measure("served:NeverStarts")
    (failure,) = run.manifest.failures
    assert "broken cannot be started" in failure.reason
    assert "exit code 3" in failure.reason


def test_a_server_that_ends_fails_its_build_and_the_next_gets_another() -> None:
    """The reason is the server's end, not what its client makes of it."""
    run = measure("served:Dies", "served:InServer")
    (failure,) = run.manifest.failures
    assert failure.reason == "the server of toy ended (in fit)"
    assert "out of luck" in failure.log
    assert len(run.done) == 1


def test_a_server_that_takes_too_much_memory_is_ended(temporary: Path) -> None:
    """And what it took is measured where there is enough."""
    run = measure("served:Hoards")
    peak = run.facts(run.done[0]).peak_bytes
    assert peak is not None
    assert 250e6 < peak < 600e6
    run = measure("served:Hoards", memory_limit=200_000_000, out="less")
    (failure,) = run.manifest.failures
    assert failure.kind == "memory"
    assert "more than the limit of 0.20 GB" in failure.reason
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_run_that_is_killed(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """No process and no folder, of the server neither."""
    np.save("base.npy", BASE)
    np.save("queries.npy", QUERIES)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    command = Command(
        *("run", "-i", "served:Slow", "-d", "base.npy", "--queries", "queries.npy"),
        *("--metric", "l2", "--builds", "1", "--repeats", "1000", "--out", "run"),
    )
    command.made(temporary, "toy-*/s")
    time.sleep(0.5)
    command.process.send_signal(how)
    command.ended()
    assert not command.strays()
    assert not list(temporary.iterdir())


def test_the_kit_checks_in_a_server_that_is_reached(address: str) -> None:
    """And leaves nothing there."""
    said = CliRunner().invoke(main, ["index", "check", "served:Far", "--connect", f"far={address}"])
    assert said.exit_code == 0, said.output
    assert ask(address, "names") == ["other"]


def test_services_are_kept_by_their_class(address: str) -> None:
    """Indexes without one have none."""
    services = Services({"far": address, "toy": address}, threads=1, cores=[0], memory_limit=None)
    try:
        assert services.of("flat") is None
        first, second = services.of("served:InServer"), services.of("served:Slow")
        assert first is second
        assert first is not services.of("served:Far")
    finally:
        services.close()
    with pytest.raises(ServiceError, match="broken cannot be started"):
        services.of("served:NeverStarts")
    assert Toy.name == "toy"
