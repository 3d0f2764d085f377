"""The recipes of the guide run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "testing.md"
COMPILERS = {
    "answers.cpp": ["g++", "-O2", "-std=c++17"],
    "answers.rs": ["rustc", "--edition", "2021", "-O"],
}


def write_files(folder: Path) -> None:
    """Every block of code whose first line names its file."""
    text = GUIDE.read_text(encoding="utf-8")
    for code, name in re.findall(r"```\w+\n((?:#|//) (\S+\.\w+)\n.*?)```", text, re.DOTALL):
        (folder / name).write_text(code)


def run_tests(folder: Path, *names: str) -> str:
    """What a pytest of its own says of files of the guide, all of whose tests pass."""
    command = [sys.executable, "-m", "pytest", "-p", "vbench.testing.plugin"]
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *names],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_recipes_for_python_run(tmp_path: Path) -> None:
    """The indexes of hnswlib and faiss are kept, and hnswlib as it is printed in the guide."""
    write_files(tmp_path)
    text = run_tests(tmp_path, "test_recall.py", "test_faiss.py")
    assert text.count("  kept: ") == 3
    printed = next(line for line in text.splitlines() if "test_recall.py::test_recall  " in line)
    assert printed in GUIDE.read_text(encoding="utf-8")


@pytest.mark.parametrize("source", COMPILERS)
def test_the_recipe_for_a_command_runs(tmp_path: Path, source: str) -> None:
    """The program compiles, and its builds are tested."""
    compiler, *options = COMPILERS[source]
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    write_files(tmp_path)
    subprocess.run([compiler, *options, "-o", "answers", source], cwd=tmp_path, check=True)
    assert "test_command.py::test_recall  kept: Recall@10 0.7" in run_tests(
        tmp_path, "test_command.py"
    )
