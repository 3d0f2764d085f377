"""What of the goals of speed is reached: figures of benchmarks, as they print them."""

from __future__ import annotations

import re

from results.registry import FOLDER, ROOT, Table, result

SCRIPTS = {
    "exact_search": ("product / exact search, one thread", "product / exact search, all cores"),
    "ground_truth": (
        "exact search / faiss, k=100, 50,000 × 64",
        "exact search / faiss, k=1000, 50,000 × 64",
        "exact search / faiss, k=100, 50,000 × 64, two threads",
        "exact search / faiss, k=100, 1,000,000 × 128",
    ),
    "kept": ("one more setting", "one more K"),
    "memory": ("anonymous memory of a worker",),
    "beside": ("harness / (fit + search)",),
}
_FIGURE = re.compile(r"\s([\d.]+) \S*\s+\(at most ([\d.]+)\)\s+(?:ok|MISSED)$", re.MULTILINE)


@result(*(f"python benchmarks/{name}.py > {FOLDER}/bench-{name}.txt" for name in SCRIPTS))
def goals() -> Table:
    """Each figure beside its goal."""
    table: Table = {}
    for script, names in SCRIPTS.items():
        said = (ROOT / FOLDER / f"bench-{script}.txt").read_text()
        found = _FIGURE.findall(said)
        for name, (measured, allowed) in zip(names, found, strict=True):
            table[name] = {"at most": float(allowed), "measured": float(measured)}
    return table
