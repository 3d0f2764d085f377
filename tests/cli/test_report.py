"""`vbench report`, as a user types it."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from render.made_run import make_run

from vbench.cli import main
from vbench.runs import files


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


def test_the_page_is_left_in_the_run_folder(tmp_path: Path) -> None:
    """Without a name it lies beside what it shows, and the call says where."""
    make_run(tmp_path / "run", m=40, settings=1)
    result = call(str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"page: {tmp_path / 'run' / 'report.html'}\n"
    assert (tmp_path / "run" / "report.html").stat().st_size < 4_000_000


def test_several_runs_make_one_page_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several runs it belongs to none."""
    monkeypatch.chdir(tmp_path)
    for name in ("before", "after"):
        make_run(tmp_path / name, m=40, settings=1)
    assert call("before", "after").exit_code == 0
    assert "hnsw · before" in Path("report.html").read_text(encoding="utf-8")


def test_figures_and_vectors_are_asked_for(tmp_path: Path) -> None:
    """--png makes the folder; --svg adds SVG and PDF; --json lists every file."""
    make_run(
        tmp_path / "run", m=40, settings=1, names=("one",), segments=False, builds=1, latency=False
    )
    result = call(
        str(tmp_path / "run"), "--html", str(tmp_path / "a.html"), "--png",
        str(tmp_path / "figures"), "--svg", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["schema"] == "vbench.report/2"
    assert document["page"] == str(tmp_path / "a.html")
    assert {Path(name).suffix for name in document["figures"]} == {".png", ".svg", ".pdf"}
    assert all(Path(name).is_file() for name in document["figures"])


def test_svg_without_a_folder_is_a_wrong_call(tmp_path: Path) -> None:
    """Exit code 2, and what is missing."""
    make_run(tmp_path / "run", m=40, settings=1)
    result = call(str(tmp_path / "run"), "--svg")
    assert result.exit_code == 2
    assert "--png DIR" in result.stderr


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    """One line, exit code 2, nothing written."""
    result = call(str(tmp_path))
    assert result.exit_code == 2
    assert "holds no run" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_run_has_a_page_but_no_figures(tmp_path: Path) -> None:
    """The page says that nothing is finished; figures have nothing to show."""
    make_run(tmp_path / "run", m=40, settings=1, pending=6)
    assert call(str(tmp_path / "run")).exit_code == 0
    result = call(str(tmp_path / "run"), "--png", str(tmp_path / "figures"))
    assert result.exit_code == 2
    assert "no trial of the run is finished" in result.stderr


def test_open_shows_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser is given the file's address."""
    shown: list[str] = []
    monkeypatch.setattr("click.launch", shown.append)
    monkeypatch.setattr(webbrowser, "open", shown.append)
    make_run(tmp_path / "run", m=40, settings=1)
    assert call(str(tmp_path / "run"), "--open").exit_code == 0
    assert shown == [(tmp_path / "run" / "report.html").as_uri()]


def test_a_damaged_trial_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command shows the others; a damaged file elsewhere ends it with a line."""
    monkeypatch.chdir(tmp_path)
    make_run(Path("run"), m=40, settings=2)
    path = sorted(Path("run/trials").glob("*.parquet"))[0]
    path.write_bytes(path.read_bytes()[:-50])
    for words in (["report", "run"], ["tail", "run", "-n", "1"], ["compare", "run"]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
        assert result.stderr.count(path.name) == 1
        assert "it is left out here" in result.stderr
    Path("run/ground_truth/static.parquet").write_bytes(b"PAR1")
    result = CliRunner().invoke(main, ["tail", "run"])
    assert (result.exit_code, "static.parquet is damaged" in result.stderr) == (2, True)


def test_settings_that_lack_builds_are_named(tmp_path: Path) -> None:
    """On the terminal, on the page, and as `failed` and `missing` in the document."""
    run = make_run(tmp_path / "run", m=40, settings=1)
    trial = run.manifest.trials[-1]
    files.trial_path(run.path, trial.key).unlink()
    result = call(str(run.path))
    lacks = f"K={trial.k}: 1 of 3 builds missing in "
    assert lacks in " ".join(result.stdout.split())
    assert lacks in (run.path / "report.html").read_text(encoding="utf-8")
    document = json.loads(call(str(run.path), "--json").stdout)
    assert [each["build_number"] for each in document["failed"]] == [2]
    assert [lacks in each for each in document["missing"]] == [True]


def test_tables_for_other_programs(tmp_path: Path) -> None:
    """--table writes every setting as CSV and, with fewer columns, as LaTeX; else it is refused."""
    make_run(tmp_path / "run", m=40, settings=2)
    csv, tex = tmp_path / "t.csv", tmp_path / "t.tex"
    result = call(str(tmp_path / "run"), "--table", str(csv), "--table", str(tex))
    assert result.exit_code == 0, result.output
    head, *rows = csv.read_text().splitlines()
    assert "Recall@10,Recall@10 low,Recall@10 high" in head
    assert tex.read_text().count(r"\\") == 1 + len(rows)
    assert "BuildTime" in head
    assert "BuildTime" not in tex.read_text()
    refused = call(str(tmp_path / "run"), "--table", "t.xlsx")
    assert refused.exit_code == 2
    assert ".csv, .tex or .parquet" in refused.output


def test_the_page_opens_where_it_is_asked_to(tmp_path: Path) -> None:
    """At a recall in hundredths; anything else is one line."""
    make_run(tmp_path / "run", m=40, settings=1)
    assert call(str(tmp_path / "run"), "--delta", "0.8").exit_code == 0
    assert "Robustness-0.8" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    refused = call(str(tmp_path / "run"), "--delta", "1.5")
    assert (refused.exit_code, "delta=1.5" in refused.output) == (2, True), refused.output
