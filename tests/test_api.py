"""What `import vbench` offers, as people in notebooks and scripts meet it."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import os
import subprocess
import sys
import types
import typing
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import vbench
from vbench.api import runs as api
from vbench.errors import UnknownNameError, VbenchError, VbenchWarning

K = 5
QUICK: dict[str, Any] = {"k": K, "builds": 1, "repeats": 1}

CLASS = """
class Mine(vbench.Index):
    metrics = frozenset({"l2"})

    def fit(self, base, metric, *, seed, threads):
        self.base = base

    def search(self, queries, k):
        return nearest(self.base, queries)[:, :k]
"""
HELPER = """
import numpy as np
import vbench

SIGN = 1

def nearest(base, queries):
    return (SIGN * ((queries[:, None] - base[None]) ** 2).sum(-1)).argsort(axis=1)
"""


def vectors(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, 6)).astype(np.float32)


@pytest.fixture
def dataset() -> vbench.Dataset:
    segments = pl.DataFrame({"user": [f"u{row}" for row in range(12)], "kind": list("aabb") * 3})
    return vbench.load(
        vectors(80), queries=vectors(12, 1), metric="l2", name="tiny", segments=segments
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> vbench.Run:
    """A run of two settings, with ids and segments, and a column called as one of ours."""
    folder = tmp_path_factory.mktemp("done")
    segments = pl.DataFrame(
        {"user": [f"u{row}" for row in range(12)], "kind": list("aabb") * 3, "value": [1, 2] * 6}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(folder / "home"))
        patch.setenv("VBENCH_CORES", "test_api")
        data = vbench.load(
            vectors(80), queries=vectors(12, 1), metric="l2", name="<tiny>", segments=segments
        )
        return vbench.run(
            data, ["flat", "hnsw"], settings={"ef": [8, 16]}, out=folder / "run", **QUICK
        )


# The names


def test_completion_shows_what_there_is() -> None:
    """In a fresh interpreter too, where nothing has been imported yet."""
    code = "import vbench; print(sorted(dir(vbench)), 'numpy' in __import__('sys').modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, heavy = shown.stdout.rsplit(maxsplit=1)
    assert ast.literal_eval(names) == dir(vbench)
    assert heavy == "False"
    wanted = {"load", "run", "open", "compare", "tail", "tune", "rank", "report", "Dataset", "Run"}
    assert wanted | {"Index", "Graph", "Ranker", "Measure", "Recall", "nDCG"} <= {*dir(vbench)}


def test_every_name_is_there_and_typed() -> None:
    """What mypy is told is what is found."""
    tree = ast.parse(Path(vbench.__file__).read_text())
    typed = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    assert {*typed, "__version__"} == {*dir(vbench)}
    for name, module in typed.items():
        found = getattr(vbench, name)
        assert found is getattr(sys.modules[str(module)], name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vbench.nothing  # noqa: B018


def test_every_measure_of_ours_is_a_name() -> None:
    """A measure that is added is exported."""
    from vbench.measures.grammar import measures

    ours = {name for name, kind in measures().items() if kind.__module__.startswith("vbench.")}
    assert ours <= {*dir(vbench)}


def test_a_star_import_leaves_the_builtins_alone() -> None:
    """`vbench.open` has to be written so."""
    space: dict[str, Any] = {}
    exec("from vbench import *", space)
    assert not {name for name in space if hasattr(builtins, name) and not name.startswith("__")}
    assert space["run"] is vbench.run


def test_every_choice_of_a_public_function_is_checked(
    dataset: vbench.Dataset, done: vbench.Run, tmp_path: Path
) -> None:
    """An argument that allows few words refuses others: none is taken silently."""
    checked = {
        ("run", "recall_rule"): lambda: vbench.run(dataset, "flat", recall_rule="exct-tie"),
        ("tune", "recall_rule"): lambda: vbench.tune(
            dataset, "flat", "Recall@5>=0", recall_rule="exact"
        ),
        ("load", "ground_truth"): lambda: vbench.load(
            vectors(9), queries=vectors(2), metric="l2", ground_truth=True
        ),
        ("load", "truth"): lambda: vbench.load(
            vectors(9), queries=vectors(2), metric="l2", truth=True
        ),
        ("load", "learn"): lambda: vbench.load(
            vectors(9), queries=vectors(4), metric="l2", learn=True
        ),
        ("run", "learn"): lambda: vbench.run(dataset, "flat", learn=1),
        ("tune", "learn"): lambda: vbench.tune(dataset, "flat", "Recall@5>=0", learn=1),
        ("measure", "per"): lambda: done.measure("Recall@5", per="querry"),
        ("run", "metric"): lambda: vbench.run(vectors(9), "flat", metric="l3"),
        ("tune", "metric"): lambda: vbench.tune(vectors(9), "flat", "Recall@5>=0", metric="l3"),
        ("verify", "metric"): lambda: vbench.verify("x.json", "flat", vectors(9), metric="l3"),
        ("watch", "metric"): lambda: vbench.watch(vectors(9), "flat", "Recall@5>=0.5", metric="l3"),
        ("audit_index", "metric"): lambda: vbench.audit_index(vectors(9), "flat", metric="l3"),
        ("watch", "exact"): lambda: vbench.watch(dataset, "flat", "Recall@5>=0.5", exact="me"),
        ("load", "metric"): lambda: vbench.load(vectors(9), metric="l3"),
        ("import_results", "metric"): lambda: vbench.import_results("x.hdf5", metric="l3"),
        ("import_results", "recall_rule"): lambda: vbench.import_results(
            "x.hdf5", recall_rule="exact"
        ),
        ("import_dataset", "metric"): lambda: vbench.import_dataset(
            "mine", items="", users="", metric="l3"
        ),
    }
    functions = [getattr(vbench, name) for name in dir(vbench) if name.islower()]
    functions = [each for each in functions if callable(each)]
    space = {**vars(typing), **vars(vbench.metric), **vars(sys.modules["vbench.measures.hits"])}
    found = set()
    for function in [*functions, vbench.Run.measure]:
        for name, parameter in inspect.signature(function).parameters.items():
            words = str(parameter.annotation)
            if any(word in words for word in ("Literal", "Metric", "Rule", "Per")):
                found.add((function.__name__, name))
    assert space
    assert found == {*checked}
    for call in checked.values():
        with pytest.raises(VbenchError):
            call()


@pytest.mark.parametrize("word", ["euclidean", "L2", "dot", "inner_product", "angular", "COSINE"])
def test_other_words_for_a_metric_are_known(word: str) -> None:
    """Those of other tools, however they are written."""
    found = vbench.load(vectors(9), queries=vectors(2), metric=word)
    assert found.metric == {"e": "l2", "L": "l2", "d": "ip", "i": "ip"}.get(word[0], "cosine")


def test_a_slip_in_a_metric_is_told_with_the_nearest_word() -> None:
    """And with all that are known."""
    with pytest.raises(
        VbenchError, match=r"'euclidian' .*did you mean 'euclidean'.*l2, ip, cosine"
    ):
        vbench.load(vectors(9), queries=vectors(2), metric="euclidian")


# What is given to run


def test_data_may_be_an_array_a_table_or_a_path(tmp_path: Path) -> None:
    """All of them the same vectors, and so the same dataset."""
    base, queries = vectors(60), vectors(8, 1)
    np.save(tmp_path / "base.npy", base)
    table = pl.DataFrame({"emb": base})
    fingerprints = {
        vbench.run(
            given, "flat", queries=queries, metric="l2", out=tmp_path / f"run{number}", **QUICK
        ).manifest.dataset.fingerprint
        for number, given in enumerate(
            [base, table, tmp_path / "base.npy", str(tmp_path / "base.npy")]
        )
    }
    assert len(fingerprints) == 1


def test_data_that_is_nowhere_is_refused_by_name() -> None:
    """As vbench.load refuses it."""
    with pytest.raises(VbenchError, match=r"'boks'.*did you mean"):
        vbench.run("boks", "flat")


def test_queries_go_with_vectors_and_not_with_a_dataset(dataset: vbench.Dataset) -> None:
    """Which has its own."""
    with pytest.raises(VbenchError, match="has its queries and its metric; give those to vbench"):
        vbench.run(dataset, "flat", queries=vectors(3))


def test_a_run_of_python_is_a_run_of_the_public_class(done: vbench.Run) -> None:
    """Whatever made or opened it."""
    assert type(done) is vbench.Run
    assert type(vbench.open(done.path)) is vbench.Run
    assert type(vbench.open(str(done.path)).settings()) is api.Settings


@pytest.mark.parametrize("given", [3, None, [None], object()])
def test_what_is_no_index_is_refused(dataset: vbench.Dataset, given: Any) -> None:
    """In words, with what may be given."""
    with pytest.raises(
        VbenchError, match=r"is of type \w+; give a name, the path of a recipe, or a class"
    ):
        vbench.run(dataset, given)


def test_an_object_is_refused_with_its_class(dataset: vbench.Dataset) -> None:
    """Each build needs a new one."""

    class Mine(vbench.Index):
        def fit(self, base: Any, metric: Any, *, seed: int, threads: int) -> None:
            pass

        def search(self, queries: Any, k: int) -> Any:
            pass

    with pytest.raises(VbenchError, match="give the class Mine, and its parameters as settings"):
        vbench.run(dataset, Mine())


def test_a_class_without_search_is_refused(dataset: vbench.Dataset) -> None:
    """By the name that it has."""
    with pytest.raises(VbenchError, match="Odd has no method 'fit'"):
        vbench.run(dataset, type("Odd", (), {}))


def test_a_class_of_a_module_is_called_as_on_the_command_line(
    dataset: vbench.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that both go on with one run."""
    (tmp_path / "of_a_module.py").write_text(HELPER + CLASS)
    monkeypatch.syspath_prepend(tmp_path)
    import of_a_module  # type: ignore[import-not-found]

    run = vbench.run(dataset, of_a_module.Mine, out=tmp_path / "run", **QUICK)
    assert [each.index for each in run.settings()] == ["of_a_module:Mine"]
    assert not (run.path / "code").exists()
    with pytest.warns(VbenchWarning, match="nothing was measured"):
        vbench.run(dataset, "of_a_module:Mine", out=tmp_path / "run", **QUICK)


def test_a_recipe_may_be_an_object(dataset: vbench.Dataset, tmp_path: Path) -> None:
    """What a TOML file would say; a wrong word in it is refused."""
    recipe = vbench.Recipe("hnswlib", build={"M": 4}, search={"ef": [9]}, name="small")
    run = vbench.run(dataset, [recipe, Path("flat")], out=tmp_path / "run", **QUICK)
    assert [str(each) for each in run.settings()] == ["small ef=9", "flat"]
    with pytest.raises(UnknownNameError, match="transform"):
        vbench.run(dataset, vbench.Recipe("flat", transform="sideways"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("run", {"k": "10"}),
        ("run", {"threads": "2"}),
        ("run", {"settings": ["ef"]}),
        ("run", {"out": 3}),
        ("tune", {"target": 0.9}),
        ("compare", {"level": "95%"}),
        ("tail", {"delta": "0.9"}),
        ("tail", {"cross": "kind,user"}),
        ("report", {"path": 3}),
        ("rank", {"k": [3]}),
    ],
)
def test_arguments_of_another_type_are_refused_in_words(
    done: vbench.Run, dataset: vbench.Dataset, name: str, arguments: dict[str, Any]
) -> None:
    """Never by a TypeError from inside."""
    first: tuple[Any, ...] = (done,)
    if name in ("run", "tune"):
        first = (dataset, "flat")
    with pytest.raises(VbenchError, match=f"{next(iter(arguments))}=.* is not allowed; give"):
        getattr(vbench, name)(*first, **arguments)


@pytest.mark.parametrize("given", [3, None, object(), [3]])
def test_what_is_no_run_is_refused(given: Any) -> None:
    """By every function that takes runs."""
    for function in (vbench.compare, vbench.tail, vbench.report, vbench.rank):
        with pytest.raises(VbenchError, match="is no run; give one, or the path of its folder"):
            function(given)


# Classes of notebooks and scripts


def test_a_class_of_a_script_is_measured(tmp_path: Path) -> None:
    """In another process, as `python script.py` runs it; with what it uses; unguarded too."""
    script = (
        HELPER
        + CLASS
        + "base = np.random.default_rng(0).normal(size=(60, 4))\n"
        + f"run = vbench.run(base, Mine, queries=base[:9], metric='l2', out='run', **{QUICK})\n"
        + "print(run, run.measure('Recall@5')['value'].to_list(), __name__)\n"
    )
    (tmp_path / "script.py").write_text(script)
    path = os.pathsep.join(filter(None, [str(Path(vbench.__file__).parents[1]), *sys.path]))
    finished = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout == "<Run run: 1 of 1 trials done> [1.0] __main__\n", finished.stderr
    assert "def nearest" in (tmp_path / "run" / "code" / "class_Mine.py").read_text()


class Cells:
    """A notebook: its cells run in `__main__`, their source is in linecache alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._module = types.ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", self._module)

    def run(self, text: str) -> Any:
        name = f"/tmp/ipykernel_0/{abs(hash(text))}.py"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec", dont_inherit=True), vars(self._module))
        return self._module


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Cells:
    return Cells(monkeypatch)


def test_a_class_of_a_notebook_is_measured_anew_when_it_or_what_it_uses_changes(
    cells: Cells, dataset: vbench.Dataset, tmp_path: Path
) -> None:
    """And is not when its cell is only run again."""
    cells.run(HELPER)
    space = cells.run(CLASS)
    out = tmp_path / "run"
    run = vbench.run(dataset, [space.Mine, "flat"], out=out, **QUICK)
    assert run.measure("Recall@5")["value"].to_list() == [1.0, 1.0]
    assert [each.index for each in run.settings()] == ["Mine", "flat"]
    assert run.manifest.call.python.startswith("vbench.run(tiny, [Mine, 'flat']")

    cells.run(CLASS)
    with pytest.warns(VbenchWarning, match="nothing was measured"):
        vbench.run(dataset, [space.Mine, "flat"], out=out, **QUICK)

    cells.run("SIGN = -1")
    with pytest.warns(VbenchWarning, match=r"Mine: class_Mine\.py changed .*measured anew"):
        run = vbench.run(dataset, [space.Mine, "flat"], out=out, **QUICK)
    assert dict(run.measure("Recall@5")["index", "value"].iter_rows()) == {"Mine": 0.0, "flat": 1.0}
    assert "SIGN = -1" in (out / "code" / "class_Mine.py").read_text()

    cells.run(CLASS.replace("nearest(self.base, queries)", "-(-nearest(self.base, queries))"))
    with pytest.warns(VbenchWarning, match="measured anew"):
        vbench.run(dataset, [space.Mine, "flat"], out=out, **QUICK)


def test_nothing_is_left_of_a_class_but_in_the_run(
    cells: Cells, dataset: vbench.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder of temporary files, no entry of the search path."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    cells.run(HELPER)
    before = list(sys.path)
    vbench.run(dataset, cells.run(CLASS).Mine, out=tmp_path / "run", **QUICK)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sys.path == before


def test_two_classes_of_one_name_are_refused(cells: Cells, dataset: vbench.Dataset) -> None:
    """A table could not tell them apart."""
    cells.run(HELPER)
    first = cells.run(CLASS).Mine
    second = cells.run(CLASS + "\n").Mine
    with pytest.raises(VbenchError, match="two classes are called Mine"):
        vbench.run(dataset, [first, second], **QUICK)


def test_a_class_that_fails_says_so(cells: Cells, dataset: vbench.Dataset, tmp_path: Path) -> None:
    """A warning at once, and in the run's text: nobody reads its manifest."""
    cells.run(HELPER)
    kind = cells.run(CLASS.replace("self.base = base", "raise ValueError('no luck')")).Mine
    with pytest.warns(
        VbenchWarning, match="0 of 1 trials done, 1 failed: ValueError: no luck"
    ) as told:
        run = vbench.run(dataset, kind, out=tmp_path / "run", **QUICK)
    assert {each.filename for each in told} == {__file__}, "it is told of the line that called"
    assert repr(run) == f"<Run {tmp_path / 'run'}: 0 of 1 trials done, 1 failed>"
    assert "0 of 1 trials done, 1 failed" in run._repr_html_()


def test_a_class_whose_source_cannot_be_had_is_refused(dataset: vbench.Dataset) -> None:
    """With the file to write, before anything is run."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(HELPER + CLASS, space)
    with pytest.raises(VbenchError, match=r"save it .* mine\.py, and give 'mine:Mine'"):
        vbench.run(dataset, space["Mine"])


def test_tuning_takes_classes_too(cells: Cells, tmp_path: Path) -> None:
    """What is found says where its run is."""
    cells.run(HELPER)
    kind = cells.run(
        CLASS.replace("return nearest", "return nearest")
        + "    sweep = {'step': [1, 2]}\n    def set(self, step: int = 1):\n        pass\n"
        + "    tune_parameter = 'step'\n"
    ).Mine
    found = vbench.tune(
        vectors(80),
        kind,
        "Recall@5>=0.1",
        queries=vectors(40, 1),
        metric="l2",
        minimize=vbench.BuildTime,
        trials=2,
        out=tmp_path / "run",
        builds=1,
        repeats=1,
    )
    assert (vbench.open(found.run).path / "code" / "class_Mine.py").is_file()


# What a run answers


def test_several_measures_are_one_frame(done: vbench.Run) -> None:
    """Texts and objects; each row says of which measure it is."""
    frame = done.measure(["Recall@5", vbench.Robustness(delta=0.9) @ 5, vbench.QPS, "recall@5"])
    assert frame.columns[0] == "measure"
    assert frame["measure"].to_list() == [
        each for each in ("Recall@5", "Robustness(delta=0.9)@5", "QPS") for _ in range(3)
    ]
    one = done.measure("Recall@5")
    assert "measure" not in one.columns
    assert frame.head(3).drop("measure")["value"].to_list() == one["value"].to_list()
    with pytest.raises(VbenchError, match="no measure given"):
        done.measure([])


def test_each_query_comes_with_its_id_and_its_columns(done: vbench.Run) -> None:
    """So that a frame can be grouped by segments; a name of ours is marked."""
    frame = done.measure("Recall@5", per="query")
    assert {"query", "value", "id", "kind", "column.value"} <= {*frame.columns}
    assert frame["query"].to_list() == [*range(12)] * 3
    assert frame["id"].head(2).to_list() == ["u0", "u1"]
    assert frame["column.value"].to_list() == [1, 2] * 18
    many = done.measure(["Recall@5", "Failure@5"], per="query")
    assert len(many) == 2 * len(frame)


def test_what_a_notebook_shows_is_short_and_escaped(
    done: vbench.Run, dataset: vbench.Dataset
) -> None:
    """A run, its settings, a dataset; one line each as text."""
    texts = [repr(each) for each in (done, dataset, done.settings()[0], done.measure)]
    assert all("\n" not in text for text in texts)
    assert texts[1] == "<Dataset tiny: 80 base vectors × 6, 12 queries, l2>"
    for shown in (done, done.settings(), dataset):
        html = shown._repr_html_()
        assert html.count("<table>") == 1
        assert "<tiny>" not in html
        assert not {"http", "<script", "src="} & {
            word for word in ("http", "<script", "src=") if word in html
        }
    assert "&lt;tiny&gt;" in done._repr_html_()
    assert "ef=16" in done.settings()._repr_html_()


def test_levels_are_a_line_each(dataset: vbench.Dataset, tmp_path: Path) -> None:
    """What was brought to a recall, and how that went."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = vbench.run(dataset, "hnsw", at_recall=0.9, out=tmp_path / "run", **QUICK)
    (level,) = run.levels
    assert repr(level).startswith("<Level hnsw K=5: recall 0.9 ")
    assert "tried>" in repr(level)


def test_equality_and_hash_never_raise(dataset: vbench.Dataset, done: vbench.Run) -> None:
    """Of what holds arrays and frames."""
    answers = done.answers(done.done[0])
    for one in (dataset, done.ground_truth, answers, done.settings()[0]):
        assert one == one
        assert one != "other"
        assert isinstance(hash(one), int)
    assert dataset != vbench.Dataset("x", dataset.base, dataset.queries, "l2")


# The other commands


def test_compare_tail_and_report_take_runs_and_paths(done: vbench.Run, tmp_path: Path) -> None:
    """The same by a function of a run, its folder, or by its own method."""
    pair = {"baseline": "flat", "candidate": "hnsw ef=16"}
    first = vbench.compare(done, measures=vbench.Recall @ 5, **pair)
    assert first == vbench.compare(str(done.path), measures=["Recall@5"], **pair)
    assert first == done.compare(measures="Recall@5", **pair)
    shown = vbench.tail(done.path, indexes="flat", delta=0.5)
    assert shown == done.tail(indexes=["flat"], delta=0.5)
    page = vbench.report(done, tmp_path / "page.html")
    assert page.read_text().startswith("<!doctype html>")
    assert done.report(tmp_path / "own.html").stat().st_size == page.stat().st_size
    assert vbench.report([done.path, done], tmp_path / "both.html").exists()
    with pytest.raises(VbenchError, match="no run given"):
        vbench.report([])


def test_a_ranker_may_be_a_class(tmp_path: Path) -> None:
    """Or an object: it is called in this process."""
    judged = pl.DataFrame({"query": [*range(12)], "item": [*range(12)]})
    dataset = vbench.load(
        vectors(80), queries=vectors(80)[:12], metric="l2", relevance=judged, name="judged"
    )
    run = vbench.run(dataset, "flat", out=tmp_path / "run", k=20, builds=1, repeats=1)

    class Same(vbench.Ranker):
        def score(self, queries: Any, candidates: Any) -> Any:
            return -np.abs(candidates - queries[:, None]).astype(float)

    class Plain:
        def __init__(self, sign: float) -> None:
            self.sign = sign

        def score(self, queries: Any, candidates: Any) -> Any:
            return self.sign * np.abs(candidates - queries[:, None]).astype(float)

    shown = vbench.rank(run, [Same, Plain(1.0)], dataset=dataset)
    assert shown == run.rank([Same(), Plain(1.0)], dataset=dataset)
    with pytest.raises(VbenchError, match="has no method 'score'"):
        vbench.rank(run, dict, dataset=dataset)
