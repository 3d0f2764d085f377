"""How often intervals, verdicts, recall tests and certificates are right."""

from __future__ import annotations

import re

from results.registry import FOLDER, ROOT, Table, read, result


@result(f"python scripts/simulations.py coverage > {FOLDER}/coverage.json")
def coverage() -> Table:
    """How often intervals hold the truth."""
    return dict(read("coverage.json"))


@result(f"python scripts/simulations.py items > {FOLDER}/items-coverage.json")
def items_coverage() -> Table:
    """How often the intervals of items' measures hold the truth."""
    return dict(read("items-coverage.json"))


@result(f"python scripts/simulations.py verdicts > {FOLDER}/verdicts.json")
def verdicts() -> Table:
    """How often verdicts are right."""
    return dict(read("verdicts.json"))


@result(f"python scripts/recall_tests.py normal > {FOLDER}/recall_tests_normal.json")
def recall_tests_normal() -> Table:
    """How often recall tests are wrong, by the spread of builds."""
    return dict(read("recall_tests_normal.json"))


@result(f"python scripts/recall_tests.py shapes > {FOLDER}/recall_tests_shapes.json")
def recall_tests_shapes() -> Table:
    """The same where builds are not normal."""
    return dict(read("recall_tests_shapes.json"))


@result(f"python scripts/recall_tests.py hnsw > {FOLDER}/recall_tests_hnsw.json")
def recall_tests_hnsw() -> Table:
    """The same of real builds of HNSW."""
    return dict(read("recall_tests_hnsw.json"))


@result(f"python benchmarks/tune.py > {FOLDER}/tune.txt")
def tune() -> Table:
    """How often certificates are given and hold, and what they cost."""
    found = re.findall(
        r"^tune (\S+): .* (\d+)\.000 .*\n"
        r"  certified in (\d+)% of splits, at ([\d.]+) × .* ([\d.]+) +\(",
        (ROOT / FOLDER / "tune.txt").read_text(),
        re.MULTILINE,
    )
    return {
        target: {
            "tried": int(tried),
            "certified": int(share) / 100,
            "wrong": float(wrong),
            "over": float(over),
        }
        for target, tried, share, over, wrong in found
    }
