"""`vbench data import`, and the way from exported tables to page, gate and nDCG."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from exports import M, N, save_exports

from vbench.cli import main

_TABLES = ("--items", "items.parquet", "--users", "users.parquet", "--metric", "ip")


def vbench(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tables of a warehouse in the current folder, with activity of most users."""
    monkeypatch.chdir(tmp_path)
    users = save_exports(tmp_path).users["user_id"][: M - 2]
    activity = ["new", "old"] * (len(users) // 2)
    pl.DataFrame({"user_id": users, "activity": activity}).write_csv("activity.csv")
    return tmp_path


def test_from_raw_exports_to_page_gate_and_ndcg_in_four_commands(exports: Path) -> None:
    """Import, run, rank, compare: a page, a verdict by exit code, the loss in nDCG, ids shown."""
    tables = ("--segments", "activity.csv", "--interactions", "clicks.parquet")
    assert vbench("data", "import", "shop", *_TABLES, *tables).exit_code == 0
    run = ("run", "-i", "hnsw", "-d", "shop", "--set", "ef=5,50", "--builds", "2", "--out", "mine")
    assert vbench(*run).exit_code == 0
    assert "<html" in (exports / "mine" / "report.html").read_text()
    ranked = json.loads(vbench("rank", "mine", "--json").stdout)
    assert ranked["rankers"][0]["ranker"] == "tower"
    gate = vbench("compare", "mine", "--at-least", "Recall@10>=0.2")
    assert gate.exit_code == 0, gate.output
    tail = vbench("tail", "mine")
    assert "activity" in tail.output


def test_the_summary_says_what_was_read_and_left_out(exports: Path) -> None:
    """As text with the next command, and as JSON by its schema."""
    arguments = ("data", "import", "shop", *_TABLES, "--segments", "activity.csv")
    text = vbench(*arguments)
    assert text.exit_code == 0
    assert "none for 2 users" in text.output
    assert "Next: vbench run --index hnsw --dataset shop" in text.output
    found = json.loads(vbench(*arguments, "--force", "--json").stdout)
    assert found["schema"] == "vbench.data-import/1"
    assert (found["items"]["rows"], found["users"]["rows"]) == (N, M)
    assert found["users"]["joined"]["missing"] == 2
    assert "imported" in vbench("data", "list").output
    shown = json.loads(vbench("data", "show", "shop", "--json").stdout)
    assert shown["card"]["made_by"].startswith("vbench data import shop --items")


def test_bad_input_is_one_line_and_exit_code_2(exports: Path) -> None:
    """What was given and what to do, in the words of the command line."""
    failed = vbench("data", "import", "shop", *_TABLES, "--item-id", "sku")
    assert failed.exit_code == 2
    assert "--item-id COLUMN takes one of them" in failed.output
    assert failed.output.count("\n") == 1
    twice = [vbench("data", "import", "shop", *_TABLES) for _ in range(2)]
    assert [each.exit_code for each in twice] == [0, 2]
    assert "--force to replace it" in twice[1].output
