"""What is known of indexes without building one: the rows behind `vbench index list` and `show`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from vbench._document import Document, Params
from vbench.errors import VbenchError
from vbench.indexes.library import extra_of, is_installed
from vbench.indexes.parameters import REQUIRED, is_taken, parameters
from vbench.indexes.protocol import (
    Index,
    can_add,
    can_attach,
    can_filter,
    can_keep,
    can_remove,
    has_exact,
    reads_files,
)
from vbench.indexes.recipe import Recipe, TuneParameter, load_recipe, recipe_files
from vbench.indexes.registry import adapters, available, resolve
from vbench.indexes.service import Service, can_start, is_startable
from vbench.indexes.space import in_words
from vbench.metric import METRICS, Metric

Ability = Literal["filters", "growth", "changes", "exact", "kept", "cold", "watched"]
_ABILITIES: Mapping[Ability, Callable[[type[Index]], bool]] = {
    "filters": can_filter,
    "growth": can_add,
    "changes": lambda kind: can_add(kind) and can_remove(kind),
    "exact": has_exact,
    "kept": can_keep,
    "cold": reads_files,
    "watched": can_attach,
}


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The server that an index is built in, by the name that ``--connect NAME=URL`` has for it.

    It is started for a run, or would be if `extra` were installed, or reached by address alone.
    """

    name: str
    comes: Literal["started", "from an extra", "by address"]
    extra: str | None = None


class IndexRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `vbench index list`; `settings` is how many a run measures.

    `extra` of vbench-ann installs the library, where it is not there from the start; `can` is
    what of the protocol it has beyond building and searching.
    """

    name: str
    adapter: str
    origin: str
    metrics: list[Metric]
    tune_parameter: str | None
    settings: int
    about: str
    license: str = ""
    extra: str | None = None
    installed: bool = True
    server: ServerInfo | None = None
    can: list[Ability]


class IndexList(Document, frozen=True, kw_only=True, tag="vbench.indexes/2"):
    """Every index that has a name, and a line for each plug-in or recipe that cannot be used."""

    indexes: list[IndexRow]
    warnings: list[str]


class ParameterInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a parameter may be, its default, and what a recipe gives it."""

    name: str
    stage: str
    allowed: str
    default: Any
    here: Any


class IndexInfo(Document, frozen=True, kw_only=True, tag="vbench.index/2"):
    """What an index is built with, what is searched, and what each parameter may be."""

    name: str
    adapter: str
    origin: str
    metrics: list[Metric]
    tune_parameter: TuneParameter | None
    settings: int
    about: str
    transform: str
    dimensions: str
    requires: list[str]
    seeded: bool
    build: Params
    search: Params
    parameters: list[ParameterInfo]
    example: str
    license: str = ""
    extra: str | None = None
    installed: bool = True
    server: ServerInfo | None = None
    learns: bool = False
    """Whether it takes queries to learn from."""
    can: list[Ability]


def describe_indexes() -> IndexList:
    """One row for each recipe of the catalog, then for each adapter without one of its name."""
    classes, warnings = available()
    files = recipe_files()
    rows = []
    for name in [*files, *(name for name in classes if name not in files)]:
        try:
            recipe = load_recipe(name)
            rows.append(_row(recipe, resolve(recipe.adapter)))
        except VbenchError as error:
            warnings.append(f"{error}; it is left out")
    return IndexList(indexes=rows, warnings=warnings)


def describe_index(spec: str) -> IndexInfo:
    """Everything about one index.

    Raises
    ------
    VbenchError
        There is no such index, or it cannot be used.
    """
    recipe = load_recipe(spec)
    kind = resolve(recipe.adapter)
    given = {**recipe.build, **recipe.search}
    row, learns = _row(recipe, kind), is_taken(kind.fit, "learn")
    return IndexInfo(
        name=row.name,
        adapter=row.adapter,
        origin=row.origin,
        metrics=row.metrics,
        tune_parameter=recipe.tune_parameter,
        settings=row.settings,
        about=row.about,
        transform=recipe.transform,
        dimensions=in_words(kind.dimensions),
        requires=list(kind.requires),
        seeded=kind.seeded,
        build=recipe.build,
        search=recipe.search,
        parameters=[
            ParameterInfo(
                name=each.name,
                stage=each.stage,
                allowed=each.allowed,
                default="required" if each.default is REQUIRED else each.default,
                here=given.get(each.name),
            )
            for each in parameters(kind).values()
        ],
        example=_example(spec, recipe, row.server) + (" --learn 1000" if learns else ""),
        license=row.license,
        extra=row.extra,
        installed=row.installed,
        server=row.server,
        learns=learns,
        can=row.can,
    )


def _row(recipe: Recipe, kind: type[Index]) -> IndexRow:
    registered = adapters().get(recipe.adapter)
    sizes = [len(value) if isinstance(value, list) else 1 for value in recipe.search.values()]
    return IndexRow(
        name=recipe.name,
        adapter=recipe.adapter,
        origin=registered.origin if registered else kind.__module__,
        metrics=[metric for metric in METRICS if metric in kind.metrics],
        tune_parameter=recipe.tune_parameter.name if recipe.tune_parameter else None,
        settings=math.prod(sizes),
        about=recipe.about,
        license=kind.license,
        extra=extra_of(kind),
        installed=is_installed(kind),
        server=None if kind.service is None else _server(kind.service),
        can=[name for name, has in _ABILITIES.items() if has(kind)],
    )


def _server(service: type[Service]) -> ServerInfo:
    if not can_start(service):
        return ServerInfo(name=service.name, comes="by address")
    comes: Literal["started", "from an extra"] = (
        "started" if is_startable(service) else "from an extra"
    )
    return ServerInfo(name=service.name, comes=comes, extra=service.extra)


def _example(spec: str, recipe: Recipe, server: ServerInfo | None) -> str:
    quoted = spec if spec.replace("-", "").replace("_", "").isalnum() else f"'{spec}'"
    command = f"vbench run --index {quoted}"
    if server is not None and server.comes == "by address":
        command += f" --connect {server.name}=URL"
    if recipe.tune_parameter is None:
        return command
    name = recipe.tune_parameter.name
    values = recipe.search.get(name, [])
    shown = [values[0], values[-1]] if isinstance(values, list) and len(values) > 1 else [8, 64]
    return f"{command} --set {name}={','.join(map(str, shown))}"
