"""Report, comparison, tail and rank of a run with many queries and trials: CPU time and memory.

python benchmarks/many_queries.py [QUERIES]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _print import figure
from _run_folder import make_run
from rank import made_dataset, made_run

VBENCH = str(Path(sys.executable).with_name("vbench"))
K, SETTINGS, BUILDS = 100, 10, 3
COMMANDS = {
    "report": ["report", "RUN"],
    "compare": ["compare", "RUN", "--baseline", "hnsw", "--candidate", "ivf-flat"],
    "tail": ["tail", "RUN"],
}


def main() -> None:
    """Two indexes × ten settings × three builds at K = 100; 100,000 queries, or so many."""
    m = int(sys.argv[1]) if sys.argv[1:] else 100_000
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        make_run(run, settings=SETTINGS, builds=BUILDS, m=m, ks=(K,), hardness=True)
        for what, words in COMMANDS.items():
            seconds, peak = usage(
                [VBENCH, *(str(run) if each == "RUN" else each for each in words)]
            )
            figure(f"{what}, {m:,} queries × 60 trials × K={K}: CPU time", seconds, 5, "s")
            figure("its peak", peak / 2**30, 1, "GiB")
        os.environ["VBENCH_HOME"] = str(Path(name) / "home")
        dataset = made_dataset(Path(name) / "data", m)
        ranked = made_run(Path(name) / "ranked", dataset, builds=2 * BUILDS)
        seconds, peak = usage([VBENCH, "rank", str(ranked.path)])
        figure(f"rank, {m:,} queries × 60 trials × K={K}: CPU time", seconds, 30, "s")
        figure("its peak", peak / 2**30, 2, "GiB")


def usage(command: list[str]) -> tuple[float, int]:
    """CPU seconds and peak resident bytes of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(said.decode())
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


if __name__ == "__main__":
    main()
