"""The data behind charts and tables of loads: each setting alone, and as it was asked otherwise."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import polars as pl

from vbench.analysis.gather import Panel
from vbench.analysis.summary import summarize_setting
from vbench.numbers import Unit
from vbench.runs.loads import describe_load, label_load
from vbench.runs.settings import Setting
from vbench.runs.under_load import find_loaded

ALONE = "alone"
"""What the usual load is called beside others."""
SHOWN: tuple[tuple[str, str, str, Unit], ...] = (
    ("qps", "QPS", "answers a second", "rate"),
    ("p50_latency", "Latency(p=50)", "median latency", "seconds"),
    ("p99_latency", "Latency(p=99)", "99th percentile of latency", "seconds"),
)
"""Key, measure, words and unit of what is shown of a load."""
ALONG = (
    ("clients", "clients at once"),
    ("batch", "queries in a call"),
    ("rate", "queries a second"),
)
"""What loads differ in, and how an axis says it."""


@functools.lru_cache(maxsize=16)
def loads(panel: Panel) -> pl.DataFrame:
    """A row for each setting and load, once `along` each axis that it lies on, `at` its value.

    `qps` is answers by wall time everywhere, alone too, so that it may be compared.
    """
    rows = [row for shown in panel.settings for row in _rows(shown)]
    return pl.DataFrame(rows, infer_schema_length=None)


def _rows(shown: Setting) -> Iterator[dict[str, object]]:
    loaded = find_loaded([shown])
    if not loaded:
        return
    along = {axis for each in loaded for axis, _ in _places(each)}
    for axis in ("clients", "batch"):
        if axis in along:
            yield _row(shown, shown, axis, 1)
    for each in loaded:
        for axis, at in _places(each):
            yield _row(shown, each, axis, at)


def _places(setting: Setting) -> Iterator[tuple[str, float]]:
    """The axes that a load lies on: where only that value is not the usual one."""
    load = setting.load
    if load.rate is not None:
        yield "rate", load.rate
    elif load.batch is None:
        yield "clients", load.clients
    elif load.clients == 1:
        yield "batch", load.batch


def _row(shown: Setting, setting: Setting, axis: str, at: float) -> dict[str, object]:
    found = summarize_setting(setting).measures
    load = describe_load(setting.load)
    row: dict[str, object] = {
        "id": shown.id,
        "asked": label_load(setting.load) or ALONE,
        "along": axis,
        "at": at,
        "clients": setting.load.clients,
        "rate": None if load is None else load.rate,
        "batch": None if load is None else load.batch,
    }
    for key, measure, _, _ in SHOWN:
        row[key] = found[measure].value
    row["qps"] = answers_a_second(setting)
    return row


def answers_a_second(setting: Setting) -> float | None:
    """Answers by wall time of all passes, mean over builds; None where that was not recorded."""
    run, found = setting.run, []
    for trial in setting.trials:
        walls = [each.wall_s for each in run.facts(trial).passes]
        known = [wall for wall in walls if wall]
        if not known or len(known) < len(walls):
            return None
        found.append(run.manifest.dataset.m * len(known) / sum(known))
    return float(np.mean(found))
