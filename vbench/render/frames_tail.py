"""The data behind the charts of the tail: at every position of the slider, what `tail` computes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import polars as pl

from vbench.analysis.efforts import efforts_at, sweep_of
from vbench.analysis.gather import Panel
from vbench.analysis.hardness import tenths
from vbench.analysis.overlap import count_shared, in_most_builds
from vbench.analysis.segments import Segment, divide, worst_of_each
from vbench.analysis.tail import explain_panel, settings_of
from vbench.measures.curve import reached_by
from vbench.measures.effort import NEVER
from vbench.render.frames import join_parts, steps
from vbench.runs.settings import spell


@functools.lru_cache(maxsize=16)
def segments(panel: Panel) -> pl.DataFrame:
    """Share of the worst segments' queries under δ, with its interval, for tenths of δ.

    At most a dozen of each column, ranked by the highest share that an index leaves under the
    usual δ.
    """
    needs = steps(panel.k)
    parts: list[dict[str, Any]] = []
    worst = worst_of_each(_ranked(panel))
    for column in dict.fromkeys(each.column for each in worst):
        shown = [(place, each) for place, each in enumerate(worst, 1) if each.column == column]
        # The last group holds the queries of the segments that are left out.
        members = np.full(panel.facts.m, len(shown))
        for number, (_, each) in enumerate(shown):
            members[each.inside] = number
        sizes = np.bincount(members)
        for setting in panel.settings:
            found = reached_by(setting.hits, panel.k, members, len(sizes), needs)
            for number, (place, each) in enumerate(shown):
                parts.append(
                    {
                        "id": setting.id,
                        "column": column,
                        "segment": each.segment,
                        "place": place,
                        "queries": int(sizes[number]),
                        "need": needs,
                        "under": 1.0 - found[number].value,
                        "low": 1.0 - found[number].high,
                        "high": 1.0 - found[number].low,
                    }
                )
    return join_parts(parts)


def count_left_out(panel: Panel) -> int:
    """How many segments there are beside those of :func:`segments`."""
    ranked = _ranked(panel)
    return len(ranked) - len(worst_of_each(ranked))


@functools.lru_cache(maxsize=16)
def _ranked(panel: Panel) -> list[Segment]:
    """Every segment, the worst first."""
    highest: dict[tuple[str, str], float] = {}
    for row in (row for index in explain_panel(panel).indexes for row in index.segments):
        name = row.column, row.segment
        highest[name] = max(highest.get(name, 0.0), row.share)
    divided = divide(panel.settings[0].run)
    return sorted(divided, key=lambda each: -highest.get((each.column, each.segment), 0.0))


@functools.lru_cache(maxsize=16)
def overlap(panel: Panel) -> pl.DataFrame:
    """Of the queries that one index leaves under δ in most builds, the share that another does too.

    For tenths of δ.
    """
    shown = settings_of(panel)
    rows = []
    for need in steps(panel.k).tolist():
        shared = count_shared(np.stack([in_most_builds(each.hits < need) for each in shown]))
        for one, setting in enumerate(shown):
            size = int(shared[one, one])
            for other, against in enumerate(shown):
                if size:
                    rows.append(
                        {
                            "id": setting.id,
                            "need": need,
                            "under": size,
                            "other": str(against),
                            "place": other,
                            "share": int(shared[one, other]) / size,
                        }
                    )
    return pl.DataFrame(rows)


@functools.lru_cache(maxsize=16)
def efforts(panel: Panel) -> pl.DataFrame:
    """Share of the queries that need each setting of a sweep to reach δ and stay there.

    For tenths of δ; averaged over builds. `id` is the explained setting of the sweep, `smallest`
    the setting that is needed; of the queries that no setting serves, none, with `served` 0.
    Empty where no index has two settings.
    """
    rows = []
    chosen = settings_of(panel)
    among = {run: run.settings(steps=True) for run in {each.run for each in chosen}}
    for shown in chosen:
        sweep = sweep_of(shown, among[shown.run])
        if len(sweep) < 2:
            continue
        needs = steps(panel.k).tolist()
        for need, found in zip(needs, efforts_at(sweep, needs), strict=True):
            rows += [
                {
                    "id": shown.id,
                    "need": need,
                    "step": len(sweep) if place == NEVER else place,
                    "steps": len(sweep),
                    "served": int(place != NEVER),
                    "smallest": "" if place == NEVER else spell(sweep[place].search),
                    "share": float((found == place).mean()),
                }
                for place in [*range(len(sweep)), NEVER]
            ]
    return pl.DataFrame(rows)


@functools.lru_cache(maxsize=16)
def hardness(panel: Panel) -> pl.DataFrame:
    """Mean recall of each tenth of the queries, ordered by each hardness measure.

    Empty where the hardness of the queries was never computed.
    """
    if panel.hardness is None:
        return pl.DataFrame()
    ids = [shown.id for shown in panel.settings]
    means = np.stack([shown.hits.mean(axis=0) for shown in panel.settings]) / panel.k
    parts = [
        {
            "id": ids,
            "measure": column.name,
            "tenth": tenth.number,
            "from": tenth.least,
            "to": tenth.greatest,
            "mean_recall": means[:, tenth.rows].mean(axis=1),
        }
        for column in panel.hardness.get_columns()
        for tenth in tenths(column.to_numpy())
    ]
    return join_parts(parts)
