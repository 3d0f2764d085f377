"""The entry points that pyproject.toml lists, also where an editable install is older than they."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from vbench.indexes.registry import GROUP as INDEXES
from vbench.indexes.registry import adapters
from vbench.ranking.protocol import GROUP as RANKERS
from vbench.ranking.protocol import rankers

_PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def register_entry_points() -> None:
    """Put them before those of the day of the install, for this process and those it starts.

    An editable install shows the present code, but the entry points of that day.
    """
    groups = tomllib.loads(_PROJECT.read_text())["project"]["entry-points"]
    known = {INDEXES: adapters(), RANKERS: rankers()}
    if all(
        groups[group].items() <= {name: each.target for name, each in found.items()}.items()
        for group, found in known.items()
    ):
        return
    folder = tempfile.TemporaryDirectory(prefix="vbench-tests-")
    atexit.register(folder.cleanup)
    info = Path(folder.name, "vbench_ann.dist-info")
    info.mkdir()
    # What it requires stands there too, which runs record.
    (info / "METADATA").write_text(distribution("vbench-ann").read_text("METADATA") or "")
    lines = [
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    sys.path.insert(0, folder.name)
    path = [folder.name, *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(path)
    adapters.cache_clear()
    rankers.cache_clear()
