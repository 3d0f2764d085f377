"""What charts and tables call a measure is a name that can be typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from render.made_run import make_run

from vbench.analysis.gather import gather, match_recall
from vbench.errors import VbenchError
from vbench.measures.grammar import parse
from vbench.render.page.sections.price import settings_table
from vbench.render.page.words import verdict_table
from vbench.render.quantities import QUANTITIES, Quantity

K = 10
_OTHERS = {"index", "setting", "R-δ"}
"""Heads of columns that are no measure: R-δ is whatever the slider says."""


def read(head: str) -> object:
    """The measure of a head, whose K stands over the table."""
    try:
        return parse(head)
    except VbenchError:
        return parse(f"{head}@{K}")


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda each: each.key)
def test_a_quantity_has_the_words_of_its_measure(quantity: Quantity) -> None:
    """Title, head, unit and direction; and the head is one of its spellings."""
    measure = parse(quantity.name(K))
    assert (quantity.title, quantity.short) == (measure.label, measure.short)
    assert (quantity.unit, quantity.better) == (measure.unit, measure.better)
    at = "" if measure.cutoff is None else f"@{K}"
    assert parse(quantity.short + at) == measure


def test_every_head_of_the_pages_tables_can_be_typed(tmp_path: Path) -> None:
    """Columns of the verdict and of all settings."""
    panel = gather(make_run(tmp_path, m=60)).panels[0]
    tables = (verdict_table(panel, match_recall(panel)), settings_table(panel))
    heads = {column.title for table in tables for column in table.columns}
    assert heads >= _OTHERS
    measures = [read(head) for head in heads - _OTHERS]
    assert len(measures) > 10
