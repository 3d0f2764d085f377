"""Tables of answers: by their own ids, in lists or in rows, with what else they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from vbench.data.dataset import Dataset
from vbench.data.load import load
from vbench.importing.results import Result, ResultError
from vbench.importing.tables import read_answers

N, M = 30, 4


@pytest.fixture
def named() -> Dataset:
    """Four queries and 30 items that are called by text."""
    rng = np.random.default_rng(1)
    return load(
        rng.normal(size=(N, 3)),
        queries=rng.normal(size=(M, 3)),
        metric="l2",
        segments=pl.DataFrame({"user": [f"u{row}" for row in range(M)]}),
        items=pl.DataFrame({"isbn": [f"00{row}" for row in range(N)]}),
    )


@pytest.fixture
def plain() -> Dataset:
    """The same without names."""
    rng = np.random.default_rng(1)
    return load(rng.normal(size=(N, 3)), queries=rng.normal(size=(M, 3)), metric="l2")


def write(folder: Path, columns: dict[str, Any], suffix: str = ".parquet") -> Path:
    path, frame = folder / f"answers{suffix}", pl.DataFrame(columns)
    if suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


def read(path: Path, dataset: Dataset, **options: Any) -> list[Result]:
    return list(read_answers(path, dataset, options.get("name"), options.get("k")))


def ids_of(result: Result) -> list[list[int]]:
    found = result.read().ids
    assert found is not None
    return found.tolist()


def test_lists_of_ids_are_joined_to_the_dataset(tmp_path: Path, named: Dataset) -> None:
    """Queries stand in any order, items by their own ids; shorter lists are padded."""
    path = write(
        tmp_path,
        {"user": ["u2", "u0", "u1", "u3"], "ids": [["002", "000"], ["0029"], ["001"], []]},
    )
    (found,) = read(path, named)
    assert found.algorithm == "answers"
    assert found.k == 2
    assert ids_of(found) == [[29, -1], [1, -1], [2, 0], [-1, -1]]


def test_rows_of_neighbors_are_ordered_by_rank(tmp_path: Path, named: Dataset) -> None:
    """One row a neighbor, as runs of trec_eval are; text in a CSV file stays text."""
    path = write(
        tmp_path,
        {
            "query": ["u1", "u0", "u0", "u2", "u3"],
            "item": ["004", "003", "002", "001", "000"],
            "rank": [0, 2, 1, 0, 0],
        },
        ".csv",
    )
    (found,) = read(path, named, name="ours")
    assert found.algorithm == "ours"
    assert ids_of(found) == [[2, 3], [4, -1], [1, -1], [0, -1]]


def test_row_numbers_need_no_names(tmp_path: Path, plain: Dataset) -> None:
    """Where nothing has a name, rows are queries in order and numbers are rows of the base."""
    (found,) = read(write(tmp_path, {"neighbors": [[0, 1], [2, -1], [3, 4], [5, 6]]}), plain)
    assert ids_of(found) == [[0, 1], [2, -1], [3, 4], [5, 6]]


def test_a_query_without_a_row_is_unanswered(tmp_path: Path, plain: Dataset) -> None:
    """It has no ids, and is told from one whose answer is empty."""
    (found,) = read(write(tmp_path, {"query": [0, 2], "ids": [[1, 2], []]}), plain)
    arrays = found.read()
    assert arrays.unanswered is not None
    assert arrays.unanswered.tolist() == [False, True, False, True]
    assert ids_of(found)[1] == [-1, -1]


@pytest.mark.parametrize(
    ("column", "factor"), [("seconds", 1), ("latency_ms", 1e-3), ("time_us", 1e-6)]
)
def test_times_say_their_unit(tmp_path: Path, plain: Dataset, column: str, factor: float) -> None:
    """By the end of the column's name."""
    path = write(tmp_path, {"ids": [[row] for row in range(M)], column: [1.0, 2.0, 3.0, 4.0]})
    arrays = read(path, plain)[0].read()
    np.testing.assert_allclose(arrays.seconds, factor * np.arange(1, 5))


def test_times_of_some_queries_are_no_times(tmp_path: Path, plain: Dataset) -> None:
    """The rest would look fast."""
    path = write(tmp_path, {"ids": [[row] for row in range(M)], "seconds": [1.0, None, 3.0, 4.0]})
    assert read(path, plain)[0].read().seconds is None


def test_columns_tell_results_apart(tmp_path: Path, plain: Dataset) -> None:
    """`index`, `build` and `setting.NAME`: each combination is a result."""
    rows = [(build, ef, row) for build in (0, 1) for ef in (8, 16) for row in range(M)]
    path = write(
        tmp_path,
        {
            "index": ["ours"] * len(rows),
            "build": [each[0] for each in rows],
            "setting.ef": [each[1] for each in rows],
            "query": [each[2] for each in rows],
            "ids": [[each[2]] for each in rows],
        },
    )
    found = read(path, plain)
    assert [(each.build, dict(each.parameters)) for each in found] == [
        (("ours", build), {"ef": ef}) for build in (0, 1) for ef in (8, 16)
    ]


def test_k_cuts_answers(tmp_path: Path, plain: Dataset) -> None:
    """Only the first K of each answer are taken."""
    path = write(tmp_path, {"ids": [[0, 1, 2]] * M})
    assert ids_of(read(path, plain, k=2)[0]) == [[0, 1]] * M


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"ids": [[0]] * M, "time": [1.0] * M}, "does not say its unit"),
        ({"a": [1] * M}, "no column of ids"),
        ({"item": [1, 2]}, "no column says of which query"),
        ({"ids": [[0]] * 3}, "3 answers for 4 queries"),
        ({"query": [0, 0], "ids": [[0], [1]]}, "query 0 is answered twice"),
        ({"query": [0], "ids": [[99]]}, "id 99 is not one of 0 … 29"),
        ({"query": [9], "ids": [[0]]}, "query 9 is not one of 0 … 3"),
        ({"query": [0], "user": [0], "ids": [[0]]}, "query and user"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, plain: Dataset, columns: dict[str, Any], said: str
) -> None:
    """What is there, what is needed."""
    with pytest.raises(ResultError, match=said):
        read(write(tmp_path, columns), plain)


def test_a_damaged_table_is_one_line(tmp_path: Path, plain: Dataset) -> None:
    """The file is named."""
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(ResultError, match=r"x\.parquet"):
        read(path, plain)


def test_published_recalls_of_vibe_are_hits(tmp_path: Path, plain: Dataset) -> None:
    """Recall and time of every query, counted by VIBE's own rule; groups are settings."""
    frame = pl.concat(
        pl.DataFrame(
            {
                "dataset": ["d"] * M,
                "query_index": list(range(M))[::-1],
                "k": [10] * M,
                "algorithm": ["hnswlib"] * M,
                "params": [f"HNSWLib(M=16, efQuery={ef})|{ef}"] * M,
                "time": [1e-5] * M,
                "recall": [0.1, 0.9, 1.0, 0.3],
                "build_time": [2.5] * M,
                "index_size": [4.0] * M,
            }
        )
        for ef in (10, 40)
    )
    path = tmp_path / "v.parquet"
    frame.write_parquet(path)
    first, second = read(path, plain)
    assert (first.tool, first.rule, first.build) == ("VIBE", "ann-benchmarks", second.build)
    assert first.parameters == {"M": 16, "efQuery": 10}
    assert first.index_bytes == 4096
    hits = first.read().hits
    assert hits is not None
    assert hits.tolist() == [3, 10, 9, 1]
