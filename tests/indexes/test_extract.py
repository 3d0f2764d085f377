"""What a class of a notebook or a script uses is written with it, or refused with the remedy."""

from __future__ import annotations

import linecache
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from vbench.errors import VbenchError
from vbench.indexes.extract import extract, is_importable


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
    exec(extract(kind).text, vars(module))
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
    text = extract(notebook.run(cell("queries is None"))["Mine"]).text
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
    first = extract(notebook.run(cell("NAMES"))["Mine"]).text
    notebook.run("NAMES = {'z', 'y', 'x'}\nother = 1")
    assert extract(notebook.run(cell("NAMES"))["Mine"]).text == first


def test_annotations_that_are_not_evaluated_stay_so(notebook: Notebook) -> None:
    """Their names are there for whoever evaluates them, as vbench does for parameters."""
    notebook.run("from typing import Annotated")
    kind = notebook.run(
        "from __future__ import annotations\nclass Mine:\n"
        "    def __init__(self, M: Annotated[int, 'many'] = 3, other: NoSuch = 1):\n        pass"
    )["Mine"]
    text = extract(kind).text
    assert "from __future__ import annotations" in text
    assert "from typing import Annotated" in text


def test_a_class_within_a_function_keeps_what_it_closes_over() -> None:
    """Its free names stand at the top of the module."""
    size = 5

    class Inner:
        def fit(self) -> int:
            return size + BESIDE

    assert loaded(Inner)["Inner"]().fit() == 11


BESIDE = 6


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
        extract(kind)


def test_a_class_whose_source_is_not_kept_is_refused() -> None:
    """As one that was typed into a plain interpreter."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(cell("1"), space)
    with pytest.raises(VbenchError, match=r"source of Mine is not kept; save it"):
        extract(space["Mine"])


def test_a_source_that_was_edited_since_is_refused(notebook: Notebook) -> None:
    """What is written is what runs, never what the file says by now."""
    kind = notebook.run(cell("1"))["Mine"]
    name = kind.search.__code__.co_filename
    text = cell("2")
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    with pytest.raises(VbenchError, match=r"search was edited since it was run"):
        extract(kind)


def test_a_method_that_was_set_later_is_refused(notebook: Notebook) -> None:
    """The class is not what its source says."""
    space = notebook.run(
        cell("1") + "def better(self, queries, k):\n    return 2\nMine.search = better"
    )
    with pytest.raises(VbenchError, match=r"its search was set after the class was made"):
        extract(space["Mine"])


def test_what_another_process_can_import() -> None:
    """Modules on the search path, but for the script that runs and what is made in memory."""
    sys.modules["made_in_memory"] = types.ModuleType("made_in_memory")
    try:
        names = (
            "numpy.linalg",
            "vbench.indexes.extract",
            "os",
            "__main__",
            "made_in_memory",
            "none",
        )
        assert [is_importable(name) for name in names] == [True, True, True, False, False, False]
    finally:
        del sys.modules["made_in_memory"]
