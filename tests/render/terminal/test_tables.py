"""Tables that several commands print."""

from __future__ import annotations

from io import StringIO

from vbench.render.terminal.tables import PlainConsole, print_failed
from vbench.runs.failed import FailedTrial


def test_failed_trials_are_told_apart_by_what_varies() -> None:
    """Parameters of the build stand there too, those that are the same of all do not."""
    failed = [
        FailedTrial(
            index="hnsw",
            build={"M": m, "threads": 1},
            build_number=0,
            setting={"ef": 8},
            k=10,
            reason="no luck",
        )
        for m in (8, 16)
    ]
    out = PlainConsole(file=StringIO(), width=120)
    print_failed(out, failed)
    printed = out.file.getvalue()
    assert "ef=8 M=8 " in printed
    assert "ef=8 M=16 " in printed
    assert "threads" not in printed
