"""`vbench run`, as a user types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from vectors import save_pair

from vbench.cli import main
from vbench.runs.files import read_manifest


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base and its queries as .npy, in the current folder."""
    monkeypatch.chdir(tmp_path)
    save_pair(tmp_path, 200, 25, 6, seed=9, queries="asked")
    return tmp_path


def call(*arguments: str) -> Result:
    given = ["--dataset", "base.npy", "--queries", "asked.npy", "--metric", "l2", "-k", "4"]
    return CliRunner().invoke(main, ["run", *given, "--builds", "1", "--repeats", "1", *arguments])


def test_json_holds_every_setting_with_its_measures(data: Path) -> None:
    """One document on standard output: measures by their spelling, with value and interval."""
    result = call("--index", "misbehaving:Swept", "--json", "--measure", "nDCG@4")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["schema"] == "vbench.summary/2"
    assert document["failed"] == []
    assert Path(document["run"], "run.json").is_file()
    settings = {each["setting"]["keep"]: each["measures"] for each in document["settings"]}
    assert list(settings) == [0.5, 0.75, 1.0]
    assert settings[1.0]["Recall@4"]["value"] == 1.0
    for measures in settings.values():
        robust = measures["Robustness(delta=0.5)@4"]
        assert robust["low"] <= robust["value"] <= robust["high"]
        assert measures["QPS"]["value"] > 0
        assert set(measures["nDCG@4"]) == {"value", "low", "high", "spread"}


def test_the_page_says_how_to_do_it_again_from_anywhere(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What stands under "Do it again" is the call, carried out in a shell in another folder."""
    Path("own.py").write_text(
        "import numpy as np, vbench\n"
        "class Own(vbench.Index):\n"
        "    def __init__(self, share: float = 1.0): self.share = share\n"
        "    def fit(self, base, metric, *, seed, threads): self.base = base\n"
        "    def search(self, queries, k):\n"
        "        return np.tile(np.arange(k), (len(queries), 1))\n"
    )
    result = call("--index", "own:Own", "--index", "flat", "--set", "share=0.5", "--out", "first")
    assert result.exit_code == 0, result.output
    page = unescape(Path("first/report.html").read_text(encoding="utf-8"))
    found = re.search(r"cd [^<]* && vbench run [^<]*", page[page.index("Do it again") :])
    assert found is not None
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        f"{found[0]} --out {elsewhere}/again --json",
        shell=True,
        cwd=elsewhere,
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=True,
    )
    again, first = (read_manifest(folder) for folder in (elsewhere / "again", data / "first"))
    assert json.loads(done.stdout)["failed"] == []
    assert again.builds == first.builds
    assert again.dataset == first.dataset
    assert {trial.key for trial in again.trials} == {trial.key for trial in first.trials}


def test_the_table_names_the_run_folder_and_the_next_step(data: Path) -> None:
    """A person sees robustness, price, the harness's own cost and where the run lies."""
    result = call("--index", "flat", "--out", "mine")
    assert result.exit_code == 0, result.output
    for part in ("mean recall", "R-0.9", "worst 5 %", "zero-recall", "QPS", "p99", "build", "size"):
        assert part in result.output
    assert "run folder: mine" in result.output
    assert Path("mine", "report.html").is_file()
    assert "next: " in result.output


def test_a_failed_trial_is_shown_and_ends_with_one(data: Path) -> None:
    """The reason stands in the table and in the document; the other index has its result."""
    result = call("--index", "misbehaving:RaisesInSearch", "--index", "flat")
    assert result.exit_code == 1
    assert "cannot search today" in result.output
    result = call("--index", "misbehaving:RaisesInSearch", "--index", "flat", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert {each["reason"] for each in document["failed"]} == {
        "ValueError: cannot search today (in search)"
    }
    assert document["missing"]
    assert all("RaisesInSearch" in each for each in document["missing"])
    assert all("cannot search today" in each for each in document["missing"])
    assert [each["index"] for each in document["settings"]] == ["flat"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--index", "hnws"], "did you mean 'hnsw'"),
        (["--index", "flat", "--set", "ef"], "NAME=VALUE"),
        (["--index", "flat", "--set", "ef=1", "--set", "ef=2"], "twice"),
        (["--index", "flat", "--measure", "Recall@9"], "needs -k 9"),
        (["--index", "flat", "--memory", "lots"], "4GB"),
        (["--index", "flat", "-k", "201"], "200"),
        (["--index", "flat", "--timeout", "-1"], "x>0"),
        (["--index", "flat", "--queries", "nowhere.npy"], "nowhere.npy"),
        (["--index", "nowhere.toml"], "nowhere.toml"),
        ([], "--index"),
    ],
)
def test_a_wrong_call_is_one_message_and_two(data: Path, arguments: list[str], says: str) -> None:
    """What was given, what is allowed; no traceback, nothing written."""
    result = call(*arguments)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output
    assert not Path("results").exists()


def test_an_option_that_is_given_twice_is_refused(data: Path) -> None:
    """Not the last one counts: the call is wrong, and the message says what to do."""
    result = call("--index", "flat", "--dataset", "other.npy")
    assert result.exit_code == 2
    assert "--dataset is given twice" in result.output
    assert "one dataset a run; a study takes several" in result.output
    assert call("--index", "flat", "-k", "5", "--out", "one", "--out", "two").exit_code == 0
    assert Path("two/run.json").is_file()


def test_an_unknown_command_has_a_near_one() -> None:
    """``reports`` is report."""
    result = CliRunner().invoke(main, ["reports", "x"])
    assert result.exit_code == 2
    assert "did you mean 'report'?" in result.output


def test_settings_that_answer_alike_stand_once_in_tables(data: Path) -> None:
    """The table and the page join their values; JSON keeps each and names the first."""
    result = call("--index", "hnsw", "--set", "ef=1,2,4", "--set", "M=2", "--out", "run")
    assert result.exit_code == 0, result.output
    assert "1, 2, 4" in result.output
    assert "ef=1, 2, 4" in Path("run", "report.html").read_text()
    result = call("--index", "hnsw", "--set", "ef=1,2,4", "--set", "M=2", "--out", "run", "--json")
    same = [each["same_as"] for each in json.loads(result.stdout)["settings"]]
    assert same == [None, "hnsw ef=1", "hnsw ef=1"]


def test_the_transform_of_the_space_stands_beside_the_index(data: Path) -> None:
    """Table, page, comparison and JSON say in which vectors an index was searched."""
    given = ["--metric", "ip", "--dataset", "base.npy", "--queries", "asked.npy", "-k", "4"]
    given += ["--builds", "2", "--repeats", "1", "--out", "run", "--index", "misbehaving:Swept"]
    given += ["--index", "hnsw-mips", "--set", "hnsw-mips.ef=8"]
    result = CliRunner().invoke(main, ["run", *given])
    assert result.exit_code == 0, result.output
    assert "hnsw-mips (mips-l2)" in result.output
    assert "Swept (" not in result.output
    assert "hnsw-mips (mips-l2)" in Path("run", "report.html").read_text()
    name = "hnsw-mips (mips-l2) ef=8"
    compared = CliRunner().invoke(main, ["compare", "run", "--candidate", name])
    assert compared.exit_code == 0, compared.output
    assert "hnsw-mips (mips-l2)" in compared.output
    document = json.loads(CliRunner().invoke(main, ["run", *given, "--json"]).stdout)
    spaces = {each["index"]: each["space"] for each in document["settings"]}
    assert spaces == {"misbehaving:Swept": None, "hnsw-mips": "mips-l2"}


def test_a_recipe_of_ones_own_is_given_by_path(data: Path) -> None:
    """A TOML file names adapter and settings; a key it must not have is named."""
    Path("mine.toml").write_text('adapter = "hnswlib"\n[search]\nef = [8]\n')
    result = call("--index", "mine.toml", "--json")
    assert [each["index"] for each in json.loads(result.stdout)["settings"]] == ["mine"]
    Path("mine.toml").write_text('adapter = "hnswlib"\nserach = 3\n')
    result = call("--index", "mine.toml")
    assert result.exit_code == 2
    assert "mine.toml: unknown key 'serach'" in result.output
    assert "search" in result.output


def test_help_imports_nothing_heavy() -> None:
    """`vbench --help` must stay quick, so it loads none of the big libraries."""
    code = (
        "import sys; from vbench.cli import main; main(['--help'], standalone_mode=False);"
        "print([m for m in ('numpy', 'polars', 'faiss', 'rich', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_terminal_that_knows_few_letters_is_spoken_to_all_the_same(data: Path) -> None:
    """Signs that its encoding lacks become `?`; a JSON document is UTF-8."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = [sys.executable, "-c", "from vbench.cli import main; main()", "index", "list"]
    for more in ([], ["--json"]):
        done = subprocess.run([*shown, *more], capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode())["indexes"]


class Panic(BaseException):
    """What polars raises where it gives up."""


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ValueError("odd"), 2, "internal error: ValueError: odd; vbench --debug"),
        (Panic("worse"), 2, "internal error: Panic: worse; vbench --debug"),
        (KeyboardInterrupt(), 130, "the same command resumes"),
    ],
)
def test_whatever_goes_wrong_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, says: str
) -> None:
    """A fault of vbench's own, and the wish to stop, without a traceback."""

    def fails() -> None:
        raise error

    monkeypatch.setattr("vbench.indexes.overview.describe_indexes", fails)
    result = CliRunner().invoke(main, ["index", "list"])
    assert result.exit_code == code
    assert says in result.output
    assert result.output.count("\n") == 1
