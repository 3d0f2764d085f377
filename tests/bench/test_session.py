"""A worker, asked: whatever is no answer within time and memory is a trial's failure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from vectors import gaussian_pair

from vbench.bench import session as module
from vbench.bench import wire
from vbench.bench.session import Session, TrialError
from vbench.bench.worker.files import array_file

BASE, QUERIES = gaussian_pair(40, 6, 4, seed=3)
SEARCH = wire.Search(setting={}, k=3, repeats=1, warmup=0)


def order(folder: Path, adapter: str, **params: Any) -> wire.Open:
    return wire.Open(
        adapter=adapter,
        params=params,
        transform="none",
        metric="l2",
        base=array_file(BASE, folder),
        queries=array_file(QUERIES, folder),
        seed=1,
        threads=1,
        sys_path=sys.path,
    )


def built(session: Session, folder: Path, adapter: str) -> None:
    session.ask(order(folder, adapter), wire.Opened, timeout=60, doing="loading")
    session.ask(wire.Fit(), wire.Fitted, timeout=60, doing="fit")


def failure(session: Session, message: wire.Message, expected: Any, seconds: float) -> TrialError:
    with pytest.raises(TrialError) as caught:
        session.ask(message, expected, timeout=seconds, doing="this")
    return caught.value


def test_a_worker_is_asked_and_closed(tmp_path: Path) -> None:
    """Its adapter's `close` is waited for and timed, and the worker is gone."""
    with Session(threads=1) as session:
        built(session, tmp_path, "misbehaving:Exact")
        done, (ids, latency, first) = session.ask(SEARCH, wire.Searched, timeout=60, doing="search")
        assert done.unstable == 0
        assert (ids.shape, latency.shape, first.shape) == ((6, 3), (6, 1), (6,))
        assert session.memory() > 0
        pid = session.pid
    assert session.closing is not None
    assert session.closing.error is None
    assert not psutil.pid_exists(pid)
    assert session.memory() == 0


def test_a_worker_at_work_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, and looked at some times a second: what looks takes nobody's core."""
    looks = []
    look = module.Child.is_ready
    monkeypatch.setattr(
        module.Child, "is_ready", lambda *a, **more: looks.append(1) or look(*a, **more)
    )
    with Session(threads=1) as session:
        message = order(tmp_path, "misbehaving:Exact")
        session.ask(message, wire.Opened, timeout=60, doing="loading")
        assert len(looks) <= 2 + session.seconds / module._LOOK_EVERY_SECONDS


def test_an_error_leaves_the_worker_alive(tmp_path: Path) -> None:
    """It is told with what was being done, and the next question is answered."""
    with Session(threads=1) as session:
        error = failure(session, order(tmp_path, "misbehaving:RaisesInInit"), wire.Opened, 60)
        assert error.reason == "RuntimeError: no license found (in this)"
        assert (error.kind, error.fatal) == ("error", False)
        assert "RaisesInInit" in error.log or "no license" in error.log
        assert failure(session, wire.Fit(), wire.Fitted, 60).reason.startswith("ValueError")
        built(session, tmp_path, "misbehaving:Exact")


def test_another_answer_ends_the_worker(tmp_path: Path) -> None:
    """As does everything that is none."""
    with Session(threads=1) as session:
        built(session, tmp_path, "misbehaving:Exact")
        error = failure(session, SEARCH, wire.Inspected, 60)
        assert (error.kind, error.fatal) == ("protocol", True)
        assert not psutil.pid_exists(session.pid)
        assert failure(session, SEARCH, wire.Searched, 60).kind == "lost"
    assert session.closing is None


def test_a_parameter_that_cannot_be_sent_is_told(tmp_path: Path) -> None:
    """In place of an error of vbench's own."""
    with Session(threads=1) as session:
        for value in (1 << 80, "\ud800", object()):
            ask = order(tmp_path, "misbehaving:Exact", value=value)
            assert "cannot be sent" in failure(session, ask, wire.Opened, 60).reason


def test_nan_arrives(tmp_path: Path) -> None:
    """As does infinity."""
    for value in (float("nan"), float("inf")):
        with Session(threads=1) as session:
            ask = order(tmp_path, "misbehaving:Says", text=value)
            reason = failure(session, ask, wire.Opened, 60).reason
            assert reason.startswith(f"RuntimeError: {value}")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("HangsInClose", "no result after 0.5 s (in close)"),
        ("RaisesInClose", "RuntimeError: the server would not stop (in close)"),
        ("ExitsInClose", "the worker ended with exit code 5 (in close)"),
        ("HangsAtExit", "the process did not end within 0.5 s after close()"),
    ],
)
def test_a_close_that_goes_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: str
) -> None:
    """And ended: how long it took, and what was wrong."""
    monkeypatch.setattr(module, "_CLOSE_WITHIN_SECONDS", 0.5 if name == "HangsInClose" else 60.0)
    monkeypatch.setattr(module, "_END_WITHIN_SECONDS", 0.5 if name == "HangsAtExit" else 60.0)
    with Session(threads=1) as session:
        built(session, tmp_path, f"misbehaving:{name}")
    assert session.closing is not None
    assert session.closing.error == error
    assert session.closing.seconds > 0.0
    assert not psutil.pid_exists(session.pid)


def test_an_interrupt_does_not_wait_for_close(tmp_path: Path) -> None:
    """The worker is killed."""
    session = Session(threads=1)
    built(session, tmp_path, "misbehaving:HangsInClose")
    session.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert session.closing is None
    assert not psutil.pid_exists(session.pid)


def test_cores_kept_busy_are_those_of_all_that_the_worker_started(tmp_path: Path) -> None:
    """A helper process on another core counts."""
    with Session(threads=1) as session:
        session.ask(
            order(tmp_path, "misbehaving:BusyChild"), wire.Opened, timeout=60, doing="loading"
        )
        session.ask(wire.Fit(), wire.Fitted, timeout=60, doing="fit")
        assert session.cores_seen is not None
        assert session.cores_seen > 0.1


def test_reason_and_log_of_a_failure_are_bounded() -> None:
    """Whoever made them."""
    error = TrialError("r" * 10_000, "l" * 100_000, fatal=True)
    assert len(error.reason) <= 500
    assert len(error.log) <= 8192
    assert str(error) == error.reason


def test_a_signal_while_it_is_closed_leaves_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor its folder."""
    session = Session(threads=1)
    built(session, tmp_path, "misbehaving:Exact")

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.close()
    assert not psutil.pid_exists(session.pid)
