"""The folder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vbench.bench.folder import claim

NO_PLAN: Any = None
"""Is not looked at where no run is there yet."""


def test_what_a_killed_run_was_writing_is_swept(tmp_path: Path) -> None:
    """Half files are no foreign ones, and go; in the folder of the trials too."""
    names = (
        ".run.json.7-0123abcd.part",
        "trials/.key.parquet.7-0123abcd.part",
        "trials/.all.parquet.7-0123abcd.part",
        ".report.html.vbench-lock",
    )
    for name in names:
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    with claim(tmp_path / "run", NO_PLAN, fresh=True):
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
