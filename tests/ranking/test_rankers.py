"""Rankers by name, by module, by command, and the simple ones."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vbench.data.dataset import Dataset
from vbench.errors import UnknownNameError, VbenchError
from vbench.ranking.command import Command
from vbench.ranking.protocol import Material, Ranker, rankers, resolve
from vbench.ranking.ranked import score
from vbench.ranking.simple import Popularity, Tower
from vbench.ranking.stage import Stage
from vbench.ranking.trained import Zenith, read_variant

DOUBLE = """
import sys
import polars as pl
rows = pl.read_parquet(sys.argv[1])
rows.select("q_id", "doc_id", score=pl.col("similarity") * 2).write_parquet(sys.argv[2])
"""


def material(dataset: Dataset) -> Material:
    def none() -> None:
        raise VbenchError("no interactions here")

    exposed = np.zeros((dataset.m, 5), dtype=np.int64)
    return Material(dataset, exposed, none, "none", 0)


def test_the_built_in_rankers_take_the_same_door_as_plug_ins() -> None:
    """They are registered in the group of entry points, and nothing is imported to list them."""
    trained = {"cross", "mixer", "zenith", "unimixer", "hyformer", "msn"}
    assert {"tower", "popularity"} | trained <= set(rankers())
    assert isinstance(resolve("popularity"), Popularity)
    with pytest.raises(UnknownNameError, match="did you mean 'tower'"):
        resolve("towr")


def test_options_stand_in_brackets() -> None:
    """Each is checked; what takes none, and what is no list of options, is refused in one line."""
    made = resolve("zenith(width=32, depth=3)")
    assert isinstance(made, Zenith)
    assert (made.options.width, made.options.depth) == (32, 3)
    assert read_variant("cross") == read_variant("cross(width=32,depth=2)")
    assert read_variant("tower") is read_variant("nobody") is None
    for spec, message in {
        "zenith(wide=3)": "unknown option 'wide'",
        "zenith(width=6)": r"width=6: .*multiple of 4",
        "zenith(depth=0)": "depth=0",
        "zenith(pearl=nan)": "pearl=nan",
        "zenith(32)": r"\(32\): write options as name=value",
        "tower(width=8)": "takes no options",
        "zenit(width=8)": "did you mean 'zenith'",
    }.items():
        with pytest.raises(VbenchError, match=message):
            resolve(spec)


def test_a_class_of_a_module_needs_score_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage, dataset: Dataset
) -> None:
    """It need not inherit anything; what is no ranker is refused by name."""
    (tmp_path / "my_rankers.py").write_text(
        "import numpy as np\n"
        "class ById:\n"
        "    def score(self, queries, candidates):\n"
        "        return -candidates.astype(float)\n"
        "class Nothing:\n"
        "    pass\n"
        "class Broken:\n"
        "    def __init__(self):\n"
        "        raise RuntimeError('no weights')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    ranker = resolve("my_rankers:ById")
    assert isinstance(ranker, Ranker)
    ranker.fit(material(dataset))
    assert score(stage, ranker, "by id").warnings == ()
    with pytest.raises(VbenchError, match="has no method 'score'"):
        resolve("my_rankers:Nothing")
    with pytest.raises(VbenchError, match="RuntimeError: no weights"):
        resolve("my_rankers:Broken")
    with pytest.raises(VbenchError, match="no_such_module"):
        resolve("no_such_module:Ranker")


def test_popularity_is_the_same_for_every_query(dataset: Dataset) -> None:
    """Its scores are the items' column; without that column it says what is missing."""
    ranker = Popularity()
    ranker.fit(material(dataset))
    scores = ranker.score(np.array([0, 1]), np.array([[3, 4], [4, 3]]))
    assert scores[0].tolist() == scores[1][::-1].tolist()
    with pytest.raises(VbenchError, match="needs a column popularity"):
        ranker.fit(material(dataclasses.replace(dataset, items=None)))


def test_a_ranker_that_fails_anywhere_is_named(stage: Stage, dataset: Dataset) -> None:
    """It leaves as if it were a program, or fails to say its warnings; one text is one warning."""

    class Leaves(Tower):
        def score(self, queries: object, candidates: object) -> np.ndarray:
            raise SystemExit("no GPU")

    class Warns(Tower):
        said: object = "look twice"

        def warnings(self) -> list[str]:
            return list(self.said) if self.said is None else self.said  # type: ignore

    for ranker in (leaves := Leaves(), warns := Warns()):
        ranker.fit(material(dataset))
    with pytest.raises(VbenchError, match=r"ranker mine failed in score \(SystemExit: no GPU"):
        score(stage, leaves, "mine")
    assert score(stage, warns, "mine").warnings == ("look twice",)
    warns.said = None
    with pytest.raises(VbenchError, match=r"ranker mine failed in warnings \(TypeError"):
        score(stage, warns, "mine")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that doubles the similarity."""
    path = tmp_path / "double it.py"
    path.write_text(DOUBLE)
    return path


def test_a_command_reads_and_writes_parquet(program: Path, stage: Stage, dataset: Dataset) -> None:
    """Twice the similarity ranks as the similarity does; a path with a space is no trouble."""
    command, tower = Command(f"{sys.executable} '{program}'"), Tower()
    for each in (command, tower):
        each.fit(material(dataset))
    ours, theirs = score(stage, tower, "tower"), score(stage, command, "command")
    np.testing.assert_allclose(theirs.scores, 2 * ours.scores)
    np.testing.assert_allclose(theirs.exact["nDCG@10"], ours.exact["nDCG@10"])


def test_the_paths_stand_where_the_command_wants_them(program: Path, dataset: Dataset) -> None:
    """{input} and {output} are replaced inside the words."""
    command = Command(f"{sys.executable} '{program}' {{input}} {{output}}")
    command.fit(material(dataset))
    assert command.score(np.array([0]), np.array([[1, 1, 2]])).shape == (1, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys; print('out of memory'); sys.exit(3)", "ended with 3: out of memory"),
        ("pass", "wrote no scores"),
        (DOUBLE.replace("* 2", "* float('nan')"), r"the ranker command .*\{output\}.* is nan"),
        (DOUBLE.replace('rows.select', 'rows.head(1).select'), "pairs lack one"),
        (DOUBLE.replace('"doc_id",', ''), "no column 'doc_id'"),
    ],
)  # fmt: skip
def test_a_command_that_fails_says_why(
    tmp_path: Path, dataset: Dataset, text: str, message: str
) -> None:
    """Its exit code and last words, no output, NaN, pairs without a score, a missing column."""
    path = tmp_path / "bad.py"
    path.write_text(text)
    command = Command(f"{sys.executable} {path}")
    command.fit(material(dataset))
    with pytest.raises(VbenchError, match=message):
        command.score(np.array([0, 1]), np.array([[1, 2], [3, 4]]))


def test_a_command_that_is_none_is_refused(dataset: Dataset) -> None:
    """Nothing at all, an open quote, a program that does not exist."""
    with pytest.raises(VbenchError, match="names no program"):
        resolve("command:")
    with pytest.raises(VbenchError, match="No closing quotation"):
        resolve("command:python 'open")
    command = Command("/no/such/program")
    command.fit(material(dataset))
    with pytest.raises(VbenchError, match="cannot be started"):
        command.score(np.array([0]), np.array([[1]]))


def test_a_command_is_called_once_for_a_pair(
    tmp_path: Path, program: Path, dataset: Dataset
) -> None:
    """A repeated candidate is asked for once."""
    watch = tmp_path / "watch.py"
    watch.write_text(DOUBLE + f"\nrows.write_parquet({str(tmp_path / 'seen.parquet')!r})\n")
    command = Command(f"{sys.executable} {watch}")
    command.fit(material(dataset))
    command.score(np.array([4]), np.array([[7, 7, 7, 8]]))
    assert pl.read_parquet(tmp_path / "seen.parquet")["doc_id"].to_list() == [7, 8]
