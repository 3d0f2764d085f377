"""What stands around the package does what it says: workflows, the action, the wheel, the image."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
_KINDS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.github-actions": [ROOT / "action.yml"],
    "vendor.github-issue-forms": sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")),
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


@pytest.mark.parametrize("schema", _KINDS)
def test_files_for_other_services_have_their_schema(schema: str) -> None:
    """Workflows, the action, issue forms and the citation are what their readers expect."""
    pytest.importorskip("check_jsonschema")
    files = [str(path) for path in _KINDS[schema]]
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_steps_of_workflows_call_what_is_there(path: Path) -> None:
    """Targets of make and scripts exist: `make --dry-run` knows each, `sh -n` reads each."""
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    steps = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    for line in "\n".join(steps).splitlines():
        words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "x", line))
        if words[0] == "make":
            command = ["make", "--dry-run", f"VENV={ROOT / '.venv-of-nobody'}", *words[1:]]
        else:
            command = ["sh", "-n", *words[1:2]]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


_SAMPLE = """
import numpy as np
import vbench


class Sample(vbench.Index):
    metrics = frozenset({{"l2"}})

    def fit(self, base, metric, *, seed, threads):
        self.base = base[::{step}]

    def search(self, queries, k):
        far = ((queries[:, None] - self.base[None]) ** 2).sum(-1)
        return np.argsort(far, axis=1)[:, :k] * {step}
"""
"""An index that scans every vector, or every other one."""


class Job:
    """A job that runs the action's own steps, in bash as a runner does."""

    def __init__(self, folder: Path) -> None:
        self.temp = folder / "runner"
        self.temp.mkdir()
        self.summary = folder / "summary.md"
        bin_ = folder / "bin"
        bin_.mkdir()
        command = bin_ / "vbench"
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m vbench "$@"\n')
        command.chmod(0o755)
        self.path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
        self.folder = folder

    def step(self, name: str, inputs: Mapping[str, str]) -> int:
        """Run one step with the inputs of a call; its exit code."""
        (step,) = (each for each in ACTION["runs"]["steps"] if each.get("name") == name)
        given = {key: each.get("default", "") for key, each in ACTION["inputs"].items()} | inputs
        words = {
            key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda m: given[m[1]], value)
            for key, value in step.get("env", {}).items()
        }
        environment = {
            **os.environ,
            **words,
            "PATH": self.path,
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.folder / "output"),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode


def test_the_action_gates(place: Path) -> None:
    """Without a baseline it passes; like the baseline it passes; worse, it fails and says so."""
    job = Job(place)
    run = (
        "--index sample:Sample --dataset base.npy --queries queries.npy --metric l2 -k 5 --builds 2"
    )
    sample = place / "sample.py"
    sample.write_text(_SAMPLE.format(step=1))
    assert job.step("Measure", {"run": run}) == 0
    assert job.step("Compare", {}) == 0
    assert "no baseline yet" in job.summary.read_text()
    assert job.step("The next baseline", {}) == 0
    assert job.step("Compare", {}) == 0
    assert (job.temp / "vbench" / "vbench.svg").is_file()
    sample.write_text(_SAMPLE.format(step=2))
    shutil.rmtree(job.temp / "vbench" / "candidate")
    assert job.step("Measure", {"run": run}) == 0
    assert job.step("Compare", {}) == 1
    assert "worse" in job.summary.read_text()
    assert job.step("Compare", {"baseline": "nowhere"}) == 2


@pytest.mark.slow
def test_the_wheel_is_whole(tmp_path: Path) -> None:
    """Built and installed into an environment of its own, it lists, checks, measures, reports."""
    done = subprocess.run(
        ["sh", "scripts/check-wheel.sh", str(tmp_path / "dist")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "dist").glob("vbench_ann-*.whl"))) == 1


@pytest.mark.slow
def test_the_steps_of_the_image_install_it(tmp_path: Path) -> None:
    """What the Dockerfile runs, in an environment of its own: wheels of all, installed offline."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    steps = re.findall(r"^RUN (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(steps) == 3
    path = f"{tmp_path / 'env' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for step in steps:
        if step.startswith("apt-get"):  # what `make` says of a missing compiler stands in its place
            step = "sh scripts/can-build.sh python3"
        here = step.replace("/wheels", str(tmp_path / "wheels")).replace("/src", str(ROOT))
        subprocess.run(["bash", "-c", here], cwd=ROOT, env={**os.environ, "PATH": path}, check=True)
    subprocess.run([tmp_path / "env" / "bin" / "vbench", "--version"], check=True)


def test_versions_agree() -> None:
    """The citation is of the version that the package has."""
    import vbench

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == vbench.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["license"] == project["license"]
    assert citation["repository-code"] == project["urls"]["Repository"]
