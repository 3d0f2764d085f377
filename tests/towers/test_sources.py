"""Where the interactions are: beside the vectors lies what says it, which may be anybody's."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from vbench._trust import trusting
from vbench.data.card import File
from vbench.errors import VbenchError
from vbench.towers.recipe import Recipe
from vbench.towers.sources import KEPT, Source, kept_source


def _source(tmp_path: Path, **more: object) -> Source:
    (tmp_path / "log.csv").write_text("user,item\n")
    url = (tmp_path / "log.csv").as_uri()
    recipe = Recipe(reader="anybody:read", files=[File(urls=[url], role="raw", **more)])
    return Source(name="../mine", recipe=recipe)


def test_code_that_a_recipe_names_needs_trust(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that is not of vbench is run only if that is said; nothing is fetched before."""
    calls = []

    def read(files: dict[str, Path]) -> tuple[pl.DataFrame, None, None]:
        calls.append(sorted(files))
        raise VbenchError("was called")

    module = ModuleType("anybody")
    module.read = read
    monkeypatch.setitem(sys.modules, "anybody", module)
    with pytest.raises(VbenchError, match=r"'anybody:read' is code .*--trust"):
        _source(tmp_path).read()
    assert not list(home.rglob("*"))
    with trusting(), pytest.raises(VbenchError, match="was called"):
        _source(tmp_path).read()
    assert calls == [["log.csv"]]
    assert (home / "datasets" / "mine-raw" / "log.csv").is_file()


def test_files_of_a_recipe_stay_in_their_folder(tmp_path: Path, home: Path) -> None:
    """A name that leads elsewhere is refused, as in a card."""
    with trusting(), pytest.raises(VbenchError, match=r"'\.\./x' is not a file name"):
        _source(tmp_path, name="../x").read()
    assert not list(home.rglob("*"))


@pytest.mark.parametrize("content", [b"", b"[" * 9000, b'{"name": 3}', b"\xff"])
def test_what_lies_there_damaged(tmp_path: Path, content: bytes) -> None:
    """It is named."""
    (tmp_path / KEPT).write_bytes(content)
    with pytest.raises(VbenchError, match="cannot be read"):
        kept_source(tmp_path)
