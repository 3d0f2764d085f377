"""A study end to end: runs, figures, tables, and going on where it stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from vectors import gaussian_pair

from vbench.analysis.study import StudyResult
from vbench.cli import main
from vbench.runs.run import Run

STUDY = """
title = "A small study"
[[parts]]
name = "sweep"
dataset = "{data}"
indexes = ["tunable:Kept", "flat"]
k = [2, 5]
builds = 2
repeats = 1
settings = {{ keep = [16, 48] }}
[[parts]]
name = "equal"
dataset = "{data}"
indexes = ["tunable:Kept"]
k = [5]
builds = 1
repeats = 1
at_recall = 0.5
[[figures]]
name = "measures"
parts = ["equal"]
draw = "measures"
[[figures]]
name = "against"
parts = ["sweep"]
draw = "robustness_against_recall"
arguments = {{ delta = 0.5 }}
[[figures]]
name = "effect"
parts = ["sweep"]
draw = "parameter_effect"
arguments = {{ index = "flat" }}
[[tables]]
name = "all"
parts = ["sweep", "equal"]
measures = ["Recall@K", "Robustness(delta=0.5)@K", "QPS"]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    data = tmp_path / "made.npz"
    base, queries = gaussian_pair(400, 40, 6)
    np.savez(data, base=base, queries=queries, metric="l2")
    path = tmp_path / "small.toml"
    path.write_text(STUDY.format(data=data))
    return path


def test_a_study_is_measured_drawn_tabled_and_resumed(study: Path, tmp_path: Path) -> None:
    """One command; given again it measures nothing."""
    arguments = ["run", "--study", str(study), "--out", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    result = StudyResult.from_json(done.stdout)
    assert result.schema == "vbench.study/2"
    assert [run.part for run in result.runs] == ["sweep", "equal"]
    names = {Path(path).name for path in result.figures}
    assert {"measures-made-k5.png", "against-made-k2.svg", "against-made-k5.png"} <= names
    assert all(Path(path).stat().st_size > 1000 for path in result.figures)
    assert len(result.undrawn) == 2
    assert all("no numeric search parameter" in reason for reason in result.undrawn)
    frame = pl.read_csv(tmp_path / "out" / "tables" / "all.csv")
    sweep = frame.filter(pl.col("part") == "sweep")
    assert sorted(sweep["k"].unique()) == [2, 5]
    assert set(frame["measure"]) == {"Recall", "Robustness(delta=0.5)", "QPS"}
    assert len(sweep) == 2 * 3 * 3
    rows = result.tables["all"]
    assert frame["value"].to_list() == pytest.approx([row.value for row in rows])
    assert rows[0].missing == 0
    assert (tmp_path / "out" / "report.html").is_file()
    trials = sorted((tmp_path / "out" / "runs").rglob("trials/*.parquet"))
    before = [path.stat().st_mtime_ns for path in trials]
    again = CliRunner().invoke(main, arguments[:-1])
    assert again.exit_code == 0, again.output
    assert "A small study" in again.output
    assert [path.stat().st_mtime_ns for path in trials] == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--study", "robustness", "--builds", "5"], "--builds does not go with --study"),
        (["--study", "robustness", "--index", "hnsw"], "--index does not go with --study"),
        (["--study", "robustnes"], "did you mean 'robustness'"),
        ([], "give --index"),
    ],
)
def test_a_wrong_call_is_refused(arguments: list[str], says: str) -> None:
    """What the study's file decides is not for the command line."""
    done = CliRunner().invoke(main, ["run", *arguments])
    assert done.exit_code == 2
    assert says in done.output


def test_a_part_may_take_queries_aside_to_learn_from(tmp_path: Path) -> None:
    """The other parts ask them all."""
    base, queries = gaussian_pair(400, 40, 6)
    np.savez(tmp_path / "made.npz", base=base, queries=queries, metric="l2")
    part = 'name = "{}"\ndataset = "{}"\nindexes = ["{}"]\nk = [2]\nbuilds = 1\nrepeats = 1\n{}'
    parts = [
        part.format(name, tmp_path / "made.npz", index, more)
        for name, index, more in (("all", "flat", ""), ("some", "learners:Needs", "learn = 15"))
    ]
    path = tmp_path / "small.toml"
    path.write_text('title = "Learn"\n' + "".join(f"[[parts]]\n{each}\n" for each in parts))
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["run", "--study", str(path), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    runs = [Run(Path(each.run)) for each in StudyResult.from_json(done.stdout).runs]
    assert [run.manifest.dataset.m for run in runs] == [40, 25]
    path.write_text(path.read_text().replace("learners:Needs", "flat"))
    refused = CliRunner().invoke(main, ["run", "--study", str(path), "--out", str(out)])
    assert (refused.exit_code, "part some-made: --learn: nothing would use" in refused.output) == (
        *(2, True),
    ), refused.output


def test_a_part_may_ask_under_filters(study: Path, tmp_path: Path) -> None:
    """Its tables have a row for each filter, over its masks, and the column that names it."""
    data = tmp_path / "made.npz"
    path = tmp_path / "filters.toml"
    path.write_text(
        f"""
title = "Filters"
[[parts]]
name = "filters"
dataset = "{data}"
indexes = ["flat"]
k = [5]
builds = 1
repeats = 1
filters = ["random:0.5"]
masks = 2
[[tables]]
name = "all"
parts = ["filters"]
measures = ["Recall@K", "FilterSetup"]
"""
    )
    arguments = ["run", "--study", str(path), "--out", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    frame = pl.read_csv(tmp_path / "out" / "tables" / "all.csv")
    assert frame["filter"].to_list() == [None, None, "random:0.5", "random:0.5"]
    assert frame.filter(pl.col("measure") == "Recall")["value"].to_list() == [1.0, 1.0]
    setups = frame.filter(pl.col("measure") == "FilterSetup")["value"].to_list()
    assert setups[0] is None
    assert setups[1] > 0


def test_a_part_may_change_its_base_and_ask_under_load(study: Path, tmp_path: Path) -> None:
    """Its tables have a row for each age, or for each load, and the columns that say which."""
    data = tmp_path / "made.npz"
    part = """[[parts]]
name = "{}"
dataset = "{}"
indexes = ["ivf-flat"]
k = [5]
builds = 1
repeats = 1
settings = {{ nprobe = [4] }}
{}
"""
    path = tmp_path / "aged.toml"
    path.write_text(
        'title = "Ages"\n'
        + part.format("old", data, 'workload = "growth:0.5"')
        + part.format("asked", data, "batch = [10]")
        + """[[figures]]
name = "ages"
parts = ["old"]
draw = "by_age"
[[tables]]
name = "all"
parts = ["old", "asked"]
measures = ["Recall@K", "Work"]
"""
    )
    out = tmp_path / "out"
    arguments = ["run", "--study", str(path), "--out", str(out)]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    frame = pl.read_csv(out / "tables" / "all.csv").filter(pl.col("measure") == "Recall")
    assert frame["workload"].to_list() == ["growth:0.5"] * 5 + ["static"] * 2
    assert frame["live"].to_list() == [200, 250, 300, 350, 400, None, None]
    assert frame["load"].to_list() == [None] * 6 + ["batch=10"]
    ages = [row.age for row in StudyResult.from_json(done.stdout).tables["all"][::2]]
    assert [each.step if each else None for each in ages] == [1, 3, 5, 7, 9, None, None]
    assert (out / "figures" / "ages-made-k5.png").stat().st_size > 1000
    assert "At every age" in (out / "report.html").read_text(encoding="utf-8")
    shown = CliRunner().invoke(main, arguments)
    assert "growth:0.5: 250 vectors" in shown.output
    path.write_text(path.read_text().replace("growth:0.5", "growth"))
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code == 2
    assert "part old-made: --workload" in refused.output or "'growth'" in refused.output


def test_a_part_may_ask_some_queries_only(study: Path, tmp_path: Path) -> None:
    """As many at most as its key says, drawn by its seed; the page and the manifest say so."""
    text = study.read_text().partition("[[figures]]")[0]
    study.write_text(
        text.replace('name = "equal"', 'name = "equal"\nqueries_at_most = 9\nseed = 2')
    )
    out = tmp_path / "done"
    result = CliRunner().invoke(main, ["run", "--study", str(study), "--out", str(out)])
    assert result.exit_code == 0, result.output
    drawn = {
        path.name: Run(path).manifest.dataset.queries_at_most for path in (out / "runs").iterdir()
    }
    some = {name for name, each in drawn.items() if each is not None}
    assert {name.partition("-")[0] for name in some} == {"equal"}
    assert drawn[some.pop()]["count"] == 9
    assert "(drawn by seed 2)" in (out / "report.html").read_text(encoding="utf-8")


def test_a_part_may_take_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes of the catalog that fit the data and can be tuned, beside those that are named."""
    from vbench.data.load import load
    from vbench.study import carry
    from vbench.study.file import INSTALLED, Part

    base, queries = gaussian_pair(200, 20, 6)
    np.savez(tmp_path / "made.npz", base=base, queries=queries, metric="l2")
    data = load(tmp_path / "made.npz")
    part = Part(name="field", dataset="made", indexes=["flat", INSTALLED])
    found = carry._with_installed(part, data).indexes
    assert found[0] == "flat"
    assert {"hnsw", "ivf-flat", "nsg"} <= set(found)
    assert len(found) == len(set(found))
    monkeypatch.setattr(carry, "is_installed", lambda kind: False)
    assert carry._with_installed(part, data).indexes == ["flat"]
