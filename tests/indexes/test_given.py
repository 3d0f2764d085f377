"""Classes that are given as they are can be imported by workers, and later from their run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vbench.errors import VbenchError
from vbench.indexes.given import KEPT, bring, given
from vbench.indexes.recipe import Recipe
from vbench.indexes.registry import check_stranger, resolve


def made(value: int = 1, **attributes: object) -> type:
    """A class of this function, which no other process imports."""

    class Local:
        sweep = {"ef": [1, 2]}  # noqa: RUF012

        def fit(self, base: object, metric: object, *, seed: int, threads: int) -> None:
            self.value = value

        def search(self, queries: object, k: int) -> int:
            return value

        def set(self, ef: int = 1) -> None:
            pass

    for name, each in attributes.items():
        setattr(Local, name, each)
    return Local


def test_a_class_is_a_recipe_that_another_process_imports() -> None:
    """For as long as it is needed, and by the name of the class."""
    with given(made(7)) as taken:
        (recipe,) = taken.indexes
        assert isinstance(recipe, Recipe)
        assert (recipe.name, recipe.adapter) == ("Local", "class_Local:Local")
        assert recipe.search == {"ef": [1, 2]}
        code = "import class_Local; print(class_Local.Local().search(None, 1))"
        path = {"PYTHONPATH": ":".join(sys.path)}
        shown = subprocess.run(
            [sys.executable, "-c", code], env=path, capture_output=True, text=True
        )
        assert shown.stdout == "7\n", shown.stderr
        folder = sys.path[-1]
    assert folder not in sys.path
    assert not Path(folder).exists()


def test_a_class_that_is_given_again_takes_the_place_of_the_earlier() -> None:
    """In this process too, which has imported that one."""
    for value in (1, 2):
        with given([made(value)]) as taken:
            (recipe,) = taken.indexes
            assert isinstance(recipe, Recipe)
            assert resolve(recipe.adapter)().search(np.empty(0), 1) == value


def test_names_and_recipes_stay_as_they_are(tmp_path: Path) -> None:
    """Nothing is written for them."""
    with given(["flat", tmp_path / "x.toml", Recipe("hnswlib")]) as taken:
        assert taken.indexes == ["flat", str(tmp_path / "x.toml"), Recipe("hnswlib")]
        taken.keep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_attributes_that_were_set_later_are_refused() -> None:
    """Its source does not say them."""
    with (
        pytest.raises(VbenchError, match=r"Local\.sweep was set after the class was made"),
        given(made(sweep={"ef": [3]})),
    ):
        pass


def test_a_run_brings_its_class_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To look into its builds again, once a person trusts it: it is code like any other."""
    monkeypatch.setattr("sys.path", list(sys.path))
    with given(made(9)) as taken:
        taken.keep(tmp_path)
    with given(made(8)):
        pass
    code = (
        "import sys; from pathlib import Path; from vbench.indexes import given, registry\n"
        "from vbench.errors import VbenchError\n"
        "try:\n    registry.check_stranger('class_Local:Local', 'run.json')\n"
        "except VbenchError as error:\n    print(error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "code that would be imported and run" in shown.stdout
    check_stranger("class_Local:Local", "run.json")
    bring(tmp_path, "class_Local:Local")
    assert resolve("class_Local:Local")().search(np.empty(0), 1) == 9
    assert str(tmp_path / KEPT) in sys.path
    bring(tmp_path, "flat")
    bring(tmp_path, "../class_Local:Local")
