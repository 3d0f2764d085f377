"""Commands that a message tells to type, so that they work as they stand."""

from __future__ import annotations

import shlex

from vbench.indexes.recipe import recipe_files
from vbench.indexes.registry import adapters
from vbench.runs.run import Run
from vbench.runs.settings import Setting


def check_command(run: Run, setting: Setting) -> str:
    """The call that checks the index of a setting: by its recipe, or by its adapter."""
    name = setting.index
    if ":" not in name and name not in recipe_files() and name not in adapters():
        name = run.build_of(setting.trials[0]).adapter
    return f"vbench index check {shlex.quote(name)}"
