"""`vbench compare`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from run_folder import answered

from vbench.cli import main
from vbench.runs import files

GOOD = np.random.default_rng(3).binomial(10, 0.95, size=(3, 400))
BAD = np.random.default_rng(4).binomial(10, 0.80, size=(3, 400))


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of one index: before, worse, and again as it was."""
    monkeypatch.chdir(tmp_path)
    answered(tmp_path / "before", {"hnsw": {16: GOOD}})
    answered(tmp_path / "worse", {"hnsw": {16: BAD}})
    answered(tmp_path / "again", {"hnsw": {16: GOOD}})
    answered(tmp_path / "single", {"hnsw": {16: GOOD[:1]}})
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments])


def test_the_table_says_who_is_better_and_by_how_much(folders: Path) -> None:
    """Values, difference, interval, p, and a sentence for each measure."""
    result = call("before", "worse")
    assert result.exit_code == 0, result.output
    assert "hnsw ef=16 (before) beats hnsw ef=16 (worse): Recall@10 is lower by" in result.output
    for part in ("difference", "95 % interval", "min. detectable", "baseline only"):
        assert part in result.output


def test_json_is_one_document(folders: Path) -> None:
    """The keys that the design promises, on standard output alone."""
    result = call("before", "worse", "--json", "--measure", "Recall@10", "--measure", "QPS")
    document = json.loads(result.stdout)
    assert document["schema"] == "vbench.compare/2"
    promised = {"measure", "baseline", "candidate", "difference", "low", "high", "p", "different"}
    for each in document["comparisons"]:
        assert promised | {"verdict"} <= set(each)
    assert files.read_json(Path("worse/comparisons.json")) == document


def test_the_gate_sets_the_exit_code(folders: Path) -> None:
    """1 where it fails, 0 where nothing got worse, 2 where it cannot judge."""
    gate = ["--fail-if-worse", "0.01", "--measure", "Recall@10"]
    assert call("before", "worse", *gate).exit_code == 1
    assert call("before", "again", *gate).exit_code == 0
    refused = call("before", "single", *gate)
    assert refused.exit_code == 2
    assert "run with --builds 3" in refused.output


def test_a_gate_fails_where_a_planned_setting_has_no_result(tmp_path: Path) -> None:
    """It is named in text, Markdown and JSON; without a gate it is a warning."""
    for name in ("before", "after"):
        answered(tmp_path / name, {"hnsw": {16: GOOD, 32: GOOD}})
    for path in (tmp_path / "after" / "trials").glob("*-32-10.parquet"):
        path.unlink()
    runs = str(tmp_path / "before"), str(tmp_path / "after")
    for more in ([], ["--markdown"], ["--json"]):
        result = call(*runs, "--fail-if-worse", "1%", *more)
        assert result.exit_code == 1
        assert "hnsw ef=32 K=10: no result in" in " ".join(result.stdout.split())
    assert len(json.loads(result.stdout)["failed"]) == 3
    plain = call(*runs)
    assert plain.exit_code == 0
    assert "missing results: hnsw ef=32 K=10" in plain.output
    only = call(*runs, "--fail-if-worse", "1%", "--setting", "ef=16")
    assert only.exit_code == 0


def test_a_floor_sets_the_exit_code(folders: Path) -> None:
    """0 where the bound of a run's setting reaches it, 1 where not, 2 for what cannot be judged."""
    for floor, code, words in (
        ("Recall@10>=0.9", 0, "floor: Recall@10>=0.9 reached: hnsw ef=16 has 0.9"),
        ("Recall@10>=90%", 0, "lower bound 0.9"),
        ("Failure@10<=5%", 0, "upper bound"),
        ("Recall@10>=0.99", 1, "not reached"),
        ("Recall@100>=0.9", 2, "asks for K=100"),
        ("Work<=100", 2, "did not record Work"),
        ("Recall@10", 2, "is not a target"),
    ):
        result = call("before", "--at-least", floor)
        assert (result.exit_code, words in " ".join(result.output.split())) == (code, True), floor
    alone = call("single", "--at-least", "Recall@10>=0.9")
    assert alone.exit_code == 2
    assert "has one build; a floor needs two or more" in alone.output
    assert not Path("before/comparisons.json").exists()
    both = call("before", "worse", "--at-least", "Recall@10>=0.9", "--json")
    assert both.exit_code == 1
    document = json.loads(both.stdout)
    assert [each["reached"] for each in document["floors"]] == [False]
    assert len(document["comparisons"]) == 4


def test_a_floor_is_not_reached_without_a_result(folders: Path) -> None:
    """Of one build, or of all that has the setting."""
    answered(folders / "part", {"hnsw": {16: GOOD, 32: GOOD}})
    for path in list((folders / "part" / "trials").glob("*-32-10.parquet")):
        path.unlink()
        result = call("part", "--at-least", "Recall@10>=0.5", "--markdown")
        assert result.exit_code == 1
        assert "not reached: hnsw ef=32 K=10" in result.stdout
    (lacking,) = list((folders / "single" / "trials").iterdir())
    lacking.unlink()
    nothing = call("single", "--at-least", "Recall@10>=0.5")
    assert nothing.exit_code == 2
    assert "has no finished trial" in nothing.output


def test_part_of_the_queries_is_compared(tmp_path: Path) -> None:
    """--where picks segments; what there is none of is one line."""
    columns = {"country": ["SE", "NO", "FI", "FI"] * 100}
    worse = np.where(np.arange(400) % 4 == 0, 0, GOOD)
    for name, hits in (("before", GOOD), ("after", worse)):
        answered(tmp_path / name, {"hnsw": {16: hits}}, columns=columns)
    runs = str(tmp_path / "before"), str(tmp_path / "after")
    gate = ["--fail-if-worse", "1%", "--measure", "Failure@10"]
    bad = call(*runs, *gate, "--where", "country=SE")
    assert bad.exit_code == 1
    assert "100 queries with country=SE, paired" in bad.output
    good = call(*runs, *gate, "--where", "country=no", "--where", "country=FI", "--json")
    document = json.loads(good.stdout)
    assert (good.exit_code, document["queries"]) == (0, 300)
    assert document["comparisons"][0]["identical"]
    bad = call(*runs, "--where", "country=SE", "--measure", "Failure@10", "--json")
    lost = json.loads(bad.stdout)["comparisons"][0]["discordant"]["only_candidate"]
    assert lost == list(range(0, 400, 4))
    for where, words in (
        ("city=X", "unknown column of the queries 'city'"),
        ("country=DK", "no query has country=DK; country is FI, NO, SE"),
        ("country", "'country' is not column=value"),
    ):
        refused = call(*runs, "--where", where)
        assert refused.exit_code == 2
        assert words in refused.output


def test_a_gate_that_is_blind_may_be_undecided(tmp_path: Path) -> None:
    """With --fail-if-blind it ends with 3 in place of 0; a loss is 1 all the same."""
    rng = np.random.default_rng(5)
    for name, chance in (("before", 0.9), ("after", 0.9), ("worse", 0.3)):
        answered(tmp_path / name, {"hnsw": {16: rng.binomial(10, chance, size=(3, 40))}})
    before, after, worse = (str(tmp_path / name) for name in ("before", "after", "worse"))
    gate = ["--measure", "Recall@10", "--fail-if-worse", "1%"]
    assert call(before, after, *gate).exit_code == 0
    blind = call(before, after, *gate, "--fail-if-blind")
    assert blind.exit_code == 3
    assert "gate: undecided, such a loss is not detectable" in blind.output
    assert call(before, worse, *gate, "--fail-if-blind").exit_code == 1
    alone = call(before, after, "--fail-if-blind")
    assert alone.exit_code == 2
    assert "give --fail-if-worse 0.01 beside it" in alone.output


def test_markdown_is_a_table_that_github_shows(folders: Path) -> None:
    """Every row of a table has as many cells as its head, and the gate stands on top."""
    result = call("before", "worse", "--markdown", "--fail-if-worse", "0.01")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "### vbench compare: made"
    assert "❌ **Gate failed**" in lines[2]
    for start in (i for i, line in enumerate(lines) if line.startswith("|---")):
        rows = [lines[start - 1], lines[start]]
        rows += lines[start + 1 :][: lines[start + 1 :].index("")]
        assert len({row.count("|") for row in rows}) == 1


def test_markdown_survives_odd_names(tmp_path: Path) -> None:
    """A name ends no cell and no line, is not set in bold, and brings neither tag nor link."""
    odd = "a|b <script> **c** `d` [e](http://f) _g_ ~~h~~ \n# i_j\x1b[31m"
    answered(tmp_path / "odd", {odd: {1: GOOD}, "plain": {2: BAD}})
    result = call(str(tmp_path / "odd"), "--markdown")
    assert result.exit_code == 0, result.output
    shown = r"a\|b &lt;script&gt; \*\*c\*\* \`d\` [e]\(http://f) \_g\_ \~\~h\~\~ # i_j\x1b[31m"
    assert shown in result.stdout
    for raw in ("<script>", "**c", "`d`", "](", " _g", "~~", "\n#  i", "\x1b"):
        assert raw not in result.stdout


def test_the_call_is_checked(folders: Path) -> None:
    """Wrong calls end with 2 and one line."""
    for arguments, words in (
        (("before",), "hnsw ef=16 alone, which cannot be compared with itself"),
        (("nowhere",), "holds no run"),
        (("before", "worse", "--json", "--markdown"), "not both"),
        (("before", "worse", "--measure", "Recall@100"), "asks for K=100"),
        (("before", "worse", "--cluster", "user"), "unknown column"),
    ):
        result = call(*arguments)
        assert result.exit_code == 2
        assert words in result.output
        assert "Traceback" not in result.output


def test_a_folder_that_cannot_be_written_does_not_stop_the_verdict(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is printed, with a warning that it is not kept."""
    from vbench.errors import VbenchError
    from vbench.runs import files

    def refuse(*_: object) -> None:
        raise VbenchError("cannot write comparisons.json: Read-only file system")

    monkeypatch.setattr(files, "write_json", refuse)
    result = call("before", "worse")
    assert result.exit_code == 0
    assert "Read-only file system" in result.stderr


def test_floors_alone_say_in_json_what_is_missing(tmp_path: Path) -> None:
    """As a comparison does; in text the floor names it, and no warning does so again."""
    answered(tmp_path / "run", {"hnsw": {16: GOOD, 32: GOOD}})
    (tmp_path / "run" / "trials" / "b0-0-32-10.parquet").unlink()
    given = (str(tmp_path / "run"), "--at-least", "Recall@10>=0.5")
    document = json.loads(call(*given, "--json").stdout)
    assert len(document["failed"]) == 1
    assert [each.partition(":")[0] for each in document["missing"]] == ["hnsw ef=32 K=10"]
    assert call(*given).output.count("hnsw ef=32 K=10") == 1


def test_junit_and_a_badge_are_written_beside_what_is_printed(folders: Path) -> None:
    """Both say what the exit code says; a folder that cannot be written is one line."""
    files = ["--junit", "out/compare.xml", "--badge", "out/recall.svg"]
    gate = ["--fail-if-worse", "0.01", "--measure", "Recall@10"]
    assert call("before", "worse", *gate, *files).exit_code == 1
    assert "<failure message=" in Path("out/compare.xml").read_text()
    assert "failed</text>" in Path("out/recall.svg").read_text()
    assert call("before", "worse", *gate, "--junit", "before").exit_code == 2


def test_every_comparison_as_a_table(folders: Path) -> None:
    """--table writes a row for each, in every format the same number."""
    result = call("before", "worse", "--table", "t.csv", "--table", "t.tex", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["comparisons"]
    assert len(Path("t.csv").read_text().splitlines()) == 1 + len(rows)
    assert Path("t.tex").read_text().count(r"\\") == 1 + len(rows)
