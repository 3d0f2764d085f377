"""Recipes: which adapter, how it is built, which settings are searched; what is known of each."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec

from vbench._arguments import check_choice
from vbench._document import Params
from vbench._invocation import argv
from vbench._paths import resource_dir
from vbench._toml import read_toml, rename_keys
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.parameters import parameters
from vbench.indexes.protocol import Index
from vbench.indexes.registry import adapters, rehearse, resolve
from vbench.indexes.space import Transform


class TuneParameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The search parameter that trades recall for time, larger meaning better."""

    name: str
    low: float
    high: float


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--index NAME` means. In `build` and `search` a list stands for several values."""

    adapter: str
    about: str = ""
    transform: Transform = "auto"
    tune_parameter: TuneParameter | None = None
    build: Params = {}
    search: Params = {}
    connect: str | None = None
    """Address of a server that runs already, for an index that is built in one."""
    name: str = ""
    """As tables show it; the file's name where it says nothing."""


def load_recipe(spec: str | Recipe) -> Recipe:
    """The recipe behind what `--index` was given; a recipe is one already.

    Parameters
    ----------
    spec
        Tried in this order: a recipe's name, the path of a TOML file, the name of an adapter,
        ``package.module:Class``, ``faiss:FACTORY``, ``annb:PATH/module.py:Class``. Where there
        is no file, the class's own sweep is taken.

    Raises
    ------
    VbenchError
        Nothing is known under that name, or what is there cannot be used.
    """
    if isinstance(spec, Recipe):
        check_choice("transform", spec.transform, get_args(Transform))
        return _completed(spec, spec.name or spec.adapter)
    files = recipe_files()
    if spec in files:
        return _read(files[spec])
    if spec.endswith(".toml"):
        return _read(Path(spec))
    several = [name.strip() for name in spec.split(",")]
    if len(several) > 1 and all(name in files or name in adapters() for name in several):
        each = several if argv.get() is None else " ".join(f"--index {name}" for name in several)
        raise VbenchError(f"index {spec!r}: give each by itself: {each}")
    if ":" not in spec and spec not in adapters():
        raise UnknownNameError(
            "index", spec, {*files, *adapters()}, "or give a .toml file, or package.module:Class"
        )
    rehearse(spec)
    return recipe_of_class(spec, spec)


def recipe_files() -> dict[str, Path]:
    """The files of the catalog by the name of their recipe."""
    files = sorted(resource_dir("indexes").glob("*.toml"), key=lambda path: path.stem)
    return {path.stem: path for path in files}


def _read(path: Path) -> Recipe:
    # A key of the first version goes by its present name.
    old = {"knob": "tune_parameter"}
    recipe = read_toml(path, Recipe, prepare=lambda values: rename_keys(values, old))
    try:
        return _completed(recipe, recipe.name or path.stem)
    except VbenchError as error:
        raise VbenchError(f"{path}: {error}") from None


def _completed(recipe: Recipe, name: str) -> Recipe:
    rehearse(recipe.adapter)
    kind = resolve(recipe.adapter)
    if recipe.tune_parameter:
        _check_tune_parameter(recipe.tune_parameter, kind)
    return msgspec.structs.replace(
        recipe,
        name=name,
        about=recipe.about or _summary(kind),
        tune_parameter=recipe.tune_parameter or _with_range(kind.tune_parameter, recipe.search),
    )


def _check_tune_parameter(parameter: TuneParameter, kind: type[Index]) -> None:
    search = [each.name for each in parameters(kind).values() if each.stage == "search"]
    if search and parameter.name not in search:
        raise UnknownNameError("search parameter in tune_parameter", parameter.name, search)
    if not parameter.low < parameter.high:
        raise VbenchError(
            f"tune_parameter: low={parameter.low:g} must be below high={parameter.high:g}"
        )


def recipe_of_class(spec: str, name: str) -> Recipe:
    """The recipe of a class without a file: its own sweep."""
    kind = resolve(spec)
    sweep = {name: list(values) for name, values in kind.sweep.items()}
    return Recipe(
        adapter=spec,
        about=_summary(kind),
        tune_parameter=_with_range(kind.tune_parameter, sweep),
        search=sweep,
        name=name,
    )


def _with_range(name: str | None, sweep: Params) -> TuneParameter | None:
    """The parameter with a range that goes well past both ends of the sweep."""
    swept = sweep.get(name or "", [])
    listed = swept if isinstance(swept, list) else [swept]
    values = [each for each in listed if isinstance(each, int | float)]
    if name is None or not values:
        return None
    low, high = min(values), max(values)
    if isinstance(low, int):
        return TuneParameter(name, max(1, low // 16), high * 16)
    return TuneParameter(name, low, high)


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0].rstrip(".")
