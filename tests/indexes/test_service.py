"""Servers that indexes are built in: names of their places, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from served import Broken, Far, InServer, Reached, Toy

from vbench.errors import MissingExtraError, VbenchError
from vbench.indexes.conformance.kit import check_index
from vbench.indexes.protocol import phases_of
from vbench.indexes.service import (
    Phases,
    Service,
    can_start,
    check_reachable,
    drop_left_over,
    hosted,
    is_left_over,
    new_namespace,
)


class Installed(Toy):
    """One of an extra that nobody has."""

    name = "nobody"
    extra = "nobody"
    server_requires = ("vbench-no-such-server",)


def test_a_namespace_tells_whose_it_is() -> None:
    """It is left over where its process is gone, or another has its number now."""
    name = new_namespace()
    assert name != new_namespace()
    assert len(name) < 64
    assert not is_left_over(name)
    head, host, pid, born, _ = name.split("_")
    assert int(pid) == os.getpid()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_left_over(f"{head}_{host}_{ended.pid}_{born}_abcdef")
    assert is_left_over(f"{head}_{host}_{pid}_{int(born) - 100}_abcdef")
    assert not is_left_over(f"{head}_{'0' * 8}_{ended.pid}_{born}_abcdef")  # another machine's
    assert not is_left_over("vbench_customers")


def test_what_a_killed_run_left_is_dropped(tmp_path: Path) -> None:
    """And nothing else."""
    with hosted(Toy, None) as servers:
        server = servers()
        service = Toy()
        from served import ask

        head, host, _, born, _ = server.namespace.split("_")
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        left = f"{head}_{host}_{ended.pid}_{born}_abcdef"
        for name in (left, server.namespace):
            ask(server.address, "put", name, [])
        assert drop_left_over(service, server.address) == [left]
        assert set(service.namespaces(server.address)) == {"other", server.namespace}


def test_a_hosted_server_ends_and_leaves_nothing() -> None:
    """Neither a process nor a folder; each place goes when the next is made."""
    before = set(psutil.Process().children())
    with hosted(Toy, None) as servers:
        first = servers()
        folder = Path(first.address).parent
        assert servers().namespace != first.namespace
        assert folder.is_dir()
    started = set(psutil.Process().children()) - before
    for each in started:
        each.wait(30)
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no such signal")
def test_a_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Also where that has no time to end it."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom vbench.indexes.service import spawn\n"
        f"made = spawn(['sleep', '600'], Path({str(tmp_path)!r}))\n"
        "print(made.pid, flush=True)\nsys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    server = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    server.wait(60)


def test_how_to_reach_a_server_is_said_before_anything_runs() -> None:
    """Where none can be started, where its package is missing, where there is none at all."""
    assert can_start(Toy)
    assert not can_start(Reached)
    check_reachable(Toy, None, "it")
    check_reachable(Reached, "somewhere", "it")
    check_reachable(None, None, "it")
    with pytest.raises(VbenchError, match=r"no server of far is started here.*connect=\{'far'"):
        check_reachable(Reached, None, "it")
    with pytest.raises(VbenchError, match="built in no server"):
        check_reachable(None, "somewhere", "it")
    with pytest.raises(MissingExtraError, match=r"vbench-ann\[nobody\]"):
        check_reachable(Installed, None, "it")


def test_phases_are_told_apart() -> None:
    """What is returned is checked; nothing returned is one phase."""
    phases = Phases()
    for name in ("load", "index", "load"):
        with phases(name):
            pass
    assert list(phases.seconds) == ["load", "index"]
    assert phases_of(None, 2.0) == {"fit": 2.0}
    assert phases_of({"load": 1, "index": 0.5}, 2.0) == {"load": 1.0, "index": 0.5}
    for wrong in ({}, {"nap": 1.0}, {"load": 3.0}, {"load": "long"}):
        with pytest.raises(Exception, match="phases"):
            phases_of(wrong, 2.0)


def test_the_kit_checks_what_is_built_in_a_server() -> None:
    """In a server of its own; without one, nothing is tried."""
    findings = check_index("served:InServer")
    assert [each for each in findings if each.status == "fail"] == []
    with pytest.raises(VbenchError, match="no server of far"):
        check_index("served:Far")
    assert InServer.service is Toy
    assert Far.service is Reached
    assert issubclass(Broken, Service)
