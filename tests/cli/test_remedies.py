"""What a message says to type works when it is typed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from vectors import save_pair

import vbench
from vbench.cli import main
from vbench.errors import VbenchError
from vbench.measures.targets import parse_targets

DATA = ("--dataset", "base.npy", "--queries", "asked.npy", "--metric", "l2")
ONCE = ("--builds", "1", "--repeats", "1")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base and its queries as .npy, in the current folder."""
    monkeypatch.chdir(tmp_path)
    save_pair(tmp_path, 300, 25, 6, seed=21, queries="asked")
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def run(*arguments: str, data: tuple[str, ...] = DATA) -> Result:
    return call("run", *data, *ONCE, *arguments)


def test_several_indexes_in_one_option(data: Path) -> None:
    """The message repeats the option, and that works."""
    result = run("--index", "flat,hnsw")
    assert result.exit_code == 2
    remedy = result.output.partition("give each by itself: ")[2].split()
    assert remedy == ["--index", "flat", "--index", "hnsw"]
    assert run(*remedy, "--set", "ef=8").exit_code == 0


def test_several_k_in_one_option(data: Path) -> None:
    """As with --set, a comma is enough."""
    result = run("--index", "flat", "-k", "5,7", "--json")
    assert sorted(each["k"] for each in json.loads(result.stdout)["settings"]) == [5, 7]
    result = run("--index", "flat", "-k", "5,ten")
    assert (result.exit_code, "'ten' is not a whole number" in result.output) == (2, True)


@pytest.mark.parametrize("word", ["efSearch", "ef_search", "EF"])
def test_another_library_s_word_for_a_parameter(data: Path, word: str) -> None:
    """``efSearch`` is ef."""
    result = run("--index", "hnsw", "--set", f"{word}=16")
    assert "did you mean 'ef'" in result.output


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("p99<2ms", "Latency(p=99)<=2ms"),
        ("latency_p95 <= 1ms", "Latency(p=95)<=1ms"),
        ("Recall@10>0.9", "Recall@10>=0.9"),
        ("Failure@10<0.01", "Failure@10<=0.01"),
    ],
)
def test_a_target_s_sign_and_common_names(written: str, meant: str) -> None:
    """`<` is read as `<=`, and common names of percentiles are understood."""
    assert parse_targets(written) == parse_targets(meant)


def test_a_target_of_equality() -> None:
    """What was meant is said where that is clear."""
    with pytest.raises(VbenchError, match=re.escape("write 'Recall@10>=90%'")):
        parse_targets("Recall@10 == 90%")


@pytest.mark.parametrize("written", ["fast", "p99>2ms", "Recall@10<0.9", "p99<soon", "<2"])
def test_a_target_that_means_nothing(written: str) -> None:
    """Nothing is guessed that would say the contrary."""
    with pytest.raises(
        VbenchError, match=r"write a measure|less is better|more is better|not a number"
    ):
        parse_targets(written)


def test_the_latest_run_need_not_be_named(data: Path) -> None:
    """Without RUN the message names it; `last` is it."""
    for command in ("tail", "report", "compare", "rank"):
        result = call(command)
        assert (result.exit_code, "vbench run --index hnsw" in result.output) == (2, True)
        assert "vbench run --index hnsw makes one" in call(command, "last").output
    assert run("--index", "flat").exit_code == 0
    (folder,) = Path("results").iterdir()
    result = call("tail")
    assert result.exit_code == 2
    assert f"the latest is {folder}: " in result.output
    assert call("tail", "last").exit_code == 0
    assert call("report", "last").exit_code == 0


def test_an_index_that_always_fails_ends_with_its_reason(data: Path) -> None:
    """The last line is the first reason, and no page is named that was not written."""
    result = run("--index", "misbehaving:RaisesInFit")
    assert result.exit_code == 1
    assert result.output.strip().splitlines()[-1].startswith("no result: ")
    assert "the index server is not there" in result.output.strip().splitlines()[-1]
    assert "open the report" not in result.output


def test_one_setting_alone_is_not_compared_with_itself(data: Path) -> None:
    """The two settings that are proposed differ; where there is one, another run is proposed."""
    assert run("--index", "hnsw", "--set", "ef=16", "--out", "one").exit_code == 0
    result = call("compare", "one")
    assert result.exit_code == 2
    assert "give a second run" in result.output
    assert "--candidate" not in result.output
    assert run("--index", "hnsw", "--set", "ef=16,1", "--out", "two").exit_code == 0
    result = call("compare", "two")
    words = shlex.split(result.output.partition("of this one: ")[2])
    assert call("compare", "two", *words).exit_code == 0


def test_the_index_check_that_is_proposed_finds_the_index(data: Path) -> None:
    """By the recipe's name, by the class, and of a recipe of one's own by its adapter."""
    Path("mine.toml").write_text('adapter = "misbehaving:Farthest"\n')
    for index in ("misbehaving:Farthest", "mine.toml"):
        result = run("--index", index, "--json", "--out", f"run-{len(index)}")
        found = json.loads(result.stdout)["warnings"]
        (warn,) = [each for each in found if each["code"] == "random-recall"]
        command = re.search(r"vbench (index check \S+)", warn["remedy"])
        assert command is not None
        assert "unknown index" not in call(*shlex.split(command[1])).output


def test_queries_in_the_base_are_held_out(data: Path) -> None:
    """The option of the warning takes them out, and the warning is gone."""
    np.save("asked.npy", np.load("base.npy")[:30])
    result = run("--index", "flat", "--json")
    warnings = json.loads(result.stdout)["warnings"]
    (warn,) = [each for each in warnings if each["code"] == "queries-in-base"]
    option, number = re.findall(r"(--hold-out) (\d+)", warn["remedy"])[0]
    document = json.loads(run("--index", "flat", "--json", option, number).stdout)
    assert document["dataset"]["queries_in_base"] == 0
    assert (document["dataset"]["n"], document["dataset"]["hold_out"]) == (270, 30)
    assert "queries-in-base" not in {each["code"] for each in document["warnings"]}


def test_a_base_alone_can_ask_itself(data: Path) -> None:
    """The number that is proposed fits the base."""
    alone = ("--dataset", "base.npy", "--metric", "l2")
    result = run("--index", "flat", data=alone)
    option, number = re.findall(r"(--hold-out) (\d+)", result.output)[0]
    assert run("--index", "flat", option, number, data=alone).exit_code == 0


def test_every_warning_has_a_code_and_they_are_in_the_docs(data: Path) -> None:
    """What a program reads is stable and told."""
    told = Path(__file__).parents[2].joinpath("docs", "report.md").read_text()
    np.save("base.npy", np.repeat(np.load("base.npy")[:30], 10, axis=0))
    indexes = ("Deaf", "Farthest", "Pads", "Duplicates", "Fickle", "BatchDiffers", "RaisesInFit")
    given = [word for name in indexes for word in ("--index", f"misbehaving:{name}")]
    document = json.loads(run(*given, "--index", "ivf-flat", "--json").stdout)
    codes = {each["code"] for each in document["warnings"]}
    assert {"same-answers", "random-recall", "short-answers", "copies", "failed-trials"} <= codes
    package = Path(vbench.__file__).parent
    source = "\n".join(path.read_text() for path in package.rglob("*.py"))
    codes |= set(re.findall(r'code="([\w-]+)"', source))
    assert [code for code in sorted(codes) if f"`{code}`" not in told] == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ("-i", "flat", "--learn", "5"),
            "--learn: nothing would use these queries: flat takes none",
        ),
        (("-i", "learners:Needs"), "needs queries to learn from; give --learn N"),
        (("-i", "learners:Needs", "--learn", "0"), "0 of 25 queries cannot be kept to learn from"),
        (
            ("-i", "learners:Needs", "--learn", "-2"),
            "-2 of 25 queries cannot be kept to learn from",
        ),
        (("-i", "learners:Needs", "--learn", "25"), "give 1 to 24"),
        (("-i", "learners:Needs", "--learn", "gone.npy"), "gone.npy: no such file"),
        (
            ("-i", "learners:Needs", "--learn", "asked.npy"),
            "every query to learn from is asked too",
        ),
    ],
)
def test_queries_to_learn_from_that_cannot_be(
    data: Path, given: tuple[str, ...], message: str
) -> None:
    """One line says which can."""
    result = run(*given)
    assert (result.exit_code, message in result.output) == (2, True), result.output
    assert len(result.output.strip().splitlines()) == 1


def test_queries_to_learn_from_are_a_number_or_a_file(data: Path) -> None:
    """The table says how many there were, and `none` ignores those that a file brings."""
    result = run("-i", "learners:Needed", "--learn", "10")
    assert "15 queries, l2; 10 other queries to learn from" in " ".join(result.output.split())
    save_pair(data, 300, 9, 6, seed=22, queries="more")
    found = json.loads(run("-i", "learners:Needed", "--learn", "more.npy", "--json").stdout)
    assert (found["dataset"]["m"], found["dataset"]["learn"]["rows"]) == (25, 9)
    found = json.loads(run("-i", "learners:Needed", "--learn", "none", "--json").stdout)
    assert found["dataset"]["learn"] is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--clients 0", "clients=0; give whole numbers from 1 to 1,024"),
        ("--clients two", "'two' is not a number; write --clients 2, or several with commas"),
        ("--clients 1,,2", "'' is not a number"),
        ("--rate", "requires an argument"),
        ("--rate fast", "'fast' is not a number; write --rate 2"),
        ("--rate 0", "rate=0; give queries a second, a number above 0"),
        ("--batch 26", "batch=26; give whole numbers from 1 to 25"),
        ("--rate 5 --batch 5", "rate and batch do not go together"),
        ("--clients 4 --batch 10", "clients=4 with batches of 10 need 40 queries"),
        ("--measure Served(0.9,5)@10", "within='5': it has no unit; give a time such as 10ms"),
        ("--measure Served(0.9,5min)@10", "'min' is no unit of time"),
    ],
)
def test_what_a_load_cannot_be_is_told_in_one_line(data: Path, given: str, said: str) -> None:
    """Before anything is measured."""
    result = run("--index", "flat", *given.split())
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert not Path("results").exists()


def test_an_index_of_one_client_says_how_it_may_have_more(data: Path) -> None:
    """An adapter of one's own that says nothing of clients and cannot be forked."""
    Path("mine.py").write_text(
        "import numpy as np\n\n\nclass Mine:\n    forks = False\n\n"
        "    def fit(self, base, metric, *, seed, threads):\n        self.base = base\n\n"
        "    def search(self, queries, k):\n"
        "        return np.argsort(-(queries @ self.base.T), axis=1)[:, :k]\n"
    )
    result = run("--index", "mine:Mine", "--clients", "2")
    assert result.exit_code == 2
    remedy = re.search(r'clients = "threads"', result.output)
    assert remedy
    text = Path("mine.py").read_text().replace("class Mine:", f"class Mine:\n    {remedy[0]}\n")
    Path("again.py").write_text(text)
    assert run("--index", "again:Mine", "--clients", "2", "-k", "5").exit_code == 0


def test_a_run_shows_its_loads_in_a_table(data: Path) -> None:
    """With what was asked for beside the usual measures."""
    served = "Served(delta=0.9,within=10s)@10"
    result = run("--index", "flat", "--clients", "1,2", "--batch", "1,5", "--measure", served)
    assert result.exit_code == 0
    table = result.output.partition("Under load (top 10)")[2]
    for asked in ("alone", "batch=5", "clients=2", "clients=2 batch=5"):
        assert asked in table
