"""The notebooks of the guides run as they stand there, and become pages."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# What Jupyter says of itself is no fault of ours.
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_runs_and_shows_what_it_was_saved_with(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cell fails, and each shows the same kinds of output: tables, text, pictures."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    saved = nbformat.read(path, as_version=4)
    again = nbformat.read(path, as_version=4)
    NotebookClient(again, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for before, after in zip(saved.cells, again.cells, strict=True):
        if before.cell_type == "code":
            assert before.execution_count == after.execution_count
            shown = [[_kinds(each) for each in cell.outputs] for cell in (before, after)]
            assert shown[0] == shown[1]


def _kinds(output: nbformat.NotebookNode) -> tuple[str, list[str]]:
    return output.output_type, sorted(output.get("data", {}))


def test_the_page_of_a_notebook_holds_its_cells_and_outputs() -> None:
    """Text stays Markdown, code stands in fences, tables and pictures below it."""
    spec = importlib.util.spec_from_file_location("pages", ROOT / "scripts" / "docs_pages.py")
    assert spec is not None
    assert spec.loader is not None
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    page = pages.convert(json.loads((ROOT / "docs" / "notebooks" / "tour.ipynb").read_text()))
    assert page.startswith("# A tour of vbench")
    assert "```python\nrun = vbench.run(" in page
    assert "<td>Clusters</td>" in page
    assert 'width="420" src="data:image/png;base64,' in page
