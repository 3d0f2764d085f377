"""Where things lie: recipes, cards, report templates, and what is kept between runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

from vbench.errors import VbenchError

Room = Literal["indexes", "datasets", "reports"]


def resource_dir(name: Room) -> Path:
    """Folder of `indexes`, `datasets` or `reports`: inside a wheel, or at the top of a checkout."""
    package = Path(__file__).parent
    packed = package / "catalog" / name
    return packed if packed.is_dir() else package.parent / name


def home() -> Path:
    """Folder for fetched data and ground truth: `$VBENCH_HOME`, else the user's cache folder.

    Raises
    ------
    VbenchError
        The user has no folder, as in some containers.
    """
    try:
        if given := os.environ.get("VBENCH_HOME"):
            return Path(given).expanduser()
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "vbench"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vbench"
    except RuntimeError as error:
        raise VbenchError(
            f"{error} Set VBENCH_HOME to a folder for fetched data and ground truth"
        ) from None
