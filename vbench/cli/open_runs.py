"""Runs that a command opens: a trial whose file is damaged is left out, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from vbench.render.terminal.output import say
from vbench.runs.damaged import set_damaged_aside
from vbench.runs.run import Run

Result = TypeVar("Result")


def open_runs(paths: Sequence[str | Path], compute: Callable[[list[Run]], Result]) -> Result:
    """What `compute` makes of the runs in folders, of which each is named once."""
    once = list({Path(path).resolve(): path for path in paths}.values())
    return set_damaged_aside(once, compute, lambda text: say(f"vbench: warning: {text}", err=True))
