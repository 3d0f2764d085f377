"""What is known of indexes without building one: the rows behind `vbench index list` and `show`."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from vbench.errors import VbenchError
from vbench.indexes.dimensions import in_words
from vbench.indexes.parameters import REQUIRED, parameters
from vbench.indexes.protocol import Index
from vbench.indexes.recipe import Recipe, load_recipe, recipe_files
from vbench.indexes.registry import adapters, available, resolve
from vbench.metric import METRICS


def describe_indexes() -> tuple[list[dict[str, Any]], list[str]]:
    """One row for each recipe of the catalog, then for each adapter without a recipe of its name.

    Returns
    -------
    rows : name, adapter, origin, metrics, tune_parameter, settings (how many), about
    warnings : one line for each plug-in or recipe that cannot be used
    """
    classes, warnings = available()
    files = recipe_files()
    rows = []
    for name in [*files, *(name for name in classes if name not in files)]:
        try:
            recipe = load_recipe(name)
            rows.append(_row(recipe, resolve(recipe.adapter)))
        except VbenchError as error:
            warnings.append(f"{error}; it is left out")
    return rows, warnings


def describe_index(spec: str) -> dict[str, Any]:
    """Everything about one index.

    Raises
    ------
    VbenchError
        There is no such index, or it cannot be used.
    """
    recipe = load_recipe(spec)
    kind = resolve(recipe.adapter)
    given = {**recipe.build, **recipe.search}
    known = [
        {
            "name": each.name,
            "stage": each.stage,
            "allowed": each.allowed,
            "default": "required" if each.default is REQUIRED else each.default,
            "here": given.get(each.name),
        }
        for each in parameters(kind).values()
    ]
    return {
        **_row(recipe, kind),
        "transform": recipe.transform,
        "dimensions": in_words(kind.dimensions),
        "requires": list(kind.requires),
        "seeded": kind.seeded,
        "tune_parameter": msgspec.to_builtins(recipe.tune_parameter),
        "build": recipe.build,
        "search": recipe.search,
        "parameters": known,
        "example": _example(spec, recipe),
    }


def _row(recipe: Recipe, kind: type[Index]) -> dict[str, Any]:
    registered = adapters().get(recipe.adapter)
    sizes = [len(value) if isinstance(value, list) else 1 for value in recipe.search.values()]
    return {
        "name": recipe.name,
        "adapter": recipe.adapter,
        "origin": registered.origin if registered else kind.__module__,
        "metrics": [metric for metric in METRICS if metric in kind.metrics],
        "tune_parameter": recipe.tune_parameter.name if recipe.tune_parameter else None,
        "settings": math.prod(sizes),
        "about": recipe.about,
    }


def _example(spec: str, recipe: Recipe) -> str:
    quoted = spec if spec.replace("-", "").replace("_", "").isalnum() else f"'{spec}'"
    if recipe.tune_parameter is None:
        return f"vbench run --index {quoted}"
    name = recipe.tune_parameter.name
    values = recipe.search.get(name, [])
    shown = [values[0], values[-1]] if isinstance(values, list) and len(values) > 1 else [8, 64]
    return f"vbench run --index {quoted} --set {name}={','.join(map(str, shown))}"
