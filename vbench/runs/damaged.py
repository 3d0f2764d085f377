"""Runs of which some trial's file is damaged: the others are shown all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from vbench.errors import DamagedFileError
from vbench.runs import files
from vbench.runs.run import Run

Result = TypeVar("Result")


def set_damaged_aside(
    paths: Sequence[str | Path], compute: Callable[[list[Run]], Result], tell: Callable[[str], None]
) -> Result:
    """What `compute` makes of runs, without the trials whose files turn out to be damaged.

    Parameters
    ----------
    tell
        Called once for each of these, with what is wrong.

    Raises
    ------
    DamagedFileError
        When another file than that of a trial is damaged.
    """
    aside: dict[Path, dict[str, str]] = {Path(path): {} for path in paths}
    while True:
        try:
            return compute([Run(path, set_aside=aside[Path(path)]) for path in paths])
        except DamagedFileError as error:
            damaged = Path(str(error.path))
            folder = damaged.parent.parent
            if folder not in aside or damaged != files.trial_path(folder, damaged.stem):
                raise
            if damaged.stem in aside[folder]:
                raise
            aside[folder][damaged.stem] = error.problem
            tell(f"{error}; it is left out here")
