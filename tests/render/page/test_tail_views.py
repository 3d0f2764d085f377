"""The page's table of the tail in every view, against the tail as it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.gather import gather
from vbench.analysis.tail import explain
from vbench.render.page.sections.tail import view_table
from vbench.runs.run import Run
from vbench.runs.schema import View
from vbench.runs.views import open_view

WHOLE = np.array([[0, 10, 10, 10], [0, 10, 9, 10]])
UNDER = np.array([[0, 2, 10, 8], [0, 3, 10, 10]])
CHEAP = View(key="v0", filter="price < 20", kind="expr")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return answered(tmp_path / "run", {"a": {16: WHOLE}}, views={CHEAP: {"a": {16: UNDER}}})


def test_the_page_has_the_tail_of_every_view(run: Run) -> None:
    """The same numbers as `vbench tail`; without a chosen view alone."""
    (panel,) = gather(run).panels
    table = view_table(panel)
    told = explain(run).views
    assert [row.cells[1].text for row in table.rows] == ["none", "price < 20"]
    for row, view in zip(table.rows, told, strict=True):
        (own,) = view.indexes
        assert [cell.value for cell in row.cells[2:6]] == [
            *(own.recall.value, own.under.value),
            *(own.persistent.share, own.build_dependent.share),
        ]
        assert row.pick == panel.settings[0].id
    assert table.rows[1].cells[6].value == 0.25
    (other,) = gather([open_view(run, "price < 20")]).panels
    assert view_table(other).rows == []
