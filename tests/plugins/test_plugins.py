"""Plug-ins as their users meet them: installed by pip into a fresh environment."""

from __future__ import annotations

import json
import subprocess
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


class Environment:
    """A Python of its own that also sees the packages of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        site = Path(
            self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
        )
        outer = sysconfig.get_path("purelib")
        # addsitedir, so that an editable installation out there is seen as well.
        (site / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), *arguments], cwd=self.folder, capture_output=True, text=True
        )

    def install(self, package: str) -> None:
        quiet = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
        where = ["--disable-pip-version-check", "--no-input", "--root-user-action=ignore"]
        done = self.run("-m", "pip", "install", *quiet, *where, str(HERE / package))
        assert done.returncode == 0, done.stderr

    def vbench(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-c", "from vbench.cli import main; main()", *arguments)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A fresh environment with one good plug-in and one that cannot be imported."""
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install("good")
    made.install("broken")
    return made


def test_an_installed_plugin_is_listed_and_a_broken_one_costs_one_warning(
    environment: Environment,
) -> None:
    """The good one stands in the list with its package; the broken one is named once, in a line."""
    listed = environment.vbench("index", "list")
    assert listed.returncode == 0, listed.stderr
    row = next(line for line in listed.stdout.splitlines() if line.strip().startswith("cells"))
    assert "vbench-cells" in row
    warnings = listed.stderr.strip().splitlines()
    assert len(warnings) == 1
    assert "'broken'" in warnings[0]
    assert "vbench-broken" in warnings[0]
    assert "a_library_that_is_not_there" in warnings[0]


def test_a_broken_plugin_asked_for_by_name_says_why(environment: Environment) -> None:
    """Exit code 2 and one line, without a traceback."""
    shown = environment.vbench("index", "show", "broken")
    assert shown.returncode == 2
    assert shown.stderr.count("\n") == 1
    assert "a_library_that_is_not_there" in shown.stderr


def test_an_installed_plugin_passes_the_conformance_kit(environment: Environment) -> None:
    """No check fails, and the exit code says so."""
    checked = environment.vbench("index", "check", "cells", "--json")
    document = json.loads(checked.stdout)
    assert [each for each in document["checks"] if each["status"] in ("fail", "warn")] == []
    assert checked.returncode == 0


def test_an_installed_plugin_runs_with_its_own_sweep(environment: Environment) -> None:
    """`vbench run --index cells` measures every setting of the class, and nothing is warned of."""
    rng = np.random.default_rng(1)
    np.save(environment.folder / "base.npy", rng.standard_normal((400, 8)).astype(np.float32))
    np.save(environment.folder / "asked.npy", rng.standard_normal((30, 8)).astype(np.float32))
    data = ["--dataset", "base.npy", "--queries", "asked.npy", "--metric", "l2", "-k", "5"]
    done = environment.vbench(
        "run",
        "--index",
        "cells",
        *data,
        "--builds",
        "1",
        "--repeats",
        "1",
        "--out",
        "run",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    recall = [each["measures"]["Recall@5"]["value"] for each in document["settings"]]
    assert [each["setting"] for each in document["settings"]] == [
        {"probe": probe} for probe in (1, 4, 16)
    ]
    assert recall == sorted(recall)
    assert recall[0] < recall[-1]
    assert "broken" not in done.stderr


def test_a_package_may_bring_a_dataset_a_measure_and_a_ranker(environment: Environment) -> None:
    """Each is found by its name, and what the package prints stays out of the document."""
    options = ["--builds", "1", "--repeats", "1", "--out", "corners", "--json"]
    done = environment.vbench(
        "run", "--index", "cells", "--dataset", "corners", "--measure", "Half@10", *options
    )
    assert done.returncode == 0, done.stderr
    assert "made by the plug-in" in done.stderr
    measures = [each["measures"] for each in json.loads(done.stdout)["settings"]]
    assert [each["Half@10"] for each in measures] == [
        each["Robustness(delta=0.5)@10"] for each in measures
    ]
    ranked = environment.vbench("rank", "corners", "--ranker", "late", "--json")
    assert ranked.returncode == 0, ranked.stderr
    assert json.loads(ranked.stdout)
    assert "corners" in environment.vbench("data", "list").stdout
