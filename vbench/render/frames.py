"""The data behind the charts; page, CSV and figures all draw from it.

Of the tail they hold, at every position of the slider, what `vbench tail` computes.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.analysis.efforts import efforts_at, sweep_of
from vbench.analysis.gather import Panel
from vbench.analysis.hardness import tenths
from vbench.analysis.in_graph import graph_hardness
from vbench.analysis.overlap import count_shared, in_most_builds
from vbench.analysis.segments import Segment, divide, worst_of_each
from vbench.analysis.summary import summarize_setting
from vbench.analysis.tail import explain_panel, settings_of
from vbench.measures.curve import at_least, reached_by
from vbench.measures.effort import NEVER
from vbench.measures.hits import threshold
from vbench.measures.usual import DELTAS
from vbench.render.quantities import QUANTITIES
from vbench.runs.settings import Setting, spell

EVERY_ITEM = "all items"
FINE = 20
"""Up to this K every number of hits has its own bar and its own step."""


@functools.lru_cache(maxsize=16)
def settings(panel: Panel) -> pl.DataFrame:
    """One row per setting: every quantity with its interval, and Robustness at the usual δ."""
    rows = [_setting(panel, shown) for shown in panel.settings]
    return pl.DataFrame(rows, infer_schema_length=None)


def _setting(panel: Panel, shown: Setting) -> Mapping[str, object]:
    found = summarize_setting(shown).measures
    row: dict[str, object] = {
        "id": shown.id,
        "panel": panel.id,
        "data": panel.data,
        "index": shown.title,
        "setting": shown.label,
        "family": str(shown.variant),
        "parameters": shown.parameters,
        "k": shown.k,
        "builds": len(shown.trials),
    }
    for quantity in QUANTITIES:
        of = found[quantity.name(shown.k)]
        row[quantity.key] = of.value
        row[f"{quantity.key}_low"], row[f"{quantity.key}_high"] = of.low, of.high
        row[f"{quantity.key}_spread"] = of.spread
    for delta in DELTAS:
        row[f"r{delta}"] = found[f"Robustness(delta={delta})@{shown.k}"].value
    return row


@functools.lru_cache(maxsize=16)
def curves(panel: Panel) -> pl.DataFrame:
    """Robustness of each setting at every threshold, with intervals, band, and the two tails."""
    names = ("low", "high", "band_low", "band_high", "persistent", "build_dependent")
    return join_parts(
        [
            {
                "id": shown.id,
                "need": np.arange(shown.k + 1),
                "delta": np.arange(shown.k + 1) / shown.k,
                "robustness": shown.curve.value,
                **{name: getattr(shown.curve, name) for name in names},
            }
            for shown in panel.settings
        ]
    )


@functools.lru_cache(maxsize=16)
def histogram(panel: Panel) -> pl.DataFrame:
    """Share of the queries by recall. None right and all right always have bars of their own."""
    edges = hit_edges(panel.k)
    return join_parts(
        [
            {
                "id": shown.id,
                "bar": np.arange(len(edges) - 1),
                "recall_of_query": _bar_names(edges, panel.k),
                "share": -np.diff(np.append(shown.curve.value, 0.0)[edges]),
            }
            for shown in panel.settings
        ]
    )


def hit_edges(k: int) -> NDArray[np.int64]:
    """Edges of the bars in hits; bar b holds edges[b] ≤ hits < edges[b + 1]."""
    if k <= FINE:
        return np.arange(k + 2)
    # (0, 0.1], (0.1, 0.2] … (0.9, 1) between the two ends.
    inner = [k * tenth // 10 + 1 for tenth in range(1, 10)]
    return np.array([0, 1, *inner, k, k + 1])


def _bar_names(edges: NDArray[np.int64], k: int) -> list[str]:
    names = []
    for first, after in itertools.pairwise(edges.tolist()):
        low, high = first / k, (after - 1) / k
        names.append(f"{low:g}" if after == first + 1 else f"{low:.2f}–{high:.2f}")
    return names


def steps(k: int) -> NDArray[np.int64]:
    """Thresholds in hits at which what is too large for every threshold is kept."""
    return np.unique([threshold(tenth / 10, k) for tenth in range(1, 11)])


@functools.lru_cache(maxsize=16)
def builds(panel: Panel) -> pl.DataFrame:
    """Robustness of each build of each setting, at the thresholds of the tenths of δ."""
    wanted = steps(panel.k)
    return join_parts(
        [
            {
                "id": shown.id,
                "build": shown.run.build_of(trial).number + 1,
                "need": wanted,
                "robustness": at_least(hits, panel.k)[wanted] / len(hits),
                "recall": float(hits.mean()) / panel.k,
            }
            for shown in panel.settings
            for trial, hits in zip(shown.trials, shown.hits, strict=True)
        ]
    )


def join_parts(parts: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """One frame of many small ones: of each a dict of its columns.

    A column is an array or a list; any other value stands in every row of its part. Joined before
    polars sees them, which takes a tenth of the time of a frame for each.
    """
    columns: dict[str, list[Any]] = {name: [] for name in (parts[0] if parts else ())}
    for part in parts:
        rows = max(len(each) for each in part.values() if isinstance(each, np.ndarray | list))
        for name, value in part.items():
            values = value.tolist() if isinstance(value, np.ndarray) else value
            columns[name] += values if isinstance(values, list) else [values] * rows
    return pl.DataFrame(columns)


def join_panels(panels: Sequence[Panel], frame_of: Callable[[Panel], pl.DataFrame]) -> pl.DataFrame:
    """The rows of a frame of every panel that has some."""
    found = [frame for panel in panels if len(frame := frame_of(panel))]
    return pl.concat(found, how="diagonal_relaxed") if found else pl.DataFrame()


def round_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    """The columns with the digits that a reader or a chart can use: six, of Robustness ten."""
    return [
        pl.col(name).round_sig_figs(10 if name == "robustness" else 6)
        for name in frame.columns
        if frame[name].dtype.is_float()
    ]


def tenth(delta: float, k: int) -> int:
    """The step of :func:`steps` for δ rounded up to a tenth."""
    return threshold(math.ceil(round(10 * delta, 9)) / 10, k)


@functools.lru_cache(maxsize=16)
def segments(panel: Panel) -> pl.DataFrame:
    """Share of the worst segments' queries under δ, with its interval, for tenths of δ.

    At most a dozen of each column, ranked by the highest share that an index leaves under the
    usual δ.
    """
    needs = steps(panel.k)
    parts: list[Mapping[str, object]] = []
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
def items(panel: Panel) -> pl.DataFrame:
    """Share of the items that each index loses, of all and by segment, at matched recall.

    Empty where the ids of the answers were not recorded.
    """
    parts = []
    for setting, told in zip(settings_of(panel), explain_panel(panel).indexes, strict=True):
        if (found := told.items) is None:
            continue
        every = (EVERY_ITEM, found.items, found.lost, found.in_every_build.share)
        groups = [
            (f"{row.column}: {row.segment}", row.items, Interval(row.share, row.low, row.high),
             row.in_every_build)
            for row in found.groups
        ]  # fmt: skip
        parts += [
            {
                "id": setting.id,
                "place": place,
                "label": label,
                "items": number,
                "lost": share.value,
                "low": share.low,
                "high": share.high,
                "in_every_build": persistent,
            }
            for place, (label, number, share, persistent) in enumerate([every, *groups])
        ]
    return pl.DataFrame(parts)


@functools.lru_cache(maxsize=16)
def overlap(panel: Panel) -> pl.DataFrame:
    """Of the queries that one index leaves under δ in most builds, the share that another does too.

    For tenths of δ; both by their ids, as there are as many rows as pairs.
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
                            "other": against.id,
                            "share": int(shared[one, other]) / size,
                        }
                    )
    return pl.DataFrame(rows)


def _tenths_of(
    settings: Sequence[Setting], hardness: pl.DataFrame, k: int
) -> list[dict[str, object]]:
    """Mean recall of each tenth, by each measure."""
    ids = [shown.id for shown in settings]
    means = np.stack([shown.hits.mean(axis=0) for shown in settings]) / k
    return [
        {
            "id": ids,
            "measure": column.name,
            "tenth": tenth.number,
            "from": tenth.least,
            "to": tenth.greatest,
            "mean_recall": means[:, tenth.rows].mean(axis=1),
        }
        for column in hardness.get_columns()
        for tenth in tenths(column.to_numpy())
    ]


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
    parts = _tenths_of(panel.settings, panel.hardness, panel.k)
    for shown in settings_of(panel):
        if (found := graph_hardness(shown)) is not None:
            own = pl.DataFrame({name: each.mean(axis=0) for name, each in found.items()})
            parts += _tenths_of([shown], own, panel.k)
    return join_parts(parts)
