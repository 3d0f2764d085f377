"""Study files: what they may say, and what is said where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbench.data.catalog import names
from vbench.errors import VbenchError
from vbench.indexes.recipe import load_recipe
from vbench.study.file import INSTALLED, read_study, studies

PART = """
title = "t"
[[parts]]
name = "sweep"
dataset = "books"
indexes = ["flat"]
"""


def test_the_studies_of_the_catalog_can_be_read() -> None:
    """Their datasets, indexes, figures and measures exist."""
    assert "robustness" in studies()
    for name in studies():
        study = read_study(name)
        assert study.name == name
        for part in study.parts:
            assert part.dataset in names()
            named = [index for index in part.indexes if index != INSTALLED]
            assert all(load_recipe(index) for index in named)


def test_measures_of_a_table_take_the_k_of_the_run(tmp_path: Path) -> None:
    """@K is replaced, measures without a cutoff stay."""
    path = tmp_path / "own.toml"
    path.write_text(
        PART + '[[tables]]\nname = "t"\nparts = ["sweep"]\nmeasures = ["Recall@K", "QPS"]'
    )
    study = read_study(str(path))
    assert study.name == "own"
    assert study.tables[0].at(7) == ["Recall@7", "QPS"]
    assert study.parts[0].k == [10]
    assert study.parts[0].folder == "sweep-books"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title = 1", "title"),
        (PART + "color = 1", "unknown key 'color'"),
        (PART + PART.replace('title = "t"', ""), "two parts have one name"),
        (PART + '[[figures]]\nname = "f"\nparts = ["swep"]\ndraw = "curves"', "'sweep'"),
        (PART + '[[figures]]\nname = "f"\nparts = ["sweep"]\ndraw = "curve"', "'curves'"),
        (
            PART
            + '[[figures]]\nname = "f"\nparts = ["sweep"]\ndraw = "curves"\narguments = { a = 1 }',
            "curves takes no a",
        ),
        (PART + '[[tables]]\nname = "t"\nparts = ["sweep"]\nmeasures = ["Recal@K"]', "'Recall'"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, text: str, says: str) -> None:
    """Before anything is measured."""
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(VbenchError) as caught:
        read_study(str(path))
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_unknown_study_names_those_that_are_known() -> None:
    """With what else may be given."""
    with pytest.raises(VbenchError, match=r"did you mean 'robustness'.*or give a \.toml file"):
        read_study("robustnes")
