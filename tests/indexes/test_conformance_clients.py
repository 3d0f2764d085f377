"""The kit tells an index that several clients may ask from one that only says so."""

from __future__ import annotations

import pytest

from vbench.indexes.conformance.kit import CHECKS, perform
from vbench.indexes.conformance.subject import Subject
from vbench.indexes.handles import can_connect, handles_of
from vbench.indexes.registry import resolve

NUMBER = [name for name, _ in CHECKS].index("several clients")


@pytest.mark.parametrize(
    ("spec", "status", "reason"),
    [
        ("clients:Shared", "pass", ""),
        ("clients:Handles", "pass", ""),
        ("clients:Service", "pass", ""),
        ("vbench.indexes.hnsw:Hnsw", "pass", ""),
        ("vbench.indexes.faiss_ivf:IvfFlat", "pass", ""),
        ("misbehaving:Exact", "pass", ""),
        ("clients:Alone", "skip", "asked by one client"),
        ("clients:OwnThread", "fail", "a forked copy of the process did not answer"),
        ("clients:Dies", "fail", "a forked copy of the process ended without an answer"),
        ("clients:Raises", "fail", "a forked copy of the process raised OSError: too many files"),
        ("clients:Other", "fail", "in a forked copy of the process 50 of 100 queries got other"),
        ("clients:OneBuffer", "fail", "of 100 queries got other ids"),
        ("clients:OneQuery", "fail", "of 100 queries got other ids"),
        ("clients:Fails", "fail", "it raised OSError: too many connections"),
        ("clients:Locked", "warn", "search keeps Python's lock"),
        ("clients:Unsendable", "fail", "server returned what cannot be sent"),
        ("clients:Elsewhere", "fail", "connect gave a handle by which 100 of 100 queries"),
        ("clients:Refusing", "fail", "raised ConnectionError"),
    ],
)
def test_what_is_wrong_under_several_clients_is_found(
    spec: str, status: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what was seen, and what to do about it."""
    if spec == "clients:OwnThread":
        monkeypatch.setattr("vbench.indexes.conformance.clients._FORK_SECONDS", 0.5)
    found = perform(NUMBER, Subject(resolve(spec), {}, {}))
    assert (found.status, reason in found.reason) == (status, True), found
    assert bool(found.remedy) == (status in ("warn", "fail"))


def test_a_method_of_the_same_name_is_no_handle() -> None:
    """One of the instance connects to whatever the adapter likes."""

    class Own:
        def connect(self) -> None: ...

    assert can_connect(resolve("clients:Handles"))
    assert not can_connect(resolve("clients:Shared"))
    assert not can_connect(Own)  # type: ignore[arg-type]
    index = resolve("clients:Shared")()
    assert handles_of(index, 3) == [index] * 3
