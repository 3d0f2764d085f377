"""Imports that the contracts of import-linter cannot see."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import vbench

PACKAGE = Path(vbench.__file__).parent
BY_NAME = {"__init__.py", "_plugins.py", "cli/command.py"}
"""They import by name: the public names and the commands when they are needed, plug-ins."""


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_module_hides_an_import(path: Path) -> None:
    """What is imported through importlib stands in no contract: nothing but these few does it."""
    called = {
        ast.unparse(node.func).rpartition(".")[2]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    hides = bool(called & {"import_module", "__import__"})
    assert not hides or path.relative_to(PACKAGE).as_posix() in BY_NAME
