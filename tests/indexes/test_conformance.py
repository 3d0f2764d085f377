"""The kit tells good from bad, says why, and outlives what crashes or hangs."""

from __future__ import annotations

from pathlib import Path

import misbehaving
import pytest

from vbench._process import child
from vbench.indexes.conformance.kit import BASIC, CHECKS, check_index, perform
from vbench.indexes.conformance.subject import Subject
from vbench.indexes.recipe import load_recipe
from vbench.indexes.registry import resolve

NUMBERS = {name: number for number, (name, _) in enumerate(CHECKS)}


def one(spec: str, check: str) -> tuple[str, str]:
    """Status and reason of one check, run here."""
    recipe = load_recipe(spec)
    sweep = {name: list(values) for name, values in recipe.search.items()}
    found = perform(NUMBERS[check], Subject(resolve(recipe.adapter), recipe.build, sweep))
    assert found.check == check
    assert bool(found.remedy) == (found.status in ("warn", "fail"))
    return found.status, found.reason


@pytest.mark.parametrize("spec", ["misbehaving:Swept", "misbehaving:Plain", "ivf-flat"])
def test_a_good_index_passes(spec: str) -> None:
    """Nothing fails and nothing is warned of; what does not concern it is skipped."""
    seen: list[int] = []
    findings = check_index(spec, progress=lambda doing, done, total: seen.append(done))
    assert [each.check for each in findings] == [name for name, _ in CHECKS]
    assert {each.status for each in findings} <= {"pass", "skip"}
    assert seen == list(range(len(CHECKS)))


@pytest.mark.parametrize(
    ("name", "check", "status", "reason"),
    [
        ("Floats", BASIC, "fail", "float64, not integers"),
        ("WrongShape", BASIC, "fail", "returned shape (20,) for 20 queries"),
        ("TooWide", BASIC, "fail", "returned shape (20, 2)"),
        ("Nothing", BASIC, "fail", "returned NoneType"),
        ("WithDistances", BASIC, "fail", "a tuple of 2"),
        ("ByPosition", "parameters are known", "fail", "scale by position only"),
        ("Unseeded", "same seed, same answers", "warn", "built twice with seed 3"),
        ("Unseeded", "fit again", "skip", "two fresh indexes do not agree"),
        ("NegativeSize", "size and work", "fail", "size_bytes returned -3"),
        ("Lists", "one vector, none", "pass", ""),
        ("OutOfRange", BASIC, "fail", "query 0 got id 1000 from a base of 1000 vectors"),
        ("Negative", BASIC, "fail", "query 0 got id -7"),
        ("Duplicates", BASIC, "fail", "came twice for one query"),
        ("RaisesInInit", BASIC, "fail", "raised RuntimeError: no license found"),
        ("RaisesInSearch", "k larger than n", "fail", "cannot search today"),
        (
            "BatchDiffers",
            "one query = batch of one",
            "fail",
            "30 of 30 queries differ",
        ),
        ("Fickle", "same seed, same answers", "fail", "asked twice: 50 of 50"),
        ("WrongMetric", "metric l2", "fail", "it answers by ip"),
        ("WrongMetric", "metric ip", "pass", ""),
        ("NoEffect", "search parameters matter", "warn", "ef = 10, 100"),
        ("RaisesAtSetting", "search parameters matter", "fail", "unlucky setting"),
        ("ChangesQueries", "input left unchanged", "fail", "search changed the queries"),
        ("ChangesBase", "input left unchanged", "fail", "read-only"),
        ("Pads", BASIC, "pass", ""),
        ("ShortRows", BASIC, "pass", ""),
        ("Lists", BASIC, "pass", ""),
    ],
)
def test_each_fault_is_found_by_its_check(name: str, check: str, status: str, reason: str) -> None:
    """The reason holds what was seen, and a remedy stands beside it."""
    found, said = one(f"misbehaving:{name}", check)
    assert (found, reason in said) == (status, True), said


def test_a_crash_ends_one_check_and_the_others_go_on() -> None:
    """A segmentation fault at one setting is that check's failure, with the signal's name."""
    findings = {each.check: each for each in check_index("misbehaving:CrashesAtSetting")}
    assert len(findings) == len(CHECKS)
    assert findings["search parameters matter"].status == "fail"
    assert "SIGSEGV" in findings["search parameters matter"].reason
    assert "misbehaving.py:" in findings["search parameters matter"].where
    assert [each.check for each in findings.values() if each.status == "fail"] == [
        "search parameters matter"
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("HangsInFit", "no result after 3600 s"),
        ("Quits", "raised SystemExit: goodbye from the index"),
    ],
)
def test_an_index_that_cannot_answer_at_all_is_not_asked_more(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first failure of everything the rest is skipped, and says why."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "time", misbehaving.LateClock)
    findings = check_index(f"misbehaving:{name}", timeout=3600)
    failed = [each for each in findings if each.status == "fail"]
    assert [each.check for each in failed] == [BASIC]
    assert reason in failed[0].reason
    assert all("not tried" in each.reason for each in findings if each.status == "skip")


def test_what_an_index_starts_ends_with_its_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a process that has left the group of the one that was started for the checks."""
    monkeypatch.chdir(tmp_path)
    check_index("misbehaving:StartsServer")
    assert not misbehaving.servers()


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("Needed", "pass", ""),
        ("Needs", "pass", ""),
        ("Idle", "warn", "no effect seen: without queries to learn from"),
        ("Remembers", "fail", "for the queries it learned from and"),
        ("ChangesLearn", "fail", "fit changed the queries to learn from"),
    ],
)
def test_learning_is_of_use_to_the_queries_that_come(name: str, status: str, reason: str) -> None:
    """And of those alone that were learned from is not enough."""
    found, said = one(f"learners:{name}", "queries to learn from")
    assert (found, reason in said) == (status, True), said


@pytest.mark.parametrize("name", ["Needed", "Needs"])
def test_an_index_that_learns_passes_all_checks(name: str) -> None:
    """Also one that cannot do without queries to learn from."""
    findings = check_index(f"learners:{name}")
    assert [each for each in findings if each.status in ("fail", "warn")] == []


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("filtering:Scan", "pass", ""),
        ("conditions:Sqlite", "pass", ""),
        ("conditions:Careless", "fail", 'under a filter [([(col("price")'),
        ("hnsw", "pass", ""),
        ("ivf-flat", "pass", ""),
        ("filtering:Deaf", "fail", "which does not pass"),
        ("filtering:After", "fail", "recall is 0.0"),
        ("filtering:Stuck", "fail", "after allow(None)"),
        ("misbehaving:Swept", "skip", "no allow"),
    ],
)
def test_only_what_passes_a_filter_answers(name: str, status: str, reason: str) -> None:
    """All of it can be found, and the next search without a filter finds the rest again."""
    found, said = one(name, "filters")
    assert (found, reason in said) == (status, True), said


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("changing:Scan", "pass", ""),
        ("hnsw", "pass", ""),
        ("faiss-hnsw", "pass", ""),
        ("ivf-flat", "pass", ""),
        ("ivf-rabitq", "pass", ""),
        ("changing:Stale", "fail", "which was removed"),
        ("changing:Closed", "fail", "recall is 0.0"),
        ("misbehaving:Swept", "skip", "no add"),
    ],
)
def test_what_is_added_is_found_and_what_is_removed_is_not(
    name: str, status: str, reason: str
) -> None:
    """Under the ids that it was given, also where the same vectors come again."""
    found, said = one(name, "changes")
    assert (found, reason in said) == (status, True), said


def test_parameters_of_changes_are_seen_in_them() -> None:
    """One that is about removed vectors changes no answer before some are."""
    assert one("hnsw", "build parameters matter") == ("pass", "")


def test_an_index_that_does_not_learn_is_not_concerned() -> None:
    """Nothing is asked of it."""
    assert one("misbehaving:Swept", "queries to learn from")[0] == "skip"
