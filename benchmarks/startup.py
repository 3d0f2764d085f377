"""Start-up time of the command, and peak memory of parent and worker on the main job."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _print import figure

import vbench

VBENCH = str(Path(sys.executable).with_name("vbench"))
_MEASURED = """
import resource, sys
from vbench.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(own, children, file=sys.stderr)
"""


def startup() -> None:
    """The quickest of ten calls of ``vbench --help``."""
    times = []
    for _ in range(10):
        start = time.perf_counter()
        subprocess.run([VBENCH, "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    figure("vbench --help", min(times), 0.2, "s")


def memory() -> None:
    """High-water marks of parent and worker, on the main job with one build."""
    dataset = vbench.load("books")
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["run", "--index", "hnsw", "--builds", "1", "--set", "ef=16", "--json"]
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, *arguments, "--out", f"{folder}/run"],
            check=True, capture_output=True, text=True,
        )
    parent, worker = (int(part) / 1024 for part in done.stderr.split()[-2:])
    size = json.loads(done.stdout)["settings"][0]["measures"]["IndexSize"]["value"]
    allowed = (size + 1.2 * dataset.n * dataset.d * 4) / 2**20 + 150
    figure("peak memory of the parent on books", parent, 300, "MiB")
    figure("peak memory of a worker on books", worker, round(allowed), "MiB")


if __name__ == "__main__":
    startup()
    memory()
