"""The map of a field: ranks, letters, and what has neither."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_folder import answered

from vbench._document import Interval
from vbench.analysis.field import FieldEntry, FieldRow, group_alike, label_rows, map_field
from vbench.analysis.gather import gather
from vbench.runs.run import Run
from vbench.runs.schema import Call

TITLES = "abcdef"
PAIRS = [frozenset(pair) for pair in itertools.combinations(TITLES, 2)]


@given(st.sets(st.sampled_from(PAIRS)))
def test_groups_hold_exactly_what_is_not_told_apart(apart: set[frozenset[str]]) -> None:
    """Two share a group if and only if they are not told apart; no group lies within another."""
    groups = group_alike(TITLES, apart)
    assert set().union(*groups) == set(TITLES)
    for pair in PAIRS:
        assert any(pair <= group for group in groups) == (pair not in apart)
    for one, other in itertools.permutations(groups, 2):
        assert not one <= other


def test_nothing_told_apart_is_one_group() -> None:
    """And of nothing there is none."""
    assert group_alike("ab", []) == [{"a", "b"}]
    assert group_alike("", []) == []


def hits(chance: list[float], builds: int = 3, m: int = 600, seed: int = 0) -> Any:
    """Hits (builds, m) of which each query of a part has its own chance."""
    rng = np.random.default_rng(seed)
    chances = np.repeat(chance, m // len(chance))
    return rng.binomial(10, chances, size=(builds, m))


def rows(*runs: Run, level: float = 0.9) -> dict[str, FieldRow]:
    (entry,) = map_field(gather(list(runs)), level).entries
    return {row.title: row for row in entry.rows}


def test_indexes_are_ranked_and_share_letters_where_they_are_alike(tmp_path: Path) -> None:
    """Two even ones and an uneven one of the same mean: the two share a letter and ranks."""
    even, uneven = [0.9], [1.0] * 9 + [0.0]
    run = answered(
        tmp_path / "run",
        {
            "one": {16: hits(even, seed=1)},
            "two": {16: hits(even, seed=2)},
            "uneven": {16: hits(uneven, seed=3)},
        },
    )
    found = rows(run)
    assert found["one"].letters == found["two"].letters
    assert not set(found["one"].letters) & set(found["uneven"].letters)
    assert found["uneven"].rank == (1, 1)
    assert found["one"].rank == found["two"].rank == (2, 3)
    assert next(iter(found)) == "uneven"
    assert found["uneven"].curve == [1.0, *[0.9] * 10]


@pytest.mark.parametrize(
    ("builds", "chance", "why"),
    [(2, [0.9], "2 of 3 builds"), (3, [0.5], "no setting at 0.9")],
)
def test_a_row_needs_builds_and_the_level(
    tmp_path: Path, builds: int, chance: list[float], why: str
) -> None:
    """It is shown, and not ranked; the others are ranked without it."""
    run = answered(tmp_path / "good", {"good": {16: hits([0.9])}})
    short = answered(tmp_path / "short", {"short": {16: hits(chance, builds)}})
    found = rows(run, short)
    assert (found["short"].letters, found["short"].rank) == ("", None)
    assert found["short"].unranked == why
    assert found["good"].rank == (1, 1)
    assert list(found) == ["good", "short"]


def test_datasets_are_entries_of_their_own(tmp_path: Path) -> None:
    """An index that two of them have is one line of the map."""
    one = answered(tmp_path / "one", {"hnsw": {16: hits([0.9])}})
    other = answered(tmp_path / "two", {"hnsw": {16: hits([0.9])}}, fingerprint="e" * 64)
    field = map_field(gather([one, other]), 0.9)
    assert field.indexes == ["hnsw"]
    assert len(field.entries) == 2


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["run", "--index", "one", "--out", "/home/me/run"], "vbench run --index one"),
        (["run", "--out=/home/me/run", "--index", "one"], "vbench run --index one"),
        (
            ["run", "--study", "field", "--out", "/home/me/study"],
            "vbench run --index one --dataset NAME -k 10 --builds 3 --repeats 3 --set M=16"
            " --set ef=16",
        ),
    ],
)
def test_a_row_of_a_study_has_a_command_of_its_own(
    tmp_path: Path, argv: list[str], command: str
) -> None:
    """Others are told as they were typed; neither names the folder of who measured."""
    run = answered(tmp_path / "run", {"one": {16: hits([0.9])}})
    source = {"name_or_path": "NAME"}
    told = msgspec.structs.replace(
        run.manifest,
        call=Call(argv=argv, folder="/home/me"),
        dataset=msgspec.structs.replace(run.manifest.dataset, source=source),
        options=msgspec.structs.replace(run.manifest.options, builds=3, repeats=3),
    )
    run.manifest = told
    assert rows(run)["one"].command == command


def test_a_row_of_a_part_of_the_data_says_so(tmp_path: Path) -> None:
    """In the name of the dataset, and in the command that measures it again."""
    run = answered(tmp_path / "run", {"one": {16: hits([0.9])}})
    drawn = msgspec.structs.replace(
        run.manifest.dataset,
        source={"name_or_path": "NAME"},
        base_at_most={"count": 2000, "of": 90_000, "seed": 0},
        queries_at_most={"count": 50, "of": 100, "seed": 0},
    )
    call = Call(argv=["run", "--study", "field"], folder="/home/me")
    run.manifest = msgspec.structs.replace(run.manifest, call=call, dataset=drawn)
    (entry,) = map_field(gather([run]), 0.9).entries
    assert "(2,000 of 90,000 vectors), K" in entry.name
    assert "--dataset NAME --base-at-most 2000 --queries-at-most 50 -k" in entry.rows[0].command


def test_a_part_and_the_whole_are_told_apart_by_which_part(tmp_path: Path) -> None:
    """Other data of the same name is told apart by its fingerprint."""
    runs = []
    for letter in "abc":
        run = answered(tmp_path / letter, {"one": {16: hits([0.9])}}, fingerprint=letter * 64)
        if letter == "b":
            drawn = {"count": 2000, "of": 90_000, "seed": 0}
            facts = msgspec.structs.replace(run.manifest.dataset, base_at_most=drawn)
            run.manifest = msgspec.structs.replace(run.manifest, dataset=facts)
        runs.append(run)
    whole, part = map_field(gather(runs[:2]), 0.9).entries
    assert part.name == whole.name.replace(", K", " (2,000 of 90,000 vectors), K")
    first, second = map_field(gather([runs[0], runs[2]]), 0.9).entries
    assert "(aaaaaa, exact-tie)" in first.name
    assert "(cccccc, exact-tie)" in second.name


def test_an_index_has_one_row_of_the_map_whatever_its_space() -> None:
    """Where one dataset has it in two spaces, they are two rows there and everywhere."""

    def made(index: str, space: str | None = None) -> FieldRow:
        nothing = Interval(0.5, 0.4, 0.6)
        title = index if space is None else f"{index} ({space})"
        return FieldRow(
            name=title, index=index, build={}, setting={}, k=10, builds=3, space=space, title=title,
            run="run", recall=nothing, robustness=nothing, worst=nothing, failure=nothing,
            curve=[], command="",
        )  # fmt: skip

    def entry(data: str, *rows: FieldRow) -> FieldEntry:
        return FieldEntry(data=data, k=10, n=1, m=1, d=1, metric="ip", level=0.9, rows=list(rows))

    one = entry("one", made("ivf"), made("hnsw", "mips-l2"))
    other = entry("other", made("ivf", "normalize"), made("hnsw", "normalize"))
    field = label_rows([one, other])
    assert field.indexes == ["ivf", "hnsw"]
    assert [row.title for row in field.entries[1].rows] == ["ivf (normalize)", "hnsw (normalize)"]
    both = entry("both", made("ivf"), made("ivf", "normalize"))
    assert label_rows([one, other, both]).indexes == ["ivf", "hnsw", "ivf (normalize)"]
