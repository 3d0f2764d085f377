"""What the tests make run folders with."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from render.made_run import make_run
from run_folder import RunFolder

__all__ = ["RunFolder", "make_run"]
