"""Cores are held by one process at a time, as far as there are enough."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from vbench._process import cores
from vbench._process.cores import Cores, Sharer, usable_cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@pytest.fixture(autouse=True)
def own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cores of a machine with four."""
    monkeypatch.setattr(cores, "usable_cores", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(cores, "_is_half_held", lambda core: False)


def test_the_last_cores_are_held_and_given_back() -> None:
    """Two at once have different ones; after the first has gone, its cores are free again."""
    with Cores(2) as first:
        assert first.numbers == [2, 3]
        with Cores(1) as second:
            assert second.numbers == [1]
            assert not first.shared
            assert not second.shared
    with Cores(4) as again:
        assert again.numbers == [0, 1, 2, 3]


def test_where_too_few_are_free_the_least_held_are_shared() -> None:
    """And it is said which, and with whom."""
    with Cores(3), Cores(2) as second, Cores(4) as third:
        assert second.numbers == [0, 3]
        assert second.shared == [Sharer(3, os.getpid())]
        assert {core for core, _ in third.shared} == {0, 1, 2, 3}
        assert str(Sharer(3, 17)) == "core 3 is shared with another vbench run (process 17)"


def test_a_core_is_seen_as_shared_by_who_comes_after_the_first_has_gone() -> None:
    """The first place is free again, the second is not."""
    first, second = Cores(4), Cores(4)
    first.close()
    with Cores(4) as third:
        assert len(third.shared) == 4
    second.close()


def test_the_other_thread_of_a_core_in_use_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs would slow each other down there."""
    monkeypatch.setattr(cores, "_is_half_held", lambda core: core == 3)
    with Cores(1) as held:
        assert held.numbers == [2]


def test_a_core_is_free_once_its_process_has_died() -> None:
    """However it ends, nothing is left that would have to be swept."""
    name = cores._name(3, 0)
    script = (
        "import os, socket; held = socket.socket(socket.AF_UNIX); "
        f"held.bind({name!r}); held.listen(); print(flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    other.stdout.readline()
    with Cores(4) as held:
        assert held.shared == [Sharer(3, other.pid)]
    other.kill()
    other.communicate()
    with Cores(4) as held:
        assert not held.shared


def test_usable_cores_are_those_of_this_process() -> None:
    """As the system has it."""
    assert usable_cores() == sorted(os.sched_getaffinity(0))


def test_usable_cores_where_the_system_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, as on macOS, which has no affinity."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert usable_cores() == [0, 1, 2]
