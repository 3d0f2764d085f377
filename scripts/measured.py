"""Measure what README and docs state, and store it: docs/measured/NAME.json.

``python scripts/measured.py [NAME ...]``, or ``make measured`` for all of them, which takes hours.
What the commands of a result leave is kept in build/measured, and runs go on with what is there.
Results stand in scripts/results, by what they are about.
A result is a table: rows by name, each with values by name, in the order in which pages show them;
beside it stand the commands, and the last commit that had changed the package.
tests/test_measured.py compares every number of the pages with them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from results import (  # noqa: F401  # they register their results
    audits,
    cure,
    databases,
    field,
    goals,
    learned,
    level,
    load,
    ranking,
    scale,
    statistics,
    study,
    workloads,
)
from results.registry import FOLDER, RESULTS, ROOT, STORED


def main() -> int:
    """Run the commands of each result, and store what comes out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RESULTS))
    names = parser.parse_args().names
    if unknown := sorted({*names} - {*RESULTS}):
        parser.error(f"no result: {', '.join(unknown)}; there are {', '.join(RESULTS)}")
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name in names or RESULTS:
        for command in RESULTS[name].commands:
            print(f"{name}: {command}", flush=True)
            subprocess.run(
                command, shell=True, check=True, cwd=ROOT, env={**os.environ, "PATH": path}
            )
        store(name)
    return 0


def store(name: str) -> None:
    """Write the document of a result: its values with seven digits, and the code they are of."""
    code = ["git", "log", "-1", "--format=%h", "--", "vbench"]
    said = subprocess.run(code, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    commands, select = RESULTS[name]
    values = {
        row: {key: None if value is None else float(f"{value:.7g}") for key, value in each.items()}
        for row, each in select().items()
    }
    STORED.mkdir(exist_ok=True)
    document = {"code": said.stdout.strip(), "commands": commands, "values": values}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (STORED / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
