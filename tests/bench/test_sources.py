"""What an index is made of: a build is another one when its code or its libraries are."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from vbench.bench.sources import Source, folder_digest
from vbench.data.dataset import Learn
from vbench.errors import VbenchError
from vbench.indexes.recipe import load_recipe
from vbench.runs.schema import Build, Options

OPTIONS = Options(k=[5], builds=1, repeats=1)
THEN = "2026-01-02T03:04:05+00:00"


@pytest.fixture(scope="module")
def source() -> Source:
    found = Source.of(load_recipe("hnsw"), "l2", 8)
    return dataclasses.replace(found, code="c1", files=(), requires={"lib": "1.0", "old": "3"})


def build(source: Source, **changes: Any) -> Build:
    asked = {"params": {"M": 16}, "number": 0, "options": OPTIONS, "fingerprint": "a" * 64}
    asked["order_digest"] = "c" * 64
    return source.build(**asked | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"requires": {"lib": "2.0", "old": "3"}},
        {"requires": {"lib": "1.0"}},
        {"code": "c2"},
        {"adapter": "mine:Other"},
        {"transform": "mips-l2"},
        {"name": "other"},
    ],
)
def test_a_build_of_other_code_or_libraries_has_another_key(
    source: Source, changes: dict[str, Any]
) -> None:
    """So that a run never goes on with results of two versions."""
    assert build(dataclasses.replace(source, **changes)).key != build(source).key


@pytest.mark.parametrize(
    "changes", [{"params": {"M": 8}}, {"number": 1}, {"fingerprint": "b" * 64}]
)
def test_a_build_of_other_parameters_number_or_data_has_another_key(
    source: Source, changes: dict[str, Any]
) -> None:
    """And the same ones the same key."""
    assert build(source, **changes).key != build(source).key
    assert build(source) == build(source)


def test_what_changed_is_said(source: Source) -> None:
    """Libraries with both versions, files that are newer than the run."""
    old = build(source)
    now = dataclasses.replace(source, requires={"lib": "2.0", "new": "5"})
    said = now.changes(old, build(now), THEN)
    assert said == "lib is 2.0, was 1.0; new is 5, was not used; old is gone, was 3"
    other = msgspec.structs.replace(OPTIONS, threads=2)
    assert source.changes(old, build(source, options=other), THEN) == "threads is 2, was 1"
    assert source.changes(old, old, THEN) == "it was measured in another way"
    unknown = msgspec.structs.replace(old, code=None)
    assert "did not record its code" in source.changes(unknown, old, THEN)


def test_files_that_are_newer_than_the_run_are_named(source: Source, tmp_path: Path) -> None:
    """Where no file tells, its code changed all the same."""
    edited = tmp_path / "mine.py"
    edited.write_text("")
    now = dataclasses.replace(source, code="c2", files=(edited,))
    for since, says in (
        ("2000-01-01T00:00:00+00:00", "mine.py changed since 2000"),
        ("2999-01-01T00:00:00+00:00", "its code changed since 2999"),
        ("no date", "its code changed since no date"),
    ):
        assert now.changes(build(source), build(now), since).startswith(says)


def test_a_folder_is_named_by_index_and_options_not_by_code(source: Source) -> None:
    """A run whose index was edited meets its earlier self."""
    named = folder_digest("a" * 64, {"hnsw": source}, OPTIONS)
    edited = dataclasses.replace(source, code="c2", requires={})
    assert folder_digest("a" * 64, {"hnsw": edited}, OPTIONS) == named
    renamed = dataclasses.replace(source, name="other")
    assert folder_digest("a" * 64, {"hnsw": renamed}, OPTIONS) != named


def test_without_queries_to_learn_from_keys_are_what_they_were() -> None:
    """Byte for byte, so that what was measured before counts."""
    plain = Source(
        *("a", "m:A", "auto", "none", True, None, "c", (), {"hnswlib": "0.8.0"}),
    )
    options = Options(k=[10], builds=2, repeats=3)
    data = "0123456789abcdef" * 4
    builds = [plain.build({"M": 16}, number, options, data, data) for number in range(2)]
    assert [each.key for each in builds] == ["b427b7d9d933b764", "39850bc6023311ca"]
    assert folder_digest(data, {"a": plain}, options) == "a5caa3177ee4df51"


def test_a_build_that_learned_from_other_queries_has_another_key(source: Source) -> None:
    """It has its own folder too, and says from what it learned."""
    learned = [dataclasses.replace(source, learn=each) for each in ("d" * 64, "e" * 64)]
    builds = [build(each) for each in (source, *learned)]
    assert [each.learn for each in builds] == [None, "d" * 64, "e" * 64]
    assert len({each.key for each in builds}) == 3
    names = {folder_digest("a" * 64, {"x": each}, OPTIONS) for each in (source, *learned)}
    assert len(names) == 3
    said = source.changes(builds[0], builds[1], THEN)
    assert said == "it learns from queries dddddddd, before from None"


def test_only_an_index_that_takes_queries_is_given_some() -> None:
    """By the signature of its fit; one that needs them is refused without."""
    learn = Learn(np.eye(3, dtype=np.float32))
    digests = {
        name: Source.of(load_recipe(name), "l2", 3, learn).learn
        for name in ("hnsw", "learners:Needed", "learners:Needs")
    }
    assert digests == {
        "hnsw": None,
        "learners:Needed": learn.digest,
        "learners:Needs": learn.digest,
    }
    assert Source.of(load_recipe("learners:Needed"), "l2", 3).learn is None
    with pytest.raises(
        VbenchError, match="'learners:Needs' needs queries to learn from; give learn=N"
    ):
        Source.of(load_recipe("learners:Needs"), "l2", 3)
