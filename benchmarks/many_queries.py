"""Report, comparison, tail and rank of a run with many queries and trials: CPU time and memory.

python benchmarks/many_queries.py [QUERIES] [--json]
"""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _print import figure
from _run_folder import make_run
from rank import made_dataset, made_run

import vbench

VBENCH = str(Path(sys.executable).with_name("vbench"))
K, SETTINGS, BUILDS = 100, 10, 3
COMMANDS = {
    "report": ["report", "RUN"],
    "compare": ["compare", "RUN", "--baseline", "hnsw", "--candidate", "ivf-flat"],
    "tail": ["tail", "RUN"],
}
GOALS = {"report": (5, 1), "compare": (5, 1), "tail": (5, 1), "rank": (30, 2)}
"""Seconds and GiB."""


def main() -> None:
    """Two indexes × ten settings × three builds at K = 100; 100,000 queries, or so many."""
    words = [word for word in sys.argv[1:] if word != "--json"]
    m = int(words[0]) if words else 100_000
    found = measure(m)
    if "--json" in sys.argv:
        print(json.dumps({name: {"s": used[0], "GiB": used[1]} for name, used in found.items()}))
        return
    for name, (seconds, peak) in found.items():
        most, largest = GOALS[name]
        figure(f"{name}, {m:,} queries × 60 trials × K={K}: CPU time", seconds, most, "s")
        figure("its peak", peak, largest, "GiB")


def measure(m: int) -> dict[str, tuple[float, float]]:
    """CPU seconds and peak in GiB of each command."""
    # As an install does; where Python may not write modules, each command compiles them again.
    compileall.compile_dir(Path(vbench.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        make_run(run, settings=SETTINGS, builds=BUILDS, m=m, ks=(K,), hardness=True)
        found = {
            what: usage([VBENCH, *(str(run) if each == "RUN" else each for each in words)])
            for what, words in COMMANDS.items()
        }
        os.environ["VBENCH_HOME"] = str(Path(name) / "home")
        dataset = made_dataset(Path(name) / "data", m)
        ranked = made_run(Path(name) / "ranked", dataset, builds=2 * BUILDS)
        found["rank"] = usage([VBENCH, "rank", str(ranked.path)])
    return found


def usage(command: list[str]) -> tuple[float, float]:
    """CPU seconds of a command, and its peak in GiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(said.decode())
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


if __name__ == "__main__":
    main()
