"""Completion in the shell."""

from __future__ import annotations

import pytest
from click.shell_completion import BashComplete

from vbench.cli import main


@pytest.mark.parametrize(
    ("option", "start", "expected"),
    [("--index", "hn", {"hnsw", "hnsw-mips", "hnswlib"}), ("--dataset", "boo", {"books"})],
)
def test_names_are_completed_beside_files(option: str, start: str, expected: set[str]) -> None:
    """Names of the catalog that begin so, and a file of that name."""
    shell = BashComplete(main, {}, "vbench", "_VBENCH_COMPLETE")
    found = shell.get_completions(["run", option], start)
    assert expected <= {item.value for item in found if item.type == "plain"}
    assert [item.value for item in found if item.type == "file"] == [start]
