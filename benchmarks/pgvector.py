"""From nothing to a table: PostgreSQL started, three builds, four settings, a report."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _print import figure

from vbench.indexes.library import is_installed
from vbench.indexes.registry import resolve

VBENCH = str(Path(sys.executable).with_name("vbench"))
PART = ["--base-at-most", "20000", "--queries-at-most", "1000"]


def main() -> None:
    """On 20,000 × 64 of `books`; time of the processors too, which other work changes less."""
    with tempfile.TemporaryDirectory() as folder:
        command = [VBENCH, "run", "--index", "pgvector-hnsw", *PART, "--out", f"{folder}/run"]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        spent = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figure("pgvector on 20,000 × 64, from nothing to a table", spent, 90, "s")
    figure("the same, of the processors", used.ru_utime + used.ru_stime, 90, "s")


if __name__ == "__main__":
    if is_installed(resolve("pgvector-hnsw")):
        main()
