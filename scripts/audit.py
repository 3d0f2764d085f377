"""Audits of datasets, and what groups of copies do to indexes, as JSON.

python scripts/audit.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import vbench

DATASETS = ("books", "glove-50", "wordnet")
GROUPS = ((0, 0), (1000, 4), (20, 200), (1, 4000))
"""How many groups of copies there are, and how large each is."""
SETTINGS = {"ef": [64], "nprobe": [64]}
MEASURES = ("Recall@10", "Robustness(delta=0.9)@10", "Failure@10")


def copies(folder: Path) -> dict[str, dict[str, float]]:
    """Recall over 20,000 vectors of which 4,000 are copies of others, in groups of some size."""
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(20_000, 16)).astype(np.float32)
    asked = plain[rng.choice(len(plain), 1000)] + 0.3 * rng.normal(size=(1000, 16))
    rows = rng.permutation(len(plain))[:4000]
    found = {}
    for number, size in GROUPS:
        base = plain.copy()
        for group in range(number):
            members = rows[group * size : (group + 1) * size]
            base[members] = plain[members[0]]
        name = f"{number} × {size}" if number else "none"
        data = vbench.load(base, queries=asked.astype(np.float32), metric="l2", name="copies")
        run = vbench.run(
            data,
            ["hnsw", "ivf-flat"],
            builds=3,
            repeats=1,
            settings=SETTINGS,
            out=folder / f"copies-{number}-{size}",
            fresh=True,
        )
        for measure in MEASURES:
            frame = run.measure(measure)
            for index, value in zip(frame["index"], frame["value"], strict=True):
                found.setdefault(f"{index}, {name}", {})[measure] = value
    return found


def audits() -> dict[str, dict[str, float]]:
    """The value of every finding."""
    return {
        name: {each.key: each.value for each in vbench.audit(vbench.load(name)).findings}
        for name in DATASETS
    }


def main() -> int:
    """Print both as one JSON document."""
    print(json.dumps({**audits(), **copies(Path(sys.argv[1]))}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
