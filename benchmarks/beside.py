"""What a run takes beside fit and search: CPU time of all its processes, beside the library's own.

python benchmarks/beside.py [N]

The library's part is what the run itself measured: its fits, and as many passes as it made, on one
thread each. (A process of its own that does the same takes another time whenever it is started.)
All else counts as the harness: reading, checking, permuting, scoring, writing, the report. Exact
neighbors are found once for all runs of a dataset, and counted apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _print import figure

import vbench

VBENCH = str(Path(sys.executable).with_name("vbench"))
BUILDS, PROBES = 2, (8, 16, 32)


def main() -> None:
    """`ivf-flat` of 1,024 lists over made vectors × 96, 1,000 queries, two builds."""
    n = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        data, out = f"{name}/data", Path(name) / "run"
        environment = {**os.environ, "VBENCH_HOME": f"{name}/home", "OMP_NUM_THREADS": "1"}
        make = [VBENCH, "data", "generate", data, "--rows", str(n), "--count", "1000"]
        subprocess.run(make, check=True, capture_output=True, env=environment)
        truth = cpu_seconds([VBENCH, "data", "truth", data], environment)
        probes = ",".join(map(str, PROBES))
        command = [
            *(VBENCH, "run", "--index", "ivf-flat", "--dataset", data, "--builds", str(BUILDS)),
            *("--set", "nlist=1024", "--set", f"nprobe={probes}", "--out", str(out)),
            "--no-keep-indexes",
        ]
        total = cpu_seconds(command, environment)
        run = vbench.open(out)
        facts = [run.facts(trial) for trial in run.done]
        own = sum({each.trial.build: each.phases["fit"] for each in facts}.values())
        # The warm-up and the batch are a pass each.
        for each in facts:
            passes = len(each.passes) + each.redone + 2
            own += passes * (each.cpu_ns or 0.0) * run.manifest.dataset.m * 1e-9
    print(f"  {total:.1f} s, of which the library's are {own:.1f} s; exact neighbors {truth:.1f} s")
    figure(f"harness / (fit + search), {n:,} × 96, CPU time", total / own - 1, 0.15, "")


def cpu_seconds(command: list[str], environment: dict[str, str]) -> float:
    """CPU seconds of a command and of all that it waited for."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(said.decode())
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
