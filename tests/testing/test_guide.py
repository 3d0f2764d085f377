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


def run_tests(folder: Path, *arguments: str, code: int = 0) -> str:
    """What a pytest of its own says of files of the guide."""
    command = [sys.executable, "-m", "pytest", "-p", "vbench.testing.plugin"]
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def test_the_recipes_for_python_run(tmp_path: Path) -> None:
    """What pytest prints is in the guide: of the kept test, the lost one and the reference."""
    write_files(tmp_path)
    recipe = tmp_path / "test_recall.py"
    lost = recipe.read_text().replace("M=6", "M=5")
    texts = [run_tests(tmp_path, recipe.name, "--recall-reference")]
    texts.append(run_tests(tmp_path, recipe.name, "test_faiss.py"))
    assert texts[1].count("  kept: ") == 3
    recipe.write_text(lost)
    texts.append(run_tests(tmp_path, recipe.name, code=1))
    printed = {line for text in texts for line in text.splitlines()}
    shown = re.findall(r"```pytest\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for text in shown for line in text.splitlines() if not line.startswith("$")]
    assert len(lines) > 10
    assert [line for line in lines if line not in printed] == []


@pytest.mark.slow
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
