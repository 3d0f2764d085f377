"""The table of costs says what its numbers are of."""

from __future__ import annotations

import pytest

from vbench._document import Estimated, Interval
from vbench.analysis.summary import SummaryRow, Tail, standard_measures
from vbench.render.terminal.run import _cost


def row(disturbed: int) -> SummaryRow:
    measures = {str(each): Estimated(0.5) for each in standard_measures(10)}
    tail = Tail(delta=0.9, persistent=Interval(0.0), build_dependent=Interval(0.0))
    return SummaryRow(
        name="hnsw",
        index="hnsw",
        build={},
        setting={},
        k=10,
        builds=1,
        disturbed=disturbed,
        measures=measures,
        tail=tail,
    )


@pytest.mark.parametrize(("repeats", "head"), [(1, "QPS"), (3, "QPS (best of 3)")])
def test_throughput_is_headed_by_what_it_is_the_best_of(repeats: int, head: str) -> None:
    """Latency is not: it is of single calls."""
    heads = [column.header for column in _cost([row(0)], 10, repeats).columns]
    assert head in heads
    assert "p99" in heads


def test_times_of_disturbed_passes_are_marked() -> None:
    """Those of the row, with a line on what the mark means."""
    table = _cost([row(1), row(0)], 10, 3)
    marked = [str(cell).endswith("*") for cell in table.columns[2].cells]
    assert marked == [True, False]
    assert "in every pass" in str(table.caption)
    assert _cost([row(0)], 10, 3).caption is None
