"""`vbench run --study`: several runs at once, with their figures and tables."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from vbench import _paths
from vbench.errors import VbenchError
from vbench.render.terminal.output import print_json, progress_bar

_OPTIONS = {"study", "out", "trust", "fresh", "threads", "timeout", "memory_limit", "as_json"}


def carry_out(spec: str, *, as_json: bool) -> int:
    """Carry out a study with the options of the command that is running."""
    from vbench.study.carry import carry_out
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
    if as_json:
        print_json(done)
    else:
        from vbench.render.terminal.study import print_study

        print_study(done)
    return 1 if any(run.failed for run in done.runs) else 0


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
