"""Classes that are given as they are can be imported by workers, and later from their run."""

from __future__ import annotations

import linecache
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vbench.errors import VbenchError
from vbench.indexes.given import KEPT, bring, is_importable, take_indexes, write_module
from vbench.indexes.parameters import is_taken
from vbench.indexes.recipe import Recipe
from vbench.indexes.registry import check_stranger, resolve

SOURCE = """VALUE = {value}
class Local:
    sweep = {{"ef": [1, 2]}}
    def fit(self, base, metric, *, seed, threads):
        self.value = VALUE
    def search(self, queries, k):
        return VALUE
    def set(self, ef=1):
        pass
"""


def made(value: int = 1, **attributes: object) -> type:
    """A class of a notebook's cell, which no other process imports."""
    text, name = SOURCE.format(value=value), f"<cell of {value}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, name, "exec", dont_inherit=True), space)
    kind: type = space["Local"]
    for each, attribute in attributes.items():
        setattr(kind, each, attribute)
    return kind


def test_a_class_is_a_recipe_that_another_process_imports() -> None:
    """For as long as it is needed, and by the name of the class."""
    with take_indexes(made(7)) as taken:
        (recipe,) = taken.indexes
        assert isinstance(recipe, Recipe)
        assert (recipe.name, recipe.adapter) == ("Local", "class_Local:Local")
        assert recipe.search == {"ef": [1, 2]}
        code = "import class_Local; print(class_Local.Local().search(None, 1))"
        path = {"PYTHONPATH": ":".join(sys.path)}
        shown = subprocess.run(
            [sys.executable, "-c", code], env=path, capture_output=True, text=True
        )
        assert shown.stdout == "7\n", shown.stderr
        folder = sys.path[-1]
    assert folder not in sys.path
    assert not Path(folder).exists()


def test_a_class_that_is_given_again_takes_the_place_of_the_earlier() -> None:
    """In this process too, which has imported that one."""
    for value in (1, 2):
        with take_indexes([made(value)]) as taken:
            (recipe,) = taken.indexes
            assert isinstance(recipe, Recipe)
            assert resolve(recipe.adapter)().search(np.empty(0), 1) == value


def test_names_and_recipes_stay_as_they_are(tmp_path: Path) -> None:
    """Nothing is written for them."""
    with take_indexes(["flat", tmp_path / "x.toml", Recipe("hnswlib")]) as taken:
        assert taken.indexes == ["flat", str(tmp_path / "x.toml"), Recipe("hnswlib")]
        taken.keep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_attributes_that_were_set_later_are_refused() -> None:
    """Its source does not say them."""
    with (
        pytest.raises(VbenchError, match=r"Local\.sweep was set after the class was made"),
        take_indexes(made(sweep={"ef": [3]})),
    ):
        pass


def test_a_run_brings_its_class_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To look into its builds again, once a person trusts it: it is code like any other."""
    monkeypatch.setattr("sys.path", list(sys.path))
    with take_indexes(made(9)) as taken:
        taken.keep(tmp_path)
    with take_indexes(made(8)):
        pass
    code = (
        "import sys; from pathlib import Path; from vbench.indexes import given, registry\n"
        "from vbench.errors import VbenchError\n"
        "try:\n    registry.check_stranger('class_Local:Local', 'run.json')\n"
        "except VbenchError as error:\n    print(error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "code that would be imported and run" in shown.stdout
    check_stranger("class_Local:Local", "run.json")
    bring(tmp_path, "class_Local:Local")
    assert resolve("class_Local:Local")().search(np.empty(0), 1) == 9
    assert str(tmp_path / KEPT) in sys.path
    bring(tmp_path, "flat")
    bring(tmp_path, "../class_Local:Local")


class Notebook:
    """Runs cells as IPython does: all in `__main__`, the source of each in linecache alone."""

    def __init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self.space: dict[str, Any] = vars(self.module)
        self._cells: list[str] = []

    def run(self, text: str) -> dict[str, Any]:
        name = f"<cell {id(self)}-{len(self._cells)}>"
        lines = text.splitlines(keepends=True)
        linecache.cache[name] = (len(text), None, lines, name)
        self._cells.append(name)
        exec(compile(text, name, "exec", dont_inherit=True), self.space)
        return self.space

    def close(self) -> None:
        for name in self._cells:
            linecache.cache.pop(name, None)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    made = Notebook()
    monkeypatch.setitem(sys.modules, "__main__", made.module)
    yield made
    made.close()


def loaded(kind: type) -> dict[str, Any]:
    """What the written module defines, run by itself."""
    module = types.ModuleType("written")
    exec(write_module(kind)[0], vars(module))
    return vars(module)


CLASS = """
class Mine:
    def fit(self, base, metric, *, seed, threads):
        self.base = base
    def search(self, queries, k):
        return {body}
"""


def cell(body: str) -> str:
    return CLASS.format(body=body)


def answer(kind: Any) -> Any:
    return kind().search(None, 3)


@pytest.mark.parametrize(
    ("before", "body", "expected"),
    [
        ("import numpy as np", "np.arange(k).sum()", 3),
        ("from math import floor as down", "down(2.5)", 2),
        ("import xml.etree.ElementTree", "xml.etree.ElementTree.fromstring('<a/>').tag", "a"),
        ("def twice(x):\n    return 2 * x", "twice(k)", 6),
        ("def a(x):\n    return b(x)\ndef b(x):\n    return x if x > 2 else a(x + 1)", "a(0)", 3),
        (
            "SIZE = 4\nNAMES = {'a': (1, None), 'b': float('inf')}",
            "[SIZE, NAMES['b']]",
            [4, np.inf],
        ),
        ("import re\nWORD = re.compile('b+')", "WORD.search('abb').group()", "bb"),
        ("import functools\n@functools.lru_cache\ndef one(x):\n    return x", "one(k)", 3),
        ("half = lambda x: x / 2", "half(k)", 1.5),
        ("class Other:\n    size = 7", "Other().size", 7),
        ("class Other:\n    def me(self):\n        return Mine.__name__", "Other().me()", "Mine"),
        ("import math\nROOT = math.sqrt(16)", "[each * ROOT for each in (1, 2)]", [4, 8]),
    ],
)
def test_what_the_class_uses_is_written(
    notebook: Notebook, before: str, body: str, expected: object
) -> None:
    """Modules, functions, classes and values of earlier cells, and what these use."""
    notebook.run(before)
    kind = notebook.run(cell(body))["Mine"]
    assert answer(kind) == expected
    assert answer(loaded(kind)["Mine"]) == expected


def test_only_what_it_uses_is_written(notebook: Notebook) -> None:
    """Nothing else of the notebook, be it called as a local name of the class."""
    notebook.run("import numpy as np\nqueries = np.ones((2, 2))\nunused = object()\nk = np.ones(3)")
    text = write_module(notebook.run(cell("queries is None"))["Mine"])[0]
    assert "ones" not in text
    assert "unused" not in text


def test_a_class_of_the_notebook_stands_before_what_inherits_from_it(notebook: Notebook) -> None:
    """So do decorators, defaults, and what they call; strings of several lines stay as they are."""
    notebook.run("SIZE = 2\nclass Base:\n    '''Two\nlines'''\n    size = SIZE")
    notebook.run("def named(kind):\n    kind.name = name(kind)\n    return kind")
    notebook.run("def name(kind):\n    return kind.__name__.lower()")
    kind = notebook.run(
        "@named\nclass Mine(Base):\n    def fit(self, by=SIZE):\n        return by"
    )["Mine"]
    found = loaded(kind)["Mine"]
    assert (found.size, found.name, found().fit(), found.__doc__) == (2, "mine", 2, kind.__doc__)
    assert found.__mro__[1].__doc__ == "Two\nlines"


def test_the_latest_definition_is_written(notebook: Notebook) -> None:
    """A cell that is run again counts as it is now."""
    notebook.run(cell("1"))
    kind = notebook.run(cell("2"))["Mine"]
    assert answer(loaded(kind)["Mine"]) == 2


def test_equal_classes_have_equal_texts(notebook: Notebook) -> None:
    """So that the same call again measures nothing, whatever else the notebook has done."""
    notebook.run("NAMES = {'x', 'y', 'z'}")
    first = write_module(notebook.run(cell("NAMES"))["Mine"])[0]
    notebook.run("NAMES = {'z', 'y', 'x'}\nother = 1")
    assert write_module(notebook.run(cell("NAMES"))["Mine"])[0] == first


def test_annotations_that_are_not_evaluated_stay_so(notebook: Notebook) -> None:
    """Their names are there for whoever evaluates them, as vbench does for parameters."""
    notebook.run("from typing import Annotated")
    kind = notebook.run(
        "from __future__ import annotations\nclass Mine:\n"
        "    def __init__(self, M: Annotated[int, 'many'] = 3, other: NoSuch = 1):\n        pass"
    )["Mine"]
    text = write_module(kind)[0]
    assert "from __future__ import annotations" in text
    assert "from typing import Annotated" in text


def test_a_class_within_a_function_is_refused() -> None:
    """It is said where it may stand; what it closes over is nowhere else."""

    class Inner:
        def fit(self) -> None: ...

    with pytest.raises(VbenchError, match=r"not at the top of its cell or file; save it"):
        write_module(Inner)


def test_a_class_without_methods_is_found_by_its_name(notebook: Notebook) -> None:
    """One that changes attributes of another alone."""
    notebook.run(cell("1"))
    kind = notebook.run("class Wide(Mine):\n    sweep = {'ef': [1]}")["Wide"]
    found = loaded(kind)["Wide"]
    assert (found.sweep, answer(found)) == ({"ef": [1]}, 1)


@pytest.mark.parametrize(
    ("before", "body", "said"),
    [
        ("thing = object()\nother = thing", "next(stream)", "uses stream"),
        ("", "gone(k)", "uses gone"),
    ],
)
def test_what_no_statement_makes_is_refused(
    notebook: Notebook, before: str, body: str, said: str
) -> None:
    """It names what is used, and the file to write."""
    notebook.run(before)
    notebook.space["stream"] = iter([1])
    notebook.space["gone"] = eval("lambda k: k")
    kind = notebook.run(cell(body))["Mine"]
    with pytest.raises(VbenchError, match=rf"{said}.*save it .* mine\.py, and give 'mine:Mine'"):
        write_module(kind)


def test_a_class_whose_source_is_not_kept_is_refused() -> None:
    """As one that was typed into a plain interpreter."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(cell("1"), space)
    with pytest.raises(VbenchError, match=r"source of Mine is not kept, .*; save it"):
        write_module(space["Mine"])


def test_a_source_that_was_edited_since_is_refused(notebook: Notebook) -> None:
    """What is written is what runs, never what the file says by now."""
    kind = notebook.run(cell("1"))["Mine"]
    name = kind.search.__code__.co_filename
    text = cell("2")
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    with pytest.raises(
        VbenchError,
        match=r"Mine\.search is not what its source says: that was edited since it was run",
    ):
        write_module(kind)


def test_a_method_that_was_set_later_is_refused(notebook: Notebook) -> None:
    """The class is not what its source says."""
    space = notebook.run(
        cell("1") + "def better(self, queries, k):\n    return 2\nMine.search = better"
    )
    with pytest.raises(
        VbenchError, match=r"better is not what its source says.*set after the class was made"
    ):
        write_module(space["Mine"])


def test_what_another_process_can_import() -> None:
    """Modules on the search path, but for the script that runs and what is made in memory."""
    sys.modules["made_in_memory"] = types.ModuleType("made_in_memory")
    try:
        names = (
            "numpy.linalg",
            "vbench.indexes.given",
            "os",
            "__main__",
            "made_in_memory",
            "none",
        )
        assert [is_importable(name) for name in names] == [True, True, True, False, False, False]
    finally:
        del sys.modules["made_in_memory"]


def test_a_class_of_a_notebook_may_learn_from_queries(notebook: Notebook) -> None:
    """What its fit takes is what the written one takes."""
    text = cell("self.base").replace("threads)", "threads, learn)")
    written = loaded(notebook.run(text)["Mine"])["Mine"]
    assert is_taken(written.fit, "learn", always=True)
    assert not is_taken(loaded(notebook.run(cell("1"))["Mine"])["Mine"].fit, "learn")
