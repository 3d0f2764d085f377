"""A recipe by name, by path, or from a class that brings its own sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.recipe import TuneParameter, load_recipe


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_a_recipe_comes_before_an_adapter_of_the_same_name() -> None:
    """`flat` is a file of the catalog; `hnswlib` is an adapter alone."""
    assert load_recipe("flat").about.startswith("Exact search")
    assert load_recipe("hnsw").adapter == "hnswlib"
    alone = load_recipe("hnswlib")
    assert (alone.name, alone.adapter, alone.build) == ("hnswlib", "hnswlib", {})
    assert alone.search == {"ef": [16, 32, 64, 128]}
    assert alone.tune_parameter == TuneParameter("ef", 1, 2048)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    """Its name is the file's, unless it says another; what is left out has defaults."""
    recipe = load_recipe(written(tmp_path, 'adapter = "hnswlib"\n[build]\nM = [8, 16]\n'))
    assert recipe.name == "mine"
    assert recipe.transform == "auto"
    assert recipe.build == {"M": [8, 16]}
    assert recipe.about == "Hierarchical navigable small world graph (hnswlib)"
    assert load_recipe(written(tmp_path, 'adapter = "flat"\nname = "truth"\n')).name == "truth"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('adapter = "flat"\n\n[biuld]\nM = 3\n', "unknown key 'biuld'; did you mean"),
        ('adapter = "flat"\nknob = {name = "a"}\n', "missing key 'low' in tune_parameter"),
        ('adapter = "hnswlob"\n', "did you mean 'hnswlib'"),
        ('adapter = "flat"\ntransform = "mips"\n', "allowed: 'auto'"),
        ('about = "no adapter"\n', "adapter"),
        ('adapter = "hnswlib"\nknob = {name = "e", low = 1, high = 9}\n', "did you mean 'ef'"),
        (
            'adapter = "hnswlib"\ntune_parameter = {name = "ef", low = 9, high = 9}\n',
            "low=9 must be below",
        ),
        ("adapter = \n", "not valid TOML"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    """File, key, what is wrong and what is allowed."""
    with pytest.raises(VbenchError) as caught:
        load_recipe(written(tmp_path, text))
    assert "mine.toml" in str(caught.value)
    assert says in str(caught.value)


def test_the_parameter_to_tune_under_its_old_key(tmp_path: Path) -> None:
    """Files of earlier versions say `knob`."""
    text = 'adapter = "hnswlib"\nknob = {name = "ef", low = 2, high = 9}\n'
    assert load_recipe(written(tmp_path, text)).tune_parameter == TuneParameter("ef", 2, 9)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(VbenchError, match=r"gone\.toml: no such file"):
        load_recipe(str(tmp_path / "gone.toml"))


def test_an_unknown_index_is_answered_with_recipes_and_adapters() -> None:
    """The nearest of both, and the other ways to name one."""
    for given, nearest in (("hnsv", "hnsw"), ("hnswlip", "hnswlib")):
        with pytest.raises(UnknownNameError) as caught:
            load_recipe(given)
        said = str(caught.value)
        assert f"did you mean {nearest!r}" in said
        assert "package.module:Class" in said


def test_a_class_brings_its_own_sweep() -> None:
    """Without a TOML file; a parameter of fractions keeps to the range of its sweep."""
    recipe = load_recipe("misbehaving:Swept")
    assert recipe.search == {"keep": [0.5, 0.75, 1.0]}
    assert recipe.tune_parameter == TuneParameter("keep", 0.5, 1.0)
    assert recipe.about.startswith("Well behaved")
    assert load_recipe("faiss:IVF16,Flat").search == {"nprobe": [1, 4, 16, 64]}
