"""Whether verdicts can be trusted: the same against the same, and different against different.

``python benchmarks/verdicts.py [FOLDER]``: in FOLDER the runs are kept, and gone on with.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np
from _print import figure

import vbench
from vbench.analysis.compare import compare, compare_pairs
from vbench.runs.pairing import Pair
from vbench.runs.run import Run

GROUP, PAIRS, BUILDS = 3, 20, 8
FOUND = ("Failure@10", "Robustness(delta=0.9)@10")


def main() -> None:
    """Print how often equal things are called different, and whether different ones are."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else name)
        books = vbench.load("books")
        same = vbench.run(
            books, "hnsw", builds=2 * GROUP * PAIRS, repeats=1, settings={"ef": [64]},
            out=folder / "same",
        )  # fmt: skip
        figure(
            f"one HNSW, {PAIRS} pairs of {GROUP} builds: share called different",
            called_different(same),
            0.10,
            "",
        )
        both = vbench.run(
            books, ["hnsw", "ivf-mips"], builds=BUILDS, repeats=1, at_recall=0.9, seed=1,
            out=folder / "both",
        )  # fmt: skip
        rows = compare(both, measures=FOUND).comparisons
        for row in rows:
            print(f"  {row.verdict} (p {row.p_holm:.2g})")
        overlooked = sum(not row.different for row in rows)
        what = f"HNSW against IVF at recall 0.9, {BUILDS} builds: differences overlooked"
        figure(what, overlooked, 0, "of 2")


def called_different(run: Run) -> float:
    """Share of pairs of groups of builds in which some measure is called different.

    No build is in two groups, so the pairs are independent.
    """
    (setting,) = run.settings()
    groups = [
        dataclasses.replace(setting, trials=setting.trials[start : start + GROUP])
        for start in range(0, len(setting.trials), GROUP)
    ]
    pairs = [Pair(*pair) for pair in zip(groups[::2], groups[1::2], strict=True)]
    verdicts = [any(row.different for row in compare_pairs([pair]).comparisons) for pair in pairs]
    return float(np.mean(verdicts))


if __name__ == "__main__":
    main()
