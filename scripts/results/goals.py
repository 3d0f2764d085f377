"""What of the goals of speed is reached: figures of benchmarks, as they print them."""

from __future__ import annotations

import re

from results.registry import FOLDER, ROOT, Table, result

SCRIPTS = {
    "exact_search.py": ("product / exact search, one thread", "product / exact search, all cores"),
    "ground_truth.py": (
        "exact search / faiss, k=100, 50,000 × 64",
        "exact search / faiss, k=1000, 50,000 × 64",
        "exact search / faiss, k=100, 50,000 × 64, two threads",
        "exact search / faiss, k=100, 1,000,000 × 128",
    ),
    "kept.py": ("one more setting", "one more K"),
    "jobs.py": ("two builds side by side / two bare processes",),
    "memory.py": ("anonymous memory of a worker",),
    "memory.py 10000000": ("anonymous memory of a run, ten million, of its size in float32",),
    "cluster.py": ("exact search, workers / bare processes", "runs, workers / bare processes"),
    "beside.py": ("harness / (fit + search)",),
    "beside.py 10000000": ("harness / (fit + search), ten million",),
}
_FIGURE = re.compile(r"\s([\d.]+) \S*\s+\(at most ([\d.]+)\)\s+(?:ok|MISSED)$", re.MULTILINE)


def _said(script: str) -> str:
    """File of what a script printed."""
    return f"{FOLDER}/bench-{script.replace('.py', '').replace(' ', '-')}.txt"


@result(*(f"python benchmarks/{script} > {_said(script)}" for script in SCRIPTS))
def goals() -> Table:
    """Each figure beside its goal."""
    table: Table = {}
    for script, names in SCRIPTS.items():
        found = _FIGURE.findall((ROOT / _said(script)).read_text())
        for name, (measured, allowed) in zip(names, found, strict=True):
            table[name] = {"at most": float(allowed), "measured": float(measured)}
    return table
