"""`vbench run --study`: several runs at once, with their figures and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from vbench import _paths
from vbench.errors import VbenchError
from vbench.render.terminal.output import console, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from vbench.study.carry import Done

_OPTIONS = {"study", "out", "trust", "fresh", "threads", "timeout", "memory_limit", "as_json"}
_TOLD = ("failed-trials", "random-recall", "level-not-reached", "busy-machine")
_HEADS = ("part", "dataset", "k", "index", "build", "setting")
_SHOWN = ("Recall", "Robustness(delta=0.1)", "Robustness(delta=0.5)", "Robustness(delta=0.9)")


def carry_out(spec: str, *, as_json: bool) -> int:
    """Carry out a study with the options of the command that is running."""
    from vbench.study.carry import carry_out, document
    from vbench.study.file import read_study

    context = click.get_current_context()
    _refuse_others(context)
    given = context.params
    study = read_study(spec)
    with progress_bar() as progress:
        done = carry_out(
            study,
            Path(given["out"] or Path("results") / f"study-{study.name}"),
            threads=given["threads"],
            timeout=given["timeout"],
            memory_limit=given["memory_limit"],
            fresh=given["fresh"],
            progress=progress,
        )
    described = document(done)
    if as_json:
        print_json(described)
    else:
        _print(done)
    return 1 if any(run["failed"] for run in described["runs"]) else 0


def _refuse_others(context: click.Context) -> None:
    """Options that the study's file decides on."""
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) == ParameterSource.COMMANDLINE
        if given and name not in _OPTIONS:
            raise VbenchError(
                f"{parameter.opts[0]} does not go with --study, whose file says what is measured; "
                f"copy {_paths.resource_dir('reports') / 'studies' / 'robustness.toml'}, change "
                "it, and give its path"
            )


def _print(done: Done) -> None:
    out = console()
    out.print(done.study.title, style="bold")
    for name, frame in done.tables.items():
        if not frame.is_empty():
            print_table(out, _table(name, frame.to_dicts()), len(_HEADS))
    for measured in done.measured:
        for warning in measured.run.manifest.warnings:
            if warning.code in _TOLD:
                label = f"{measured.part.name} {measured.part.dataset}"
                out.print(f"! {label}: {warning.about}: {warning.message}", style="yellow")
    for reason in done.undrawn:
        out.print(f"! not drawn: {reason}", style="yellow")
    out.print(f"figures: {len(done.figures)} files in {done.folder / 'figures'}")
    out.print(f"tables: {len(done.tables)} files in {done.folder / 'tables'}")
    out.print(f"page: {done.page}")


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=name, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in _HEADS:
        table.add_column(head, overflow="fold")
    for measure in _SHOWN:
        table.add_column(measure.replace("Robustness(delta=", "R-").rstrip(")"), justify="right")
    settings: dict[tuple[str, ...], dict[str, float | None]] = {}
    for row in rows:
        key = tuple(str(row[head]) for head in _HEADS)
        settings.setdefault(key, {})[row["measure"]] = row["value"]
    for key, values in settings.items():
        table.add_row(*key, *(_share(values.get(measure)) for measure in _SHOWN))
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
