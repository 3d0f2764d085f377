"""The data behind chart, figure and table of filters: each setting without and under each."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from vbench.analysis.filters import FilteredRow, FilterFacts
from vbench.analysis.gather import Panel
from vbench.analysis.summary import filtering_of
from vbench.numbers import Unit, write
from vbench.runs.settings import Setting
from vbench.runs.views import WHOLE

SHOWN: tuple[tuple[str, str, str, Unit], ...] = (
    ("reach_90", "Robustness(delta=0.9)@{k}", "queries with recall ≥ 0.9", "share"),
    ("mean_recall", "Recall@{k}", "mean recall", "score"),
    ("zero_recall", "Failure@{k}", "zero-recall queries", "share"),
)
"""Key, measure, words and unit of what chart and figure show."""
ACROSS = {
    "selectivity": "share of the base that passes",
    "correlation": "correlation of filter and query",
}
"""What filters differ in, and how an axis says it."""


class Filtered(NamedTuple):
    """A row of the summary, the setting that the page shows for it, and facts of its filter.

    The setting is the same without a filter; None where there was none, as where each view was
    brought to its own recall.
    """

    row: FilteredRow
    title: str
    shown: Setting | None
    facts: FilterFacts | None

    @property
    def label(self) -> str:
        """The parameters that tell it from other settings of its index."""
        space = f" ({self.row.space})" if self.row.space else ""
        return self.row.name.removeprefix(self.row.index + space).strip()


def rows_of(panel: Panel) -> Iterator[Filtered]:
    """Every setting of the runs of a panel that have filters, without and under each of them."""
    known = {_key(each): shown for shown in panel.settings for each in (shown, *shown.others)}
    titles = {shown.index: shown.title for shown in panel.settings}
    for run in dict.fromkeys(shown.run for shown in panel.settings):
        found = filtering_of(run)
        if found is None:
            continue
        facts = {each.filter: each for each in found.filters}
        for row in found.settings:
            if row.k == panel.k:
                key = run.path, row.index, repr(row.build), repr(row.setting)
                own = None if row.view is None else facts[row.view.filter or ""]
                yield Filtered(row, titles.get(row.index, row.index), known.get(key), own)


def _key(shown: Setting) -> tuple[object, ...]:
    return shown.run.path, shown.index, repr(shown.build), repr(shown.search)


@functools.lru_cache(maxsize=16)
def filtered(panel: Panel) -> pl.DataFrame:
    """A row for each setting and filter, `filter` being `none` without one.

    `recall` is the mean recall by which a setting is chosen: that without a filter, where it was
    asked without one too.
    """
    every = list(rows_of(panel))
    plain = {_name(each): each.row for each in every if each.facts is None}
    return pl.DataFrame(
        [
            _row(panel, each, plain.get(_name(each), each.row), place)
            for place, each in enumerate(every)
        ],
        infer_schema_length=None,
    )


def _name(each: Filtered) -> tuple[str, str]:
    return each.title, each.row.name


def _row(panel: Panel, each: Filtered, plain: FilteredRow, place: int) -> dict[str, object]:
    row, facts = each.row, each.facts
    found: dict[str, object] = {
        "id": "" if each.shown is None else each.shown.id,
        "panel": panel.id,
        "index": each.title,
        "name": row.name,
        "order": place,
        "filter": WHOLE if facts is None else facts.filter,
        "label": label_filter(facts),
        "selectivity": None if facts is None else facts.selectivity,
        "correlation": None if facts is None else facts.correlation,
        "masks": row.masks,
        "recall": plain.measures[f"Recall@{panel.k}"].value,
    }
    for key, measure, _, _ in SHOWN:
        of = row.measures[measure.format(k=panel.k)]
        found |= {key: of.value, f"{key}_low": of.low, f"{key}_high": of.high}
    return found


def label_filter(facts: FilterFacts | None) -> str:
    """A filter with its share and its correlation, as an axis says it."""
    if facts is None:
        return "no filter"
    share = write(facts.selectivity, "share")
    if facts.correlation is None:
        return f"{facts.filter} ({share})"
    return f"{facts.filter} ({share}, correlation {facts.correlation:.2f})"
