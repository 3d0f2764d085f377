"""The same run in several environments, as a maintainer of a library compares its versions."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from vectors import save_pair

import vbench
from vbench.cli import main
from vbench.cli.environments import read_environments
from vbench.errors import VbenchError

LIBRARY = """
import numpy as np
import vbench


class Mine(vbench.Index):
    metrics = frozenset({"l2"})

    def fit(self, base, metric, *, seed, threads):
        self.base = base[: len(base) // PART]

    def search(self, queries, k):
        far = ((queries[:, None] - self.base) ** 2).sum(axis=2)
        return np.argsort(far, axis=1, kind="stable")[:, :k]
"""


def make_environment(folder: Path, part: int) -> Path:
    """An environment with all of this one, and a version of a library of its own."""
    venv.create(folder, symlinks=True)
    base = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", base))
    shared = [sysconfig.get_path("purelib"), str(Path(vbench.__file__).parent.parent)]
    lines = [f"import site; site.addsitedir({each!r})" for each in shared]
    (packages / "shared.pth").write_text("\n".join(lines) + "\n")
    (packages / "my_library.py").write_text(LIBRARY.replace("PART", str(part)))
    return folder


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that looks at the whole base, the same again, and one that looks at half of it."""
    folder = tmp_path_factory.mktemp("environments")
    for name, part in (("old", 1), ("same", 1), ("new", 2)):
        make_environment(folder / name, part)
    return folder


def call(*words: object) -> Result:
    options = ["--builds", "1", "--repeats", "1", "--dataset", "base.npy", "--queries", "asked.npy"]
    command = ["run", "--index", "my_library:Mine", "--metric", "l2", *options, *map(str, words)]
    return CliRunner().invoke(main, command)


def test_versions_are_compared_in_one_command(
    environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Identical answers are told as such, and a version that answers worse."""
    monkeypatch.chdir(tmp_path)
    save_pair(tmp_path, 200, 60, 4, seed=3, queries="asked")
    names = [f"--python=before={environments / 'old' / 'bin' / 'python'}"]
    for name in ("same", "new"):
        names += ["--python", str(environments / name)]
    done = call(*names, "--json", "--measure", "Recall@10")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["schema"].startswith("vbench.compare/")
    folders = [f"results/python-before-same-new/{name}" for name in ("before", "same", "new")]
    assert found["runs"] == folders
    assert all((tmp_path / folder / "run.json").is_file() for folder in folders)
    same, worse = found["comparisons"]
    assert same["verdict"] == "identical answers in all builds: nothing to compare"
    assert worse["better"] == "baseline"
    assert worse["candidate_value"]["value"] < 0.8
    assert "code of my_library:Mine" in {each["name"] for each in found["changes"]}


def test_an_environment_that_cannot_is_told_before_anything_is_measured(
    environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without vbench, one alone, no Python, two of one name."""
    monkeypatch.chdir(tmp_path)
    save_pair(tmp_path, 200, 60, 4, seed=3, queries="asked")
    old = environments / "old"
    bare = tmp_path / "bare"
    venv.create(bare, symlinks=True)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    done = call("--python", old, "--python", bare)
    assert done.exit_code == 2
    assert "bare cannot import vbench (ModuleNotFoundError" in done.output
    assert "-m pip install vbench-ann" in done.output
    assert not (tmp_path / "results").exists()
    for given, said in (
        ([str(old)], "--python A --python B"),
        ([str(old), "no/such"], "no/such is no Python"),
        ([str(old), str(old)], "two environments are called old"),
        ([str(old), f"../up={old}"], "is no name of a folder"),
    ):
        with pytest.raises(VbenchError, match=said):
            read_environments(given)


def test_what_is_wrong_in_one_environment_is_said(
    environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that is not there: the run's own words stand above."""
    monkeypatch.chdir(tmp_path)
    save_pair(tmp_path, 200, 60, 4, seed=3, queries="asked")
    other = tmp_path / "other"
    shutil.copytree(environments / "old", other, symlinks=True)
    for path in other.rglob("my_library.py"):
        path.unlink()
    done = call("--python", other, "--python", environments / "old")
    assert done.exit_code == 2
    assert "the run in other ended with exit code 2; see above" in done.output


@pytest.mark.slow
def test_two_versions_of_a_real_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faiss of two years, each in an environment of its own: the versions are named."""
    monkeypatch.chdir(tmp_path)
    save_pair(tmp_path, 2000, 100, 8, seed=3, queries="asked")
    for name, version in (("old", "1.9.0"), ("new", "1.12.0")):
        folder = make_environment(tmp_path / name, 1)
        (packages,) = folder.glob("lib/python*/site-packages")
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
        done = subprocess.run(
            [*command, "--target", packages, f"faiss-cpu=={version}"], check=False
        )
        if done.returncode:
            pytest.skip(f"faiss-cpu {version} cannot be installed here")
    options = ["--set", "nprobe=4", "--builds", "2", "--repeats", "1", "--json", "--out", "runs"]
    data = ["--dataset", "base.npy", "--queries", "asked.npy", "--metric", "l2"]
    pythons = ["--python", "old", "--python", "new"]
    done = CliRunner().invoke(main, ["run", "--index", "ivf-flat", *data, *pythons, *options])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    changes = {each["name"]: (each["baseline"], each["candidate"]) for each in found["changes"]}
    assert changes["faiss-cpu"] == ("1.9.0", "1.12.0")
