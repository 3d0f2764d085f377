"""The worst queries: in which order, what each missed, and what was returned instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from run_folder import RunFolder, answered

from vbench.analysis.worst import with_neighbors, worst_first, worst_rows
from vbench.data.dataset import Dataset, GroundTruth
from vbench.measures.tail import Tail
from vbench.runs.run import Run

HITS = np.array([[10, 3, 0, 9, 2], [10, 8, 1, 4, 2]])


def tail() -> Tail:
    """Query 2 and 4 in all builds, 1 and 3 in one."""
    persistent = np.array([False, False, True, False, True])
    dependent = np.array([False, True, False, True, False])
    return Tail(persistent=persistent, build_dependent=dependent)


def made(folder: Path) -> Run:
    return answered(folder / "run", {"a": {1: HITS}}, columns={"kind": list("vwxyz")})


def test_the_persistent_tail_comes_first_then_the_others_by_hits() -> None:
    """Queries of no tail never; as many as are asked for."""
    assert worst_first(HITS, tail()).tolist() == [2, 4, 1, 3]
    assert worst_first(HITS, tail(), 3).tolist() == [2, 4, 1]


def test_each_has_its_numbers(tmp_path: Path) -> None:
    """Recall over builds, hits of each, its columns and hardness."""
    (setting,) = made(tmp_path).settings()
    hardness = pl.DataFrame({"lid": [0, 1, 2, 3, 4]})
    first, _, third = worst_rows(setting, tail(), 3, hardness)
    assert (first.query, first.kind, first.recall, first.hits) == (2, "persistent", 0.05, (0, 1))
    assert (first.columns, first.hardness) == ({"kind": "x"}, {"lid": 2.0})
    assert (third.query, third.kind) == (1, "build_dependent")
    assert worst_rows(setting, tail(), 1)[0].hardness == {}
    assert (first.missed, first.instead) == ((), ())


def test_what_was_missed_and_what_came_instead(tmp_path: Path) -> None:
    """By rank, and by how many builds did so; a wrong item has no rank where it is too far."""
    run = made(tmp_path)
    (setting,) = run.settings()
    answers = [run.answers(trial) for trial in setting.trials]
    worst = with_neighbors(worst_rows(setting, tail(), 3), answers, None)
    never = worst[0]
    assert [(each.item, each.rank, each.builds) for each in never.missed] == [
        (0, 1, 1),
        *((rank - 1, rank, 2) for rank in range(2, 11)),
    ]
    assert [each.distance for each in never.missed] == list(range(1, 11))
    assert [(each.item, each.builds) for each in never.instead] == [
        *((item, 2) for item in range(501, 510)),
        (500, 1),
    ]
    assert {(each.rank, each.distance) for each in never.instead} == {(None, None)}


def test_the_distance_of_what_came_instead_is_that_of_the_vectors(tmp_path: Path) -> None:
    """Where they are at hand."""
    run = made(tmp_path)
    (setting,) = run.settings()
    base = np.arange(1000, dtype=np.float32)[:, np.newaxis]
    dataset = Dataset("line", base, np.float32([[0.0]] * 5), "l2")
    answers = [run.answers(trial) for trial in setting.trials]
    (worst,) = with_neighbors(worst_rows(setting, tail(), 1), answers, dataset)
    assert [each.distance for each in worst.instead] == [float(each.item) for each in worst.instead]


def tied(folder: Path, place: list[int] | None) -> Run:
    """One query whose neighbors 1 to 3 are copies, as are items 7 and 8; 7 and 9 were returned."""
    truth = GroundTruth(np.int32([[0, 1, 2, 3, 4]]), np.float64([[1, 2, 2, 2, 3]]))
    made = RunFolder(folder / "run", truth)
    places = None if place is None else np.array([place], dtype=np.uint16)
    answer = np.int32([[0, 7, 9, -1]]), np.int32([2])
    made.answer(made.trial(made.build("a"), 1, 4), *answer, place=places)
    return made.close()


def test_a_neighbor_whose_copy_was_returned_is_not_missed(tmp_path: Path) -> None:
    """One of three copies came: two of the list were missed, and the copy is none of the wrong."""
    run = tied(tmp_path, [1, 2, 0, 0])
    (setting,) = run.settings()
    parts = Tail(persistent=np.array([True]), build_dependent=np.array([False]))
    answers = [run.answers(trial) for trial in setting.trials]
    (worst,) = with_neighbors(worst_rows(setting, parts, 1), answers, None)
    assert [(each.item, each.rank) for each in worst.missed] == [(2, 3), (3, 4)]
    assert [each.item for each in worst.instead] == [9]


def test_a_trial_that_did_not_store_places_is_read_by_its_ids(tmp_path: Path) -> None:
    """As one of an older vbench, whose exact neighbors do not hold the copy."""
    run = tied(tmp_path, None)
    (setting,) = run.settings()
    parts = Tail(persistent=np.array([True]), build_dependent=np.array([False]))
    answers = [run.answers(trial) for trial in setting.trials]
    (worst,) = with_neighbors(worst_rows(setting, parts, 1), answers, None)
    assert [each.item for each in worst.missed] == [1, 2, 3]
    assert [each.item for each in worst.instead] == [7, 9]
