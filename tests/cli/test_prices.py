"""The table of costs says what its numbers are of."""

from __future__ import annotations

from typing import Any

import pytest

from vbench.render.terminal.run import _price

VALUE = {"value": 0.5, "low": None, "high": None, "spread": None}
NAMES = ("QPS", "Latency(p=50)", "Latency(p=99)", "BatchQPS")
REST = ("Work", "BuildTime", "IndexSize", "PeakMemory")


def row(disturbed: int) -> dict[str, Any]:
    measures = dict.fromkeys((*NAMES, *REST), VALUE)
    named: dict[str, Any] = {"index": "hnsw", "build": {}, "setting": {}, "builds": 1, "space": ""}
    return named | {"measures": measures, "disturbed": disturbed}


@pytest.mark.parametrize(("repeats", "head"), [(1, "QPS"), (3, "QPS (best of 3)")])
def test_throughput_is_headed_by_what_it_is_the_best_of(repeats: int, head: str) -> None:
    """Latency is not: it is of single calls."""
    heads = [column.header for column in _price([row(0)], 10, repeats).columns]
    assert head in heads
    assert "p99 latency" in heads


def test_times_of_disturbed_passes_are_marked() -> None:
    """Those of the row, with a line on what the mark means."""
    table = _price([row(1), row(0)], 10, 3)
    marked = [str(cell).endswith("*") for cell in table.columns[-6].cells]
    assert marked == [True, False]
    assert "in every pass" in str(table.caption)
    assert _price([row(0)], 10, 3).caption is None
