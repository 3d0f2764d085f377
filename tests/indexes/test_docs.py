"""The page on indexes says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vbench._toml import parse_toml
from vbench.indexes.conformance.kit import CHECKS, check_index
from vbench.indexes.overview import describe_indexes
from vbench.indexes.parameters import parameters
from vbench.indexes.recipe import Recipe, load_recipe, recipe_files
from vbench.indexes.registry import resolve

PAGE = (Path(__file__).parents[2] / "docs" / "indexes.md").read_text()


@pytest.mark.parametrize("name", sorted(recipe_files()))
def test_every_recipe_stands_in_the_table_with_its_parameters(name: str) -> None:
    """All that its adapter takes, of the build and of the search."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    _, _, _, build, search, _, _ = (cell.strip() for cell in row.split("|"))
    known = parameters(resolve(load_recipe(name).adapter)).values()
    for cell, stage in ((build, "build"), (search, "search")):
        assert re.findall(r"`(\w+)`", cell) == [each.name for each in known if each.stage == stage]


def test_what_each_can_do_is_what_its_class_says() -> None:
    """Filters, changes, an exact search, and so on: the page's lists and `vbench index list`."""
    rows = [row for row in describe_indexes().indexes if row.origin == "vbench-ann"]
    abilities = {ability for row in rows for ability in row.can}
    listed = re.findall(r"^\| (\w+) \| [^|]+ \| ((?:`[\w-]+`(?:, )?)+) \|$", PAGE, re.MULTILINE)
    assert {ability for ability, _ in listed} == abilities
    for ability, names in listed:
        able = sorted(row.name for row in rows if ability in row.can)
        assert re.findall(r"`([^`]+)`", names) == able


def test_every_check_is_explained() -> None:
    """By the name that the kit prints."""
    names = {name.removeprefix("metric ") for name, _ in CHECKS}
    assert [name for name in names if name not in PAGE] == []


def test_the_recipes_of_the_page_are_recipes() -> None:
    """They are read as they stand there."""
    examples = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    recipes = [text for text in examples if text.startswith("adapter")]
    assert len(recipes) == 2
    for text in recipes:
        assert parse_toml(text, Recipe, name="page").tune_parameter is not None


def test_the_index_of_the_page_keeps_the_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The class that a reader copies passes every check without a warning."""
    code, _ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "index_of_the_page.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    findings = check_index("index_of_the_page:Sampled")
    assert [each for each in findings if each.status in ("fail", "warn")] == []


SERVERS = """
import numpy as np


class Server:
    version = "1.2"

    def insert(self, base):
        self.base = base

    def nearest(self, query, k):
        return ((self.base - query) ** 2).sum(axis=1).argsort(kind="stable")[:k].tolist()

    def stop(self):
        pass


class client:
    @staticmethod
    def start(threads):
        return Server()
"""


def test_the_server_of_the_page_keeps_the_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its attributes say what they are said to say; close knows nothing of what was not fitted."""
    _, code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "servers.py").write_text(SERVERS)
    (tmp_path / "server_of_the_page.py").write_text(f"import vbench\n{code}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    kind = resolve("server_of_the_page:Remote")
    assert kind.requires == ("servers",)
    assert not kind.seeded
    findings = check_index("server_of_the_page:Remote")
    assert [each for each in findings if each.status in ("fail", "warn")] == []
