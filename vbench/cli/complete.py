"""Completion in the shell: names of indexes and datasets, else files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(names: Callable[[], Iterable[str]]) -> Complete:
    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        known = [CompletionItem(name) for name in names() if name.startswith(incomplete)]
        return [*known, CompletionItem(incomplete, type="file")]

    return complete


def _indexes() -> list[str]:
    from vbench.indexes.recipe import recipe_files
    from vbench.indexes.registry import adapters

    return sorted({*recipe_files(), *adapters()})


def _datasets() -> list[str]:
    from vbench.data import catalog

    return catalog.names()


indexes = _completing(_indexes)
datasets = _completing(_datasets)
