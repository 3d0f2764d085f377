"""`vbench index`, as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vbench.cli import main
from vbench.indexes.recipe import recipe_files


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["index", *arguments])


def test_list_shows_every_recipe_and_adapter() -> None:
    """With what it is and what it can do; nothing is warned of."""
    result = call("list")
    assert result.exit_code == 0
    assert result.stderr == ""
    for name in [*recipe_files(), "hnswlib", "faiss:FACTORY"]:
        assert name in result.stdout
    document = json.loads(call("list", "--json").stdout)
    assert document["schema"] == "vbench.indexes/2"
    rows = {row["name"]: row for row in document["indexes"]}
    assert rows["lsh"]["metrics"] == ["l2"]
    assert rows["lsh"]["origin"] == "vbench-ann"
    assert rows["hnsw"]["tune_parameter"] == "ef"
    assert rows["hnsw"]["settings"] == 4


def test_the_list_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name whole, with the license of its library, also where nothing is installed."""
    monkeypatch.setattr("vbench.render.terminal.output.MACHINE_WIDTH", 80)
    monkeypatch.setattr("vbench.indexes.library.installed_version", lambda name: None)
    lines = call("list").stdout.splitlines()
    tables = [line for line in lines if line.startswith(" ")]
    assert max(map(len, tables)) <= 80
    names = {line.split()[0] for line in tables if line.strip()}
    assert names >= {*recipe_files(), "hnswlib"}
    assert any("Apache-2.0" in line for line in tables)
    assert any("proprietary" in line for line in tables)


def test_a_recipe_that_cannot_be_read_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list holds the others."""
    bad = tmp_path / "mine.toml"
    bad.write_text('adapter = "gone"\n')
    monkeypatch.setattr("vbench.indexes.overview.recipe_files", lambda: {str(bad): bad})
    result = call("list")
    assert result.exit_code == 0
    assert "unknown index 'gone'" in result.stderr
    assert "hnswlib" in result.stdout


def test_show_tells_whether_an_index_learns() -> None:
    """The call that it proposes gives it queries then."""
    shown = call("show", "ivf-learned").stdout
    assert "learns from queries that are not asked" in shown
    assert "--learn 1000" in shown
    assert "learn" not in call("show", "ivf-flat").stdout


def test_show_tells_where_a_server_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started, from an extra, or by an address, which the call that it proposes then takes."""
    shown = call("show", "redis").stdout
    assert "server: by address alone, --connect redis=URL" in shown
    assert "Try: vbench run --index redis --connect redis=URL --set" in shown
    for is_there, says in ((True, "started for each run, or"), (False, "one is started with pip")):
        monkeypatch.setattr(
            "vbench.indexes.overview.is_startable", lambda _, is_there=is_there: is_there
        )
        shown = call("show", "pgvector-hnsw").stdout
        assert says in shown
        assert "vbench run --index pgvector-hnsw --set" in shown
    assert "server" not in call("show", "hnsw").stdout


def test_a_parameter_that_is_the_name_of_an_index_says_so() -> None:
    """In place of all of their names."""
    shown = " ".join(call("show", "routed").stdout.split())
    assert "an index that vbench index list names" in shown
    assert "'annoy' or" not in shown


def test_show_tells_what_each_parameter_may_be() -> None:
    """Allowed values, defaults, what the recipe gives, and a command to try."""
    result = call("show", "ivf-pq")
    assert result.exit_code == 0
    for part in (
        "nlist",
        "integer from 1",
        "k_factor",
        "4, 8, 16, 32",
        "vbench run --index ivf-pq",
    ):
        assert part in result.stdout
    assert "dimensions any" in result.stdout
    assert "dimensions 8, 16, … 64" in call("show", "odd_indexes:EightsSaid").stdout
    document = json.loads(call("show", "faiss:HNSW8,Flat", "--json").stdout)
    assert document["name"] == "faiss:HNSW8,Flat"
    assert "efSearch" in {each["name"] for each in document["parameters"]}


def test_an_unknown_index_is_one_line_and_exit_code_2() -> None:
    """The same for every command that takes a name."""
    for command in ("show", "check"):
        result = call(command, "hnws")
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert "did you mean 'hnsw'" in result.stderr


def test_check_tells_pass_and_fail_with_reason_and_remedy() -> None:
    """Exit code 1 where a check failed."""
    result = call("check", "misbehaving:Floats")
    assert result.exit_code == 1
    for part in ("float64, not integers", "return ids.astype(np.int64)", "1 fail"):
        assert part in result.stdout
    result = call("check", "misbehaving:Floats", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["passed"] is False
    assert {each["status"] for each in document["checks"]} == {"pass", "fail", "skip"}
    (failed,) = [each for each in document["checks"] if each["status"] == "fail"]
    assert "misbehaving.py:" in failed["where"]


def test_check_of_a_good_index_is_exit_code_0() -> None:
    """And the last line counts."""
    result = call("check", "flat")
    assert result.exit_code == 0, result.output
    assert re.search(r"flat: \d+ pass, \d+ skip$", result.stdout.strip())
