"""Memory that lies in no file, at its peak: of a worker, and of all processes of a run.

python benchmarks/memory.py [N]

Without N of one worker, beside what the library takes; with it of a run of N vectors, beside their
size in float32.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _print import figure

from vbench._process.supervisor import descendants
from vbench.bench import wire
from vbench.bench.workers import Workers
from vbench.data.dataset import Dataset
from vbench.runs.schema import Build, Options

VBENCH = str(Path(sys.executable).with_name("vbench"))
N, D = 1_000_000, 96
_PART = re.compile(r"^Pss_Anon:\s+(\d+) kB", re.MULTILINE)


def main() -> None:
    """Of a worker, or of a run of as many vectors as were given."""
    if not Path("/proc/self/smaps_rollup").exists():
        print("needs Linux")
    elif sys.argv[1:]:
        of_run(int(sys.argv[1]))
    else:
        of_worker()


def of_run(n: int) -> None:
    """`ivf-flat` of 1,024 lists over made vectors × 96 in float16, 1,000 queries, one build."""
    with tempfile.TemporaryDirectory() as name:
        data = f"{name}/data"
        environment = {**os.environ, "VBENCH_HOME": f"{name}/home"}
        make = ["data", "generate", data, "--rows", str(n), "--count", "1000"]
        run = [
            *("run", "--index", "ivf-flat", "--dataset", data, "--set", "nlist=1024"),
            *("--builds", "1", "--repeats", "1", "--no-keep-indexes", "--out", f"{name}/run"),
        ]
        subprocess.run([VBENCH, *make], check=True, capture_output=True, env=environment)
        with watched() as seen:
            subprocess.run([VBENCH, *run], check=True, capture_output=True, env=environment)
    what = f"anonymous memory of all processes of a run, {n:,} × {D} / its size in float32, ratio"
    figure(what, max(seen) / (4 * n * D), 1.6, "")


def of_worker() -> None:
    """`ivf-flat` of 256 lists over 1,000,000 × 96 in float16: built, then asked 1,000 queries."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "base.npy"
        base = np.lib.format.open_memmap(path, "w+", np.float16, (N, D))
        for start in range(0, N, 50_000):
            base[start : start + 50_000] = rng.normal(size=(50_000, D))
        queries = rng.normal(size=(1_000, D)).astype(np.float32)
        dataset = Dataset("made", np.load(path, mmap_mode="r"), queries, "l2")
        options = Options(k=[10], builds=1, repeats=1)
        build = Build(key="x", index="ivf-flat", adapter="ivf-flat", seed=1, params={"nlist": 256})
        with Workers(dataset, options) as workers, watched() as seen:
            live = workers.of(build)
            ask = wire.Search(setting={"nprobe": 8}, k=10, repeats=1, warmup=100)
            live.session.ask(ask, wire.Searched, timeout=None, doing="search")
            own = max(live.fitted.index_bytes or 0, live.fitted.peak_bytes or 0)
    raw = 4 * N * D
    ratio = max(seen) / (own + 0.15 * raw)
    figure("anonymous memory of a worker / (what fit took + .15 × base), ratio", ratio, 1, "")


@contextlib.contextmanager
def watched() -> Iterator[list[int]]:
    """The anonymous memory of all that this process started, looked at every 50 ms."""
    seen, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            total = 0
            for pid in descendants(os.getpid()):
                with contextlib.suppress(OSError):
                    found = _PART.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
                    total += 1024 * int(found[1]) if found else 0
            seen.append(total)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    main()
