"""Start-up time of the command, and peak memory of parent and worker on the main job."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from _print import figure

import vbench

MIB = 2**20
VBENCH = str(Path(sys.executable).with_name("vbench"))


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
        command = [VBENCH, *arguments, "--out", f"{folder}/run"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            parent, worker = watched(process)
            document = json.loads(process.communicate()[0])
    size = document["settings"][0]["measures"]["IndexSize"]["value"]
    allowed = (size + 1.2 * dataset.n * dataset.d * 4) / MIB + 150
    figure("peak memory of the parent on books", parent / MIB, 300, "MiB")
    figure("peak memory of a worker on books", worker / MIB, round(allowed), "MiB")


def watched(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Largest resident memory of a process, and of any one of its children, while it runs."""
    parent = worker = 0
    itself = psutil.Process(process.pid)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            parent = max(parent, itself.memory_info().rss)
            for child in itself.children(recursive=True):
                worker = max(worker, child.memory_info().rss)
        time.sleep(0.005)
    return parent, worker


if __name__ == "__main__":
    startup()
    memory()
