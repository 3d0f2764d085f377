"""Indexes in a database."""

from __future__ import annotations

import re

from results.registry import FOLDER, ROOT, Table, result


@result(f"python benchmarks/pgvector.py > {FOLDER}/pgvector.txt")
def pgvector() -> Table:
    """From nothing to a table with three builds and four settings of pgvector."""
    said = (ROOT / FOLDER / "pgvector.txt").read_text()
    spent, used = (float(each) for each in re.findall(r"([\d.]+) s  ", said))
    return {"pgvector-hnsw": {"seconds": spent, "seconds of the processors": used}}
