"""What a run takes beside fit and search: CPU time of all its processes, beside the library's own.

python benchmarks/beside.py [N]

The library's part is that of a process which does nothing else: two fits, and as many passes as the
run made. All else counts as the harness: reading, checking, exact neighbors, permuting, scoring,
writing, the report.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _print import figure

import vbench

VBENCH = str(Path(sys.executable).with_name("vbench"))
BUILDS, PROBES = 2, (8, 16, 32)
_BARE = """
import json, sys, time
import numpy as np
from vbench.indexes.registry import resolve
base, queries = (np.load(f"{sys.argv[1]}/{name}.npy").astype(np.float32) for name in
                 ("base", "queries"))
index = resolve("ivf-flat")(nlist=1024)
began = time.process_time()
index.fit(base, "l2", seed=0, threads=1)
spent = [time.process_time() - began]
for nprobe in map(int, sys.argv[2:]):
    index.set(nprobe=nprobe)
    began = time.process_time()
    for query in queries:
        index.search_one(query, 10)
    spent.append(time.process_time() - began)
print(json.dumps(spent))
"""


def main() -> None:
    """`ivf-flat` of 1,024 lists over made vectors × 96, 1,000 queries, two builds."""
    n = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        data, out = f"{name}/data", Path(name) / "run"
        environment = {**os.environ, "VBENCH_HOME": f"{name}/home", "OMP_NUM_THREADS": "1"}
        make = [VBENCH, "data", "generate", data, "--rows", str(n), "--count", "1000"]
        subprocess.run(make, check=True, capture_output=True, env=environment)
        probes = ",".join(map(str, PROBES))
        command = [
            *(VBENCH, "run", "--index", "ivf-flat", "--dataset", data, "--builds", str(BUILDS)),
            *("--set", "nlist=1024", "--set", f"nprobe={probes}", "--out", str(out)),
            "--no-keep-indexes",
        ]
        total = cpu_seconds(command, environment)
        bare = [sys.executable, "-c", _BARE, data, *map(str, PROBES)]
        said = subprocess.run(bare, check=True, capture_output=True, env=environment, text=True)
        fit, *passes = json.loads(said.stdout)
        own = BUILDS * fit
        run = vbench.open(out)
        for trial in run.done:
            facts = run.facts(trial)
            # The warm-up and the batch are a pass each.
            count = len(facts.passes) + facts.redone + 2
            own += count * passes[PROBES.index(int(trial.setting["nprobe"]))]
    print(f"  {total:.1f} s, of which the library's are {own:.1f} s")
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
