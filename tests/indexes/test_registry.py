"""From a name to a class, and a clear word where there is none."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import vbench
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes import registry
from vbench.indexes.answers import AnswerError
from vbench.indexes.library import ExtraIndex
from vbench.indexes.protocol import versions
from vbench.indexes.registry import adapters, as_index, available, resolve
from vbench.indexes.rest_index import RestIndex


def entry(name: str, value: str, origin: str) -> EntryPoint:
    made = EntryPoint(name, value, registry.GROUP)
    vars(made).update(dist=SimpleNamespace(name=origin))
    return made


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    """Entry points that take the place of the real ones."""
    points: list[EntryPoint] = []
    monkeypatch.setattr("vbench._plugins.entry_points", lambda group: points)
    adapters.cache_clear()
    yield points
    adapters.cache_clear()


def test_built_in_adapters_take_the_same_door_as_plugins() -> None:
    """They are entry points of vbench's own distribution, and all can be imported."""
    own = {name for name, each in adapters().items() if each.origin == "vbench-ann"}
    assert own >= {"flat", "hnswlib", "faiss-hnsw", "nsg", "ivf-flat", "ivf-pq", "lsh"}
    assert own <= set(available()[0])
    assert all(issubclass(resolve(name), vbench.Index) for name in own)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    """A slip of the finger costs one line."""
    with pytest.raises(UnknownNameError, match="unknown index 'hnswlob'; did you mean 'hnswlib'"):
        resolve("hnswlob")


def test_a_broken_plugin_costs_one_warning_and_the_rest_works(
    installed: list[EntryPoint],
) -> None:
    """The warning names plug-in, package and reason."""
    installed += [
        entry("gone", "no_such_module:Index", "bad-package"),
        entry("good", "misbehaving:Exact", "good-package"),
    ]
    classes, warnings = available()
    assert list(classes) == ["good"]
    assert len(warnings) == 1
    for part in ("'gone'", "bad-package", "No module named 'no_such_module'"):
        assert part in warnings[0]


def test_a_name_taken_twice_is_said(installed: list[EntryPoint]) -> None:
    """Vbench's own comes first; the same registration seen twice is no conflict."""
    installed += [
        entry("flat", "misbehaving:Exact", "another"),
        entry("flat", "vbench.indexes.flat:Flat", "vbench-ann"),
        entry("flat", "vbench.indexes.flat:Flat", "vbench-ann"),
    ]
    said = "index name 'flat' is taken by vbench-ann and by another; that of vbench-ann is used"
    classes, warnings = available()
    assert classes["flat"].__name__ == "Flat"
    assert warnings == [said]
    with pytest.warns(UserWarning, match=said):
        assert resolve("flat") is classes["flat"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("misbehaving:NoSearch", "has no method 'search'"),
        ("misbehaving:Exakt", "did you mean 'Exact'"),
        ("misbehaving:RNG.x", "unknown class of the module misbehaving"),
        ("misbehaving:np", "is not a class"),
        ("not_a_module:Index", "cannot be imported .ModuleNotFoundError"),
        ("misbehaving:", "unknown class of the module"),
        ("vbench.indexes.protocol:Index", "has no method 'fit'"),
    ],
)
def test_what_is_not_an_index_is_refused(spec: str, says: str) -> None:
    """The message says what is missing or which names there are."""
    with pytest.raises(VbenchError, match=says):
        resolve(spec)


def test_a_class_need_not_inherit_anything() -> None:
    """With fit and search alone it gets the protocol's defaults, and keeps its name."""
    kind = resolve("misbehaving:Plain")
    assert issubclass(kind, vbench.Index)
    assert kind.__name__ == "Plain"
    assert kind(scale=2.0).work() is None  # type: ignore[call-arg]  # a parameter of Plain


@pytest.mark.parametrize("metrics", ["l2", {"euclid"}, set()])
def test_metrics_that_do_not_exist_are_refused(metrics: object) -> None:
    """Such as a string, where a set is meant."""
    kind = type("Odd", (), {"fit": id, "search": id, "metrics": metrics})
    with pytest.raises(VbenchError, match="allowed is a set of some of: l2, ip, cosine"):
        as_index(kind, "odd:Odd")


@pytest.mark.parametrize("sweep", [["ef"], {"ef": 16}, {"ef": "16"}, {"ef": []}])
def test_a_sweep_that_lists_no_values_is_refused(sweep: object) -> None:
    """The message says what a sweep is."""
    kind = type("Odd", (), {"fit": id, "search": id, "sweep": sweep})
    with pytest.raises(VbenchError, match="a list of values for each search parameter"):
        as_index(kind, "odd:Odd")


def test_modules_of_the_working_folder_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installed command does not have it on its path by itself."""
    (tmp_path / "lying_here.py").write_text(
        "class Mine:\n    def fit(self): ...\n    def search(self): ...\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    assert resolve("lying_here:Mine").__name__ == "Mine"


def test_what_a_module_prints_goes_to_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output is for the JSON document."""
    (tmp_path / "talks_a_lot.py").write_text(
        "print('hello')\nclass Mine:\n    def fit(self): ...\n    def search(self): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    resolve("talks_a_lot:Mine")
    assert capsys.readouterr() == ("", "hello\n")


def test_a_module_that_quits_while_it_is_imported_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SystemExit in somebody's module does not end vbench."""
    (tmp_path / "quits_at_once.py").write_text("raise SystemExit('no license')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(VbenchError, match=r"cannot be imported \(SystemExit: no license\)"):
        resolve("quits_at_once:Mine")


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"requires": "hnswlib"}, r"requires is 'hnswlib'; needed are names of distributions"),
        ({"requires": (1,)}, r"requires is \(1,\)"),
        ({"seeded": "no"}, "seeded is 'no'; allowed: True, False"),
        ({"writes": None}, "writes is None; allowed: True, False"),
        ({"local": 1}, "local is 1; allowed: True, False"),
        (
            {"tune_parameter": ["ef"]},
            r"tune_parameter is \['ef'\]; needed is the name of a search parameter",
        ),
        ({"dimensions": 128}, "dimensions is 128; allowed is a range or a set of whole numbers"),
        ({"dimensions": {0, 8}}, "above 0"),
        ({"dimensions": range(2000)}, "above 0"),
        ({"dimensions": range(9, 2)}, "a range or a set"),
        ({"dimensions": {1.5}}, "whole numbers"),
        ({"metrics": None}, "allowed is a set of some of: l2, ip, cosine"),
        ({"protocol": 99}, "protocol is 99; this vbench knows the versions 1 to"),
        ({"protocol": "2"}, "protocol is '2'"),
    ],
)
def test_attributes_that_say_nothing_are_refused(attributes: dict[str, Any], says: str) -> None:
    """The message holds what was given and what is allowed; a plain class is checked alike."""
    for bases in ((), (vbench.Index,)):
        kind = type("Odd", bases, {"fit": id, "search": id, **attributes})
        with pytest.raises(VbenchError, match=says):
            as_index(kind, "odd:Odd")


@pytest.mark.parametrize(
    "dimensions", [None, range(2, 2001), range(64, 1 << 40, 64), {96, 128}, (3,), frozenset({7})]
)
def test_dimensions_are_ranges_and_sets(dimensions: Any) -> None:
    """Or None; a long range costs no time."""
    kind = as_index(type("Fine", (), {"fit": id, "search": id, "dimensions": dimensions}), "f:F")
    assert kind.dimensions == dimensions


@pytest.mark.parametrize("bases", [(), (vbench.Index,)], ids=["plain", "Index"])
def test_either_search_is_enough(bases: tuple[type, ...]) -> None:
    """The other follows from it: rows are padded, and copied before the next is asked for."""
    row: list[int] = []

    def search_one(self: Any, query: Any, k: int) -> list[int]:
        row[:] = range(int(query[0]))
        return row

    def search(self: Any, queries: Any, k: int) -> Any:
        return [list(range(int(query[0]))) for query in queries]

    queries = np.array([[2], [0], [3]], dtype=np.float32)
    one = as_index(type("One", bases, {"fit": id, "search_one": search_one}), "one:One")()
    assert one.search(queries, 3).tolist() == [[0, 1, -1], [-1, -1, -1], [0, 1, 2]]
    assert one.search(queries[:0], 3).shape == (0, 3)
    many = as_index(type("Many", bases, {"fit": id, "search": search}), "many:Many")()
    assert list(many.search_one(queries[0], 3)) == [0, 1]


def test_a_class_without_any_search_says_so_where_it_is_used() -> None:
    """Also where nobody has checked it."""
    with pytest.raises(NotImplementedError, match="neither search nor search_one"):
        vbench.Index().search(np.zeros((1, 2), dtype=np.float32), 1)


def test_built_in_indexes_name_the_distribution_behind_them() -> None:
    """Whose version is part of what was measured."""
    for name, entry in adapters().items():
        if entry.origin == "vbench-ann":
            kind = resolve(name)
            assert kind.requires or issubclass(kind, RestIndex)
            assert issubclass(kind, ExtraIndex) or all(
                map(importlib.metadata.version, kind.requires)
            )


def test_versions_of_a_server_are_names_and_texts() -> None:
    """None by default; an attribute that happens to bear the name is none either."""

    class Server(vbench.Index):
        def version(self) -> Any:
            return told

    told: Any = {"server": "1.2"}
    server = Server()
    assert versions(vbench.Index()) == {}
    assert versions(server) == {"server": "1.2"}
    plain = as_index(type("Plain", (), {"fit": id, "search": id, "version": "3"}), "plain:Plain")
    assert versions(plain()) == {}
    told = "1.2"
    with pytest.raises(AnswerError, match=r"version returned '1\.2'"):
        versions(server)


def test_a_class_that_cannot_be_derived_from_is_refused() -> None:
    """With what to do instead."""

    class Final:
        fit = search = id

        def __init_subclass__(cls) -> None:
            raise TypeError("no classes below this one")

    with pytest.raises(VbenchError, match=r"no classes below this one\); derive it from vbench"):
        as_index(Final, "odd:Final")
