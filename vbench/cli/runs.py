"""The run folders that a command is given and opens: `last` is the latest one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vbench.render.terminal.output import say

if TYPE_CHECKING:
    from vbench.runs.run import Run

LAST = "last"
_RESULTS = Path("results")


class RunArgument(click.Argument):
    """One run folder, or several."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Take `last` for the latest run; where none is given, name it."""
        try:
            given = super().process_value(ctx, value)
        except click.MissingParameter:
            raise click.UsageError(f"give a run folder; {_advice(ctx)}", ctx) from None
        if isinstance(given, tuple):
            return tuple(map(_found, given))
        return given if given is None else _found(given)


def _found(given: str) -> str:
    if "://" in given:
        from vbench.runs.mirror import here

        return str(here(given))
    if given != LAST or Path(LAST).exists():
        return given
    latest = latest_run()
    if latest is None:
        raise click.UsageError(f"no run in {_RESULTS}/ here: vbench run --index hnsw makes one")
    return str(latest)


def _advice(ctx: click.Context) -> str:
    latest = latest_run()
    if latest is None:
        return "vbench run --index hnsw makes one"
    import shlex

    return f"the latest is {shlex.quote(str(latest))}: {ctx.command_path} {LAST}"


def latest_run(folder: Path = _RESULTS) -> Path | None:
    """The run folder in `results` that was written last."""
    manifests = sorted(folder.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    return manifests[-1].parent if manifests else None


Result = TypeVar("Result")


def open_runs(paths: Sequence[str | Path], compute: Callable[[list[Run]], Result]) -> Result:
    """What `compute` makes of the runs in folders, of which each is named once.

    A trial whose file is damaged is left out, and told.
    """
    from vbench._process.memory import keep_freed_memory
    from vbench.runs.failed import set_damaged_aside

    keep_freed_memory()
    once = list({Path(path).resolve(): path for path in paths}.values())
    return set_damaged_aside(once, compute, lambda text: say(f"vbench: warning: {text}", err=True))
