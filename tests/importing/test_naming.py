"""Names of results as parameters of build and search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vbench.importing.naming import name_results, read_parameters
from vbench.importing.results import Arrays, Result


def result(build: Any, label: str = "", algorithm: str = "x", **parameters: Any) -> Result:
    return Result(
        tool="VIBE",
        file=Path("f.hdf5"),
        algorithm=algorithm,
        parameters=parameters,
        build=(build,),
        label=label,
        k=10,
        read=lambda: Arrays(hits=np.zeros(1, np.int32)),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "hnswlib ({'M': 16, 'efConstruction': 200}, 'efQuery': 10)",
            {"M": 16, "efConstruction": 200, "efQuery": 10},
        ),
        ("Annoy(n_trees=100, search_k=-1)", {"n_trees": 100, "search_k": -1}),
        (
            "Nmslib(method_name=hnsw, index_param=['M=32', 'post=0'], query_param=['ef=10'])",
            {"method_name": "hnsw", "M": 32, "post": 0, "ef": 10},
        ),
        ("scann n_leaves=2000 avq_threshold=0.2", {"n_leaves": 2000, "avq_threshold": 0.2}),
        ("BruteForce()", {}),
        ("x(exact=True)", {"exact": True}),
    ],
)
def test_parameters_are_read_out_of_names(name: str, expected: dict[str, Any]) -> None:
    """As the tools' wrappers write them."""
    assert read_parameters(name) == expected


def test_what_differs_within_a_build_is_of_the_search() -> None:
    """The rest is of the build, in builds that hold one setting too."""
    found = name_results([result(1, M=8, ef=10), result(1, M=8, ef=20), result(2, M=16, ef=10)])
    assert [(each.build, each.search) for each in found] == [
        ({"M": 16}, {"ef": 10}),
        ({"M": 8}, {"ef": 10}),
        ({"M": 8}, {"ef": 20}),
    ]
    assert {each.tuned for each in found} == {"ef"}


def test_builds_with_the_same_parameters_are_counted() -> None:
    """They are the builds of one setting."""
    found = name_results([result(1, ef=1), result(1, ef=2), result(2, ef=1), result(2, ef=2)])
    assert [(each.number, each.search["ef"]) for each in found] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_one_result_shows_all_it_is_called() -> None:
    """Where nothing tells build from search, all is shown as of the search."""
    (found,) = name_results([result(1, M=16, ef=10)])
    assert (found.build, found.search) == ({}, {"M": 16, "ef": 10})


def test_positional_arguments_are_told_apart_by_the_file() -> None:
    """A wrapper whose name says nothing has its arguments in the file's name."""
    found = name_results([result(1, label="euclidean_100_8"), result(1, label="euclidean_100_64")])
    assert [each.search for each in found] == [{"arguments": 8}, {"arguments": 64}]


def test_settings_stand_in_the_order_of_numbers() -> None:
    """10 comes after 9, and before text."""
    found = name_results([result(1, ef=10), result(1, ef=9), result(1, ef=100)])
    assert [each.search["ef"] for each in found] == [9, 10, 100]


def test_indexes_stay_apart() -> None:
    """The same numbers of another algorithm are another index."""
    found = name_results([result(1, ef=1), result(1, algorithm="y", ef=1)])
    assert [each.name for each in found] == ["x", "y"]
