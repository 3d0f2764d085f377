"""The code of an index: whatever could change an answer changes its digest or a version."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vbench.indexes.code import Code, code_of
from vbench.indexes.registry import load_class, resolve

INDEX = """
import vbench
class Mine(vbench.Index):
    def fit(self, base, metric, *, seed, threads): self.base = base
    def search(self, queries, k): return {answer}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules can be imported, and are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path.parent)):
            del sys.modules[name]
    load_class.cache_clear()


def written(place: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = place / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    importlib.invalidate_caches()


def found(target: str) -> Code:
    return code_of(resolve(target))


@pytest.mark.parametrize(
    ("imports", "changed"),
    [
        ("", "one"),
        ("import helper", "helper"),
        ("from helper import f", "helper"),
        ("def later():\n    import helper", "helper"),
        ("import importlib; h = importlib.import_module('helper')", "helper"),
        ("import between", "helper"),
        ("from parts import inner", "parts/inner"),
        ("import parts.inner", "parts/__init__"),
        ("from bare import inner", "bare/inner"),
    ],
)
def test_a_change_of_any_module_beside_it_is_seen(place: Path, imports: str, changed: str) -> None:
    """However it is imported; a module that nobody imports does not count."""
    files = {
        "one": f"{imports}\n{INDEX.format(answer=0)}",
        "helper": "f = 1",
        "between": "import helper",
        "parts/__init__": "",
        "parts/inner": "f = 1",
        "bare/inner": "f = 1",
        "stranger": "f = 1",
    }
    written(place, files)
    before = found("one:Mine").digest
    written(place, {"stranger": "f = 2"})
    assert found("one:Mine").digest == before
    path = place / f"{changed}.py"
    path.write_text(path.read_text() + "\n# another\n")
    assert found("one:Mine").digest != before


def test_a_package_is_followed_relatively(place: Path) -> None:
    """And the classes that an index inherits from."""
    files = {
        "pack/__init__": "",
        "pack/base": "class Base:\n    def search(self, queries, k): return 0\n",
        "pack/deep/__init__": "from ..util import g",
        "pack/util": "g = 1",
        "pack/index": "from .base import Base\nfrom . import deep\nimport vbench\n"
        "class Mine(Base, vbench.Index):\n"
        "    def fit(self, base, metric, *, seed, threads): pass\n",
    }
    written(place, files)
    before = found("pack.index:Mine")
    assert {path.name for path in before.files} >= {"base.py", "util.py", "index.py"}
    for name in ("base", "util"):
        path = place / "pack" / f"{name}.py"
        path.write_text(path.read_text() + "\n# another\n")
        after = found("pack.index:Mine")
        assert after.digest != before.digest
        before = after


def test_a_compiled_library_beside_it_counts_by_content(place: Path) -> None:
    """Also one that is opened without being imported."""
    written(place, {"one": INDEX.format(answer=0)})
    (place / "libfast.so").write_bytes(b"1")
    before = found("one:Mine").digest
    (place / "libfast.so").write_bytes(b"2")
    assert found("one:Mine").digest != before


def test_versions_of_libraries_are_named(place: Path) -> None:
    """Those that are imported, those that are asked for, and numpy."""
    named = "    requires = ('hnswlib', 'not-there')\n    def fit"
    index = INDEX.format(answer=0).replace("    def fit", named, 1)
    written(place, {"one": f"import scipy.sparse\n{index}"})
    versions = found("one:Mine").versions
    assert set(versions) == {"scipy", "hnswlib", "numpy", "not-there"}
    assert versions["not-there"] == "not installed"


def test_a_library_that_is_no_distribution_counts_by_its_files(
    place: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies elsewhere on the path, and nobody knows its version."""
    other = tmp_path_factory.mktemp("other")
    monkeypatch.syspath_prepend(other)
    written(other, {"faraway": "import nearby\n", "nearby": "x = 1"})
    written(place, {"one": f"import faraway\n{INDEX.format(answer=0)}"})
    before = found("one:Mine").digest
    written(other, {"nearby": "x = 2"})
    assert found("one:Mine").digest != before


def test_a_wrapper_counts_by_what_it_wraps(place: Path) -> None:
    """One of ann-benchmarks, with a module beside it."""
    folder = place / "algo"
    folder.mkdir()
    (folder / "module.py").write_text(
        "from ..base.module import BaseANN\n"
        "class Wrapped(BaseANN):\n    def query(self, q, n): return [0]\n"
    )
    before = code_of(resolve(f"annb:{folder}/module.py:Wrapped")).digest
    (folder / "module.py").write_text((folder / "module.py").read_text() + "# another\n")
    assert code_of(resolve(f"annb:{folder}/module.py:Wrapped")).digest != before


def test_our_own_adapters_count_by_their_room_alone() -> None:
    """What the harness does elsewhere is not theirs; nor are its dependencies."""
    own = found("hnswlib")
    assert {path.parent.name for path in own.files} == {"indexes"}
    assert set(own.versions) == {"hnswlib", "numpy"}
    assert own == found("hnswlib")


def test_a_source_that_cannot_be_parsed_counts_all_the_same(place: Path) -> None:
    """A helper with an error in it is imported only where it is used."""
    index = f"def later():\n    import broken\n{INDEX.format(answer=0)}"
    written(place, {"one": index, "broken": "x = ("})
    before = found("one:Mine").digest
    written(place, {"broken": "x = ["})
    assert found("one:Mine").digest != before
