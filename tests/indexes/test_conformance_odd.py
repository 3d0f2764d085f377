"""What the checks say of each oddity: reason, remedy, and where in the index's own code."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import odd_indexes
import psutil
import pytest

from vbench.indexes.conformance import busy, conduct, subject
from vbench.indexes.conformance.kit import BASIC, CHECKS, perform
from vbench.indexes.conformance.subject import Finding, Subject, place_of_dump, place_of_error
from vbench.indexes.registry import as_index, resolve

NUMBERS = {name: number for number, (name, _) in enumerate(CHECKS)}
K_OVER_N, ONE, SEED = "k larger than n", "one query = batch of one", "same seed, same answers"


def subject_of(name: str) -> Subject:
    kind = as_index(getattr(odd_indexes, name), name)
    return Subject(kind, {}, {each: list(values) for each, values in kind.sweep.items()})


def check(name: str, what: str) -> Finding:
    """One check of one index, run here."""
    return perform(NUMBERS[what], subject_of(name))


def line_of(function: Any, text: str) -> str:
    """``file:line`` of the first line of a function's source that holds `text`."""
    lines, first = inspect.getsourcelines(function)
    number = next(number for number, line in enumerate(lines, first) if text in line)
    return f"odd_indexes.py:{number}"


@pytest.mark.parametrize(
    ("name", "what", "status", "reason", "remedy"),
    [
        (
            "SameList",
            "answers last",
            "warn",
            "search_one uses the memory",
            "every answer is copied",
        ),
        ("SameBuffer", "answers last", "warn", "search uses the memory", "return a new array"),
        ("Lazy", "answers last", "warn", "23 of 24 answers changed", "return a new array"),
        ("Ragged", "answers last", "pass", "", ""),
        ("Text", BASIC, "fail", "search returned text, not integers", "row numbers of the base"),
        (
            "Generator",
            BASIC,
            "fail",
            "search returned generator",
            "return an array of ids, (20, 1)",
        ),
        ("ScoresFirst", ONE, "fail", "search_one returned a tuple of 2", "return the ids alone"),
        ("Squeezes", ONE, "warn", "a batch of one by a row alone", "(1, 10)"),
        ("BatchDiffersABit", ONE, "warn", "2 of 30 queries differ; query 0", "same parameters"),
        ("RepeatsTheFirst", K_OVER_N, "fail", "came twice", "-1 where fewer are found"),
        ("NoBatch", "no queries", "warn", "need at least one array to stack", "return no rows"),
        ("SaysUnseeded", SEED, "skip", "seeded is False; built twice", ""),
        ("SaysUnseeded", "build parameters matter", "skip", "", ""),
        ("Forgets", "settings hold", "fail", "after searches in between", "until the next call"),
        ("WritesUnsaid", BASIC, "fail", "read-only", "say writes = True"),
        ("WritesSaid", "input left unchanged", "skip", "copies of its own", ""),
        ("EightsUnsaid", "dimensions", "warn", "vectors of 2 dimensions", "dimensions = range"),
        ("EightsSaidWrongly", "dimensions", "fail", "dimensions says 2 to 64", "those it can do"),
        ("BusyChildren", "threads respected", "fail", "fit kept", "what it starts"),
        ("Spins", "threads respected", "fail", "after fit has returned", "threads sleep"),
        (
            "OldFit",
            "parameters are known",
            "fail",
            "keyword argument 'seed'",
            "fit(base, metric, *",
        ),
        ("CloseRaises", "close", "fail", "close raised RuntimeError: port still", "let go"),
        ("CloseHangs", "close", "fail", "close did not return within 0.1 s", "let go"),
        ("CloseNeedsFit", "close", "warn", "where nothing was fitted", "let go"),
        ("LeavesServer", "close", "warn", "close left what fit has started: sleep", "end in close"),
        ("SavesNothing", "save and load", "fail", "save wrote nothing", "write there"),
        ("LoadsOnly", "save and load", "fail", "without save", "offer save too"),
        ("LoadsOneSetting", "save and load", "fail", "at {'keep': 0.5} differ after load", "save"),
    ],
)
def test_what_is_odd_is_told(
    name: str,
    what: str,
    status: str,
    reason: str,
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a reason and a remedy that fit."""
    monkeypatch.setattr(subject, "CLOSE_SECONDS", 0.1)
    monkeypatch.setattr(conduct, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(conduct, "END_SECONDS", 0.1)
    try:
        found = check(name, what)
    finally:
        servers = [each for each in busy.started_processes() if each.name() == "sleep"]
        for each in servers:
            each.kill()
        psutil.wait_procs(servers)
    assert (found.check, found.status) == (what, status), found
    assert reason in found.reason
    assert remedy in found.remedy
    assert bool(found.remedy) == (status in ("warn", "fail"))


@pytest.mark.parametrize(
    "name",
    [
        *("Ragged", "OneByOne", "Unsigned", "SaysUnseeded", "WritesSaid", "EightsSaid"),
        *("OneDimension", "SavesOnly", "LoadsByName", "EndsServer", "CountsOpen"),
    ],
)
def test_what_is_allowed_passes(name: str) -> None:
    """Every check; but how many cores numpy takes here is not the index's affair."""
    tried = subject_of(name)
    found = [perform(NUMBERS[what], tried) for what in NUMBERS if what != "threads respected"]
    assert [each for each in found if each.status in ("warn", "fail")] == []


@pytest.mark.parametrize("name", ["CountsOpen", "CountsOpenAndFails"])
def test_what_a_check_makes_it_closes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, also where the check failed."""
    for what in NUMBERS:
        made: list[Any] = []
        closed: list[Any] = []
        monkeypatch.setattr(odd_indexes.CountsOpen, "made", made)
        monkeypatch.setattr(odd_indexes.CountsOpen, "closed", closed)
        found = check(name, what)
        assert list(map(id, closed)) == list(map(id, made)), what
        assert made or found.status == "skip" or what == "parameters are known"


def test_a_close_that_fails_in_another_check_is_told_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That check has its own result; one that does not come back is not called again."""
    monkeypatch.setattr(subject, "CLOSE_SECONDS", 0.1)
    tried = subject_of("CloseHangs")
    assert perform(NUMBERS[BASIC], tried).status == "pass"
    assert tried.stuck
    assert perform(NUMBERS["no queries"], tried).status == "pass"
    found = perform(NUMBERS["close"], tried)
    assert (found.status, found.reason) == ("fail", "close did not return within 0.1 s")


def test_the_place_of_a_failure_is_in_the_code_of_the_index() -> None:
    """The line that raised, the method that answered wrongly, and nothing where it is neither."""
    raised = check("CountsOpenAndFails", BASIC)
    here = line_of(odd_indexes.CountsOpenAndFails, "raise RuntimeError")
    assert raised.where.endswith(f"{here}, in search")
    wrong = check("Text", BASIC)
    assert wrong.where.endswith(f"{line_of(odd_indexes.Text.search, 'def search')}, in search")
    caused = check("NoBatch", "no queries")
    assert caused.where.endswith(f"{line_of(odd_indexes.NoBatch.search, 'np.stack')}, in search")
    closing = check("CloseRaises", "close")
    here = line_of(odd_indexes.CloseRaises.close, "raise RuntimeError")
    assert closing.where.endswith(f"{here}, in close")
    assert check("RepeatsTheFirst", K_OVER_N).where == ""


def test_a_place_is_shown_from_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a library that raises is named where no line of the index is in it."""
    (tmp_path / "raises_here.py").write_text(
        "class Mine:\n    def fit(self):\n        1 / 0\n    def search(self): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    import raises_here  # type: ignore[import-not-found]

    kind = as_index(raises_here.Mine, "raises_here:Mine")
    with pytest.raises(ZeroDivisionError) as caught:
        kind().fit()  # type: ignore[call-arg]
    assert place_of_error(caught.value, kind) == "raises_here.py:3, in fit"
    with pytest.raises(ValueError, match="reshape") as of_library:
        np.ma.reshape(np.ma.zeros(3), 2)
    elsewhere = as_index(odd_indexes.SameList, "SameList")
    assert ", in reshape" in place_of_error(of_library.value, elsewhere)


def test_the_place_of_a_crash_is_in_what_the_process_printed() -> None:
    """The deepest frame of the index's own code, whatever calls of libraries lie below it."""
    file = odd_indexes.__file__
    log = f"""said before
Fatal Python error: Segmentation fault

Current thread 0x00007f0000000000 (most recent call first):
  File "/usr/lib/python3/ctypes/__init__.py", line 519 in string_at
  File "{file}", line 7 in helper
  File "{file}", line 9 in search
  File "/usr/lib/python3/runpy.py", line 88 in _run_code
"""
    kind = as_index(odd_indexes.SameList, "SameList")
    said, where = place_of_dump(log, kind)
    assert said == "said before\n"
    assert where.endswith("odd_indexes.py:7, in helper")
    assert place_of_dump("said before", kind) == ("said before", "")
    assert place_of_dump(log.replace(file, "/other.py"), kind) == ("said before\n", "")


def test_an_error_that_cannot_be_shown_is_told_all_the_same() -> None:
    """By its type, and where it was raised."""
    found = check("RaisesTheUnspeakable", BASIC)
    assert found.status == "fail"
    assert "Unspeakable" in found.reason
    assert "odd_indexes.py:" in found.where


def test_a_built_in_index_is_a_place_too() -> None:
    """Though it lies inside vbench."""
    kind = resolve("hnswlib")
    with pytest.raises(TypeError) as caught:
        kind().search(np.zeros((1, 2), dtype=np.float32), 1)
    assert "hnsw.py:" in place_of_error(caught.value, kind)
