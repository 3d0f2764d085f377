"""The data behind chart, figure and table of ages: each setting at each search of a workload."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import polars as pl

from vbench._document import Interval
from vbench.analysis.ageing import AgedRow, AgeFacts, HalfLife
from vbench.analysis.gather import Panel
from vbench.analysis.summary import ageing_of
from vbench.numbers import Unit, write
from vbench.runs.settings import Setting
from vbench.runs.views import label_view

SHOWN: tuple[tuple[str, str, str, Unit], ...] = (
    ("reach_90", "Robustness(delta=0.9)@{k}", "queries with recall ≥ 0.9", "share"),
    ("mean_recall", "Recall@{k}", "mean recall", "score"),
    ("zero_recall", "Failure@{k}", "zero-recall queries", "share"),
    ("work", "Work", "distances a query", "count"),
)
"""Key, measure, words and unit of what chart and figure show of an age."""
MOVED: tuple[tuple[str, str], ...] = (
    ("fallen", "queries that fell below 0.9"),
    ("recovered", "queries that recovered"),
)
"""Fields of a row that are shown too: shares of the queries, with their words."""
UNITS: Mapping[str, Unit] = {key: unit for key, _, _, unit in SHOWN} | {
    key: "share" for key, _ in MOVED
}
WORDS: Mapping[str, str] = {key: words for key, _, words, _ in SHOWN} | dict(MOVED)
"""What an axis says of each."""

Axis = Literal["replaced", "vectors", "step"]
AXES: Mapping[Axis, str] = {
    "replaced": "share of the vectors that were replaced",
    "vectors": "vectors in the index",
    "step": "step of the workload",
}
"""What ages differ in, and how an axis says it."""


class Aged(NamedTuple):
    """A row of the summary, the setting that the page shows for it, and what the index held.

    `under` is the filter of all of it, in words. `fresh` is the mean recall at the first search,
    and `life` the half-life of the setting, where there is one.
    """

    workload: str
    under: str
    row: AgedRow
    title: str
    shown: Setting | None
    age: AgeFacts
    axis: Axis
    fresh: float | None
    life: HalfLife | None

    @property
    def variant(self) -> str:
        """The index with the build parameters that tell it from others, and its filter."""
        name = self.row.index if self.shown is None else str(self.shown.variant)
        return f"{name} {self.under}".rstrip()

    @property
    def label(self) -> str:
        """The parameters that tell it from other settings of its index."""
        space = f" ({self.row.space})" if self.row.space else ""
        return self.row.name.removeprefix(self.row.index + space).strip()

    @property
    def label_age(self) -> str:
        """Its age, as a table says it."""
        if self.axis == "replaced":
            return f"{write(self.age.replaced_share, 'share')} replaced"
        return label_age(self.age)

    @property
    def at(self) -> float:
        """Its place on the axis."""
        if self.axis == "replaced":
            return self.age.replaced_share
        return self.age.live if self.axis == "vectors" else self.age.step


def label_age(age: AgeFacts) -> str:
    """What happened until a search, as a table says it."""
    parts = [f"{write(age.replaced_share, 'share')} replaced"] if age.replaced else []
    if age.inserted or age.deleted or not parts:
        parts.append(f"{age.live:,} vectors")
    return ", ".join(parts)


def find_axis(ages: Sequence[AgeFacts]) -> Axis:
    """What orders some ages: what was replaced, how many vectors there are, or only the step."""
    live = [each.live for each in ages]
    if any(each.replaced for each in ages):
        return "replaced" if len(set(live)) == 1 else "step"
    return "vectors" if sorted(set(live)) == live else "step"


def rows_of(panel: Panel) -> Iterator[Aged]:
    """Every setting of the runs of a panel whose base changes, at each age."""
    known = {_key(each): shown for shown in panel.settings for each in (shown, *shown.others)}
    titles = {shown.index: shown.title for shown in panel.settings}
    for run in dict.fromkeys(shown.run for shown in panel.settings):
        for found in ageing_of(run):
            ages = {each.step: each for each in found.ages}
            axis = find_axis(found.ages)
            lives = {each.name: each for each in found.half_lives if each.k == panel.k}
            first: dict[str, float | None] = {}
            for row in found.settings:
                if row.k != panel.k:
                    continue
                fresh = first.setdefault(row.name, row.measures[f"Recall@{panel.k}"].value)
                key = run.path, row.index, repr(row.build), repr(row.setting)
                yield Aged(
                    found.workload,
                    label_view(found.filter, found.mask),
                    row,
                    titles.get(row.index, row.index),
                    known.get(key),
                    ages[row.step],
                    axis,
                    fresh,
                    lives.get(row.name),
                )


def _key(shown: Setting) -> tuple[object, ...]:
    return shown.run.path, shown.index, repr(shown.build), repr(shown.search)


@functools.lru_cache(maxsize=16)
def ages(panel: Panel) -> pl.DataFrame:
    """A row for each setting and age; `at` is its place on the axis of its workload.

    `recall` is the mean recall at the first search, by which a setting is chosen.
    """
    every = list(rows_of(panel))
    return pl.DataFrame(
        [_row(panel, each, place) for place, each in enumerate(every)], infer_schema_length=None
    )


def _row(panel: Panel, each: Aged, place: int) -> dict[str, object]:
    row = each.row
    found: dict[str, object] = {
        "id": "" if each.shown is None else each.shown.id,
        "panel": panel.id,
        "index": each.title,
        "family": each.variant,
        "name": f"{row.name} {each.under}".rstrip(),
        "order": place,
        "workload": each.workload,
        "step": row.step,
        "live": each.age.live,
        "replaced_share": each.age.replaced_share,
        "at": each.at,
        "recall": each.fresh,
    }
    told: dict[str, Interval | None] = {
        key: Interval(of.value, of.low, of.high)
        for key, name, _, _ in SHOWN
        for of in [row.measures[name.format(k=panel.k)]]
    } | {key: getattr(row, key) for key, _ in MOVED}
    for key, of in told.items():
        of = of or Interval(None)
        found |= {key: of.value, f"{key}_low": of.low, f"{key}_high": of.high}
    found["half_life"] = None if each.life is None else each.life.share.value
    return found
