"""What a shell completes."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete

from vbench.cli import main


def completed(*words: str, incomplete: str) -> list[str]:
    shell = ShellComplete(main, {}, "vbench", "_VBENCH_COMPLETE")
    found = shell.get_completions(list(words), incomplete)
    return [each.value for each in found if each.type == "plain"]


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (["run", "--measure"], "Fail", ["Failure@10"]),
        (["compare", "--measure"], "R0.", ["R0.5@10", "R0.9@10"]),
        (["tune", "--minimize"], "Peak", ["PeakMemory"]),
        (["rank", "--ranker"], "to", ["tower"]),
        (["history", "--measure"], "QP", ["QPS"]),
        (["run", "--index"], "hnsw-m", ["hnsw-mips"]),
    ],
)
def test_names_are_completed(words: list[str], incomplete: str, expected: list[str]) -> None:
    """Measures, rankers, indexes."""
    assert completed(*words, incomplete=incomplete) == expected


def test_parameters_are_those_of_the_indexes_that_are_given() -> None:
    """First their names, then the values of the recipe; of none, nothing."""
    given = ["run", "--index", "hnsw", "--set"]
    assert "ef=" in completed(*given, incomplete="")
    assert set(completed(*given, incomplete="e")) == {"ef=", "ef_construction="}
    values = completed(*given, incomplete="ef=")
    assert len(values) > 2
    assert all(each.startswith("ef=") for each in values)
    assert completed("run", "--index", "my_module:Mine", "--set", incomplete="") == []
