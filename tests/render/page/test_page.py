"""Tests of the page as a file: what it holds, and that nothing in a name can break it."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import msgspec
import polars as pl
import pytest
from render.made_run import ODD_NAMES, make_run

from vbench.analysis.gather import gather
from vbench.errors import VbenchError
from vbench.render import frames
from vbench.render.page.page import html, write
from vbench.runs import files
from vbench.runs.run import Run
from vbench.runs.schema import Call, Later, Warn


def scripts_of(page: str) -> list[str]:
    return re.findall(r"<script[^>]*>(.*?)</script>", page, flags=re.DOTALL)


def data_of(page: str) -> dict[str, pl.DataFrame]:
    """The frames inside the page, as a reader would download them."""
    found = re.findall(r'download="(\w+)\.csv".*? href="data:text/csv;charset=utf-8,([^"]*)"', page)
    return {
        name: pl.read_csv(io.StringIO(unquote(unescape(text))), infer_schema_length=None)
        for name, text in found
    }


def test_the_page_asks_nothing_of_the_network(tmp_path: Path) -> None:
    """No element loads from anywhere, and a policy in the page forbids it."""
    page = html(make_run(tmp_path, m=40))
    without_library = re.sub(r"<script>/\*!.*?</script>", "", page, flags=re.DOTALL)
    without_links = re.sub(r'<a href="https?:[^"]*"', "<a", without_library)
    assert not re.search(r'\s(src|href)="(?!#|data:)', without_links)
    assert "default-src 'none'" in page


def test_definitions_lead_to_their_sources(tmp_path: Path) -> None:
    """An address in a fact is a link that says nothing of where it was clicked."""
    page = html(make_run(tmp_path, m=40))
    links = re.findall(r'<a href="(https?:[^"]*)" rel="([^"]*)"', page)
    assert any("arxiv.org/abs/2507.00379" in address for address, _ in links)
    assert all("noreferrer" in rel for _, rel in links)


def test_names_are_not_broken_at_their_hyphens(tmp_path: Path) -> None:
    """In sentences a name stays on one line where the line has room for it."""
    page = html(make_run(tmp_path, m=40))
    assert '<span class="whole">ivf-flat</span>' in page


def test_the_downloads_are_the_frames(tmp_path: Path) -> None:
    """What the charts draw from is what the functions return."""
    run = make_run(tmp_path, m=40)
    data = data_of(html(run))
    curves = frames.curves(gather(run).panels[0])
    assert data["curves"]["robustness"].to_list() == pytest.approx(curves["robustness"].to_list())
    assert data["curves"]["id"].to_list() == curves["id"].to_list()
    assert {"settings", "histogram", "builds", "segments", "overlap", "efforts"} <= data.keys()


def test_odd_names_stay_text(tmp_path: Path) -> None:
    """Quotes, markup, braces and commas in names are shown, never obeyed."""
    run = make_run(tmp_path, m=40, names=ODD_NAMES, settings=1, builds=1)
    page = html(run)
    assert "<script>alert" not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    plain = html(make_run(tmp_path / "plain", m=40, settings=1, builds=1))
    assert len(scripts_of(page)) == len(scripts_of(plain))
    assert data_of(page)["settings"]["index"].to_list() == list(ODD_NAMES)
    for script in scripts_of(page):
        if script.startswith("{"):
            json.loads(script)


def test_no_control_character_is_on_the_page(tmp_path: Path) -> None:
    """They are shown as escapes, those that turn a line around too; data stay what they are."""
    name = "a\x1b[31m\u202eb\x9b"
    page = html(make_run(tmp_path, m=40, names=(name, "plain"), settings=1, builds=1))
    assert not set(page) & set("\x1b\u202e\x9b")
    assert r"a\x1b[31m\u202eb\x9b" in page
    assert data_of(page)["settings"]["index"].to_list() == [name, "plain"]


def test_a_log_of_a_failed_index_is_shown_as_text(tmp_path: Path) -> None:
    """The reason stands at the top, with the worker's last lines."""
    page = html(make_run(tmp_path, m=40, failed=(0,)))
    assert "hnsw: 9 failed trials." in page
    assert "segmentation fault" in page
    assert "last &lt;words&gt;" in page


def test_warnings_stand_before_the_results(tmp_path: Path) -> None:
    """Nobody can read the verdict without having passed them."""
    warning = Warn("unstable ids", "3 of 40 queries <changed>", "it matters", "fix it")
    page = html(make_run(tmp_path, m=40, warnings=[warning]))
    place = page.index("3 of 40 queries &lt;changed&gt;")
    assert page.index("Before you trust these numbers") < place
    assert place < page.index("mean recall, about")


def test_a_run_of_which_nothing_is_finished_says_so(tmp_path: Path) -> None:
    """The page holds, with what is planned and how to go on."""
    page = html(make_run(tmp_path, m=40, pending=18))
    assert "none of the 18 planned trials has left a result" in page
    assert "How it was measured" in page


def test_an_unfinished_run_shows_what_there_is(tmp_path: Path) -> None:
    """Pending trials are counted at the top."""
    page = html(make_run(tmp_path, m=40, pending=4))
    assert "4 failed trials" in page
    assert "not reached" in page


@pytest.mark.parametrize(
    "kind",
    [
        {"latency": False},
        {"segments": False},
        {"names": ("one",)},
        {"names": ("one",), "settings": 1, "builds": 1},
        {"names": tuple(f"index {n}" for n in range(30)), "settings": 1, "builds": 1},
        {"ks": (1, 10, 100), "hardness": True},
        {"m": 1},
        {"m": 2, "builds": 1},
    ],
    ids=str,
)
def test_the_page_holds_whatever_the_run(tmp_path: Path, kind: dict) -> None:  # type: ignore[type-arg]
    """Every shape of a run gives a page whose charts have their data."""
    page = html(make_run(tmp_path, **{"m": 40, **kind}))
    data = data_of(page)
    for script in scripts_of(page):
        if script.startswith("{") and "params" in script:
            named = re.findall(r'"data": {"name": "(\w+)"}', script)
            assert set(named) <= data.keys()


def test_several_runs_share_a_page(tmp_path: Path) -> None:
    """Each run's machine and command stand at the bottom."""
    runs = [make_run(tmp_path / name, m=40) for name in ("before", "after")]
    page = html(runs)
    assert "The run before" in page
    assert "The run after" in page
    assert page.count("hnsw · before") > 1


def test_the_calls_that_made_the_run_are_on_it(tmp_path: Path) -> None:
    """The first and the later ones, each from any folder, with paths that are found there."""
    folder = tmp_path / "else where"
    folder.mkdir()
    (folder / "base.npy").write_text("")
    run = make_run(tmp_path / "run", m=40)
    argv = ["run", "--index", "a b", "--dataset", "base.npy", "--set", "M=4"]
    later = Later(at="2026", call=Call(python="vbench.run(data, ['flat'])"))
    made = Call(argv=argv, folder=str(folder))
    changed = msgspec.structs.replace(run.manifest, call=made, later=[later])
    files.write_manifest(run.path, changed)
    page = unescape(html(Run(run.path)))
    command = f"vbench run --index 'a b' --dataset '{folder}/base.npy' --set M=4"
    assert f"cd '{folder}' && {command}" in page
    assert "vbench.run(data, ['flat'])" in page


def test_writing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """A folder that cannot be written to is a message for a person."""
    run = make_run(tmp_path / "run", m=40)
    path = write(run, tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    (tmp_path / "file").write_text("")
    with pytest.raises(VbenchError, match="cannot"):
        write(run, tmp_path / "file" / "page.html")
    with pytest.raises(VbenchError, match=r"new is a folder; give a file, such as .*report\.html"):
        write(run, tmp_path / "new")


def test_a_damaged_trial_is_named(tmp_path: Path) -> None:
    """The message says which file, and what to do."""
    run = make_run(tmp_path, m=40)
    broken = next((tmp_path / "trials").glob("*.parquet"))
    broken.write_bytes(b"not parquet")
    with pytest.raises(VbenchError, match=re.escape(broken.name)):
        html(Run(run.path))


def test_the_page_opens_at_the_delta_that_is_asked_for(tmp_path: Path) -> None:
    """In the slider, the charts, the first table and the words; hundredths alone."""
    run = make_run(tmp_path / "run", m=40)
    text = html(run, delta=0.8)
    assert 'data-set="delta" min="0" max="100" step="1" value="80"' in text
    assert "(Robustness-0.8)" in text
    assert {"name": "delta", "value": 80} in json.loads(
        re.findall(r'<script type="application/json">(.*?)</script>', text)[0]
    )["params"]
    for delta in (0, 0.855, 1.2, float("nan")):
        with pytest.raises(VbenchError, match="in hundredths"):
            write(run, tmp_path / "report.html", delta=delta)


def test_what_several_runs_warn_of_alike_is_said_once(tmp_path: Path) -> None:
    """Of one machine, say."""
    warning = Warn("old kernel", "BLAS runs an old kernel", "times are off", "a newer release")
    runs = [make_run(tmp_path / name, m=40, warnings=[warning]) for name in ("one", "two")]
    assert html(runs).count("BLAS runs an old kernel") == 1
