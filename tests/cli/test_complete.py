"""Completion in the shell."""

from __future__ import annotations

import pytest
from click.shell_completion import BashComplete

from vbench.cli import main


@pytest.mark.parametrize(
    ("before", "start", "expected"),
    [
        (["run", "--index"], "hn", {"hnsw", "hnsw-mips", "hnswlib"}),
        (["run", "--dataset"], "boo", {"books"}),
        (["index", "check"], "hn", {"hnsw", "hnsw-mips", "hnswlib"}),
        (["data", "show"], "boo", {"books"}),
        (["data", "fetch"], "glove", {"glove-50"}),
    ],
)
def test_names_are_completed_beside_files(
    before: list[str], start: str, expected: set[str]
) -> None:
    """Names of the catalog that begin so, and a file of that name."""
    shell = BashComplete(main, {}, "vbench", "_VBENCH_COMPLETE")
    found = shell.get_completions(before, start)
    assert expected <= {item.value for item in found if item.type == "plain"}
    assert [item.value for item in found if item.type == "file"] == [start]
