"""Section: which queries an index underserves, by segment, and whether another would serve them."""

from __future__ import annotations

import polars as pl

from vbench._document import Interval
from vbench.analysis.answer import answer_of
from vbench.analysis.document import SettingRow
from vbench.analysis.gather import Panel, Report
from vbench.analysis.shares import QueryShare
from vbench.analysis.tail import TailReport, explain_panel, settings_of, views_of_panel
from vbench.analysis.worst import WorstQuery
from vbench.numbers import UNKNOWN, write
from vbench.render import frames
from vbench.render.page.charts import (
    AT_LEVEL,
    AT_TENTH,
    LIT,
    Drawing,
    Spec,
    first_by,
    joined_other,
    mark,
    nominal,
    number,
)
from vbench.render.page.charts_rows import draw_rows
from vbench.render.page.parts import (
    Cell,
    Chart,
    Column,
    Row,
    Section,
    Table,
    Words,
    number_cell,
)
from vbench.render.page.sections.evenness import draw_tails
from vbench.runs.settings import Setting

_NAMED = 4
"""Indexes that are named in a sentence."""
_MOST_CELLS, _FEWEST_ROWS = 1200, 20
"""Of the worst queries beside many indexes: what a reader, and a file, can bear."""


def section(report: Report, draw: Drawing) -> Section | None:
    """Both tails, segments, overlap between indexes, the worst queries."""
    if not report.panels:
        return None
    parts: list[Chart | Table | Words] = [_whom(panel) for panel in report.panels]
    parts.append(_tails(report, draw))
    data: dict[str, pl.DataFrame] = {}
    segments = [frame for p in report.panels if len(frame := frames.segments(p))]
    if segments:
        data["segments"] = pl.concat(segments)
        parts.append(
            Chart(
                "segments",
                "Tail by segment",
                "Share of each segment's queries under δ (rounded up to a tenth), with 95 % "
                "intervals, the worst first. An index that fails one segment looks well on average."
                + _left_out(report),
                draw_segments(draw, max(frame["place"].n_unique() for frame in segments)),
            )
        )
    overlaps = [frame for p in report.panels if len(frame := frames.overlap(p))]
    rows = max(len(settings_of(panel)) for panel in report.panels)
    if overlaps and rows > 1:
        data["overlap"] = pl.concat(overlaps)
        parts.append(
            Chart(
                "overlap",
                "Would another index have served them?",
                "Of the queries that the index of a row leaves under δ in most builds, the share "
                "that the index of a column leaves under δ too; settings at matched recall.",
                draw_overlap(draw, rows),
            )
        )
        parts += [_everywhere(panel) for panel in report.panels]
    parts += [table for panel in report.panels if (table := view_table(panel)).rows]
    parts += [table for panel in report.panels if (table := worst_table(panel)).rows]
    return Section(
        "tail",
        "Which queries are underserved?",
        "The queries under δ: whether every build misses them, which segments they come from, "
        "whether another index would have served them, and which they are.",
        parts,
        data,
    )


def _left_out(report: Report) -> str:
    """Say how many segments the chart has no room for."""
    more = max(frames.count_left_out(panel) for panel in report.panels)
    return f" {more:,} more segments: vbench tail RUN --json." if more > 0 else ""


def _whom(panel: Panel) -> Words:
    """Whom the settings at matched recall serve worst."""
    delta = explain_panel(panel).delta
    said = []
    for each in settings_of(panel)[:_NAMED]:
        answer = answer_of(each, delta)
        served = write(answer.served.value, "share")
        worst = answer.worst
        whom = "no segment surely fewer" if answer.groups else "who they are is not known"
        if worst is not None:
            share = write(worst.served.value, "share")
            whom = f"fewest of {worst.column} {worst.segment} ({share})"
        said.append(f"{each} serves {served} of the queries, {whom}")
    return Words([f"With recall ≥ {delta:g} as served: {'; '.join(said)}."], panel.id)


def _tails(report: Report, draw: Drawing) -> Chart:
    return Chart(
        "tails",
        "Persistent or build-dependent?",
        "Queries under δ. Strong: in every build (persistent: this kind of index does not serve "
        "them). Pale: in some builds only (build-dependent: another build would have). One build "
        "cannot tell them apart.",
        draw_tails(draw),
    )


def _everywhere(panel: Panel) -> Words:
    told = explain_panel(panel)
    some, every = told.everywhere.some, told.everywhere.every
    if not some:
        return Words([f"No index leaves a query under {told.delta:g} in most builds."], panel.id)
    return Words(
        [
            f"{some:,} of the {told.queries:,} queries are under {told.delta:g} with at least one "
            f"index; {every:,} of them ({write(every / some, 'share')}) with every index here."
        ],
        panel.id,
    )


def view_table(panel: Panel) -> Table:
    """The tail of each index in every view, and who is in it only there; no rows without others."""
    delta = explain_panel(panel).delta
    picks = {_setting_key(each): each for each in settings_of(panel)}
    titles = {each.index: each.title for each in settings_of(panel)}
    columns = [
        *(Column(name, number=False) for name in ("index", "view")),
        *map(Column, ("mean recall", f"under {delta:g}", "in every build", "in some builds")),
        Column("only there"),
    ]
    rows = [
        Row(
            [
                Cell(row.name),
                Cell(view.name),
                number_cell(row.recall, "score"),
                number_cell(row.under, "share"),
                *(_share_cell(each) for each in (row.persistent, row.build_dependent, row.only)),
            ],
            pick="" if (own := picks.get(_row_key(row))) is None else own.id,
            index=titles.get(row.index, row.index),
        )
        for view in views_of_panel(panel)
        for row in view.indexes
    ]
    return Table(
        f"tail-views-{panel.id}",
        f"The tail under every filter and at every age: {panel.name}",
        "The same settings, or what brought an index to the same recall there. Only there: under "
        f"{delta:g} in most builds there, and not in the first view.",
        columns,
        rows,
        panel=panel.id,
        filterable=True,
    )


def _setting_key(setting: Setting) -> tuple[str, str, str]:
    return setting.index, repr(setting.build), repr(setting.search)


def _row_key(row: SettingRow) -> tuple[str, str, str]:
    return row.index, repr(row.build), repr(row.setting)


def _share_cell(found: QueryShare | None) -> Cell:
    if found is None:
        return Cell(UNKNOWN)
    return number_cell(Interval(found.share, found.low, found.high), "share")


def worst_table(panel: Panel) -> Table:
    """The worst queries of every index, and their recall with each.

    Every row is among the worst of `vbench tail` for some index. They are ordered by their place
    in that list, the best place where several lists hold a query; of equal places that of the
    first index comes first.
    """
    told, shown = explain_panel(panel), settings_of(panel)
    worst = list(_places(told))
    room = max(_FEWEST_ROWS, _MOST_CELLS // len(shown))
    queries = panel.queries[worst[:room]]
    left_out = f" {len(worst) - room:,} more: vbench tail RUN --json." if worst[room:] else ""
    named = "id" if panel.settings[0].run.query_ids is not None else "query"
    own = [name for name in queries.columns if name not in ("query", "id")]
    columns = [
        Column("query", number=queries[named].dtype.is_numeric()),
        *(Column(name, number=queries[name].dtype.is_numeric()) for name in own),
        *(Column(str(each.variant), f"Recall with {each}, mean over builds") for each in shown),
    ]
    rows = []
    for row in queries.iter_rows(named=True):
        cells = [Cell(str(row[named]), row[named]), *(_own(row[name]) for name in own)]
        for each in shown:
            recall = each.hits[:, row["query"]] / panel.k
            least, most, value = recall.min(), recall.max(), float(recall.mean())
            note = "" if least == most else f"{least:g}–{most:g}"
            cells.append(Cell(f"{value:.2f}", round(value, 6), note, shade=value))
        rows.append(Row(cells))
    return Table(
        f"worst-{panel.id}",
        f"The worst queries: {panel.name}",
        f"Recall of the queries under {told.delta:g} that each index serves worst, at matched "
        "recall: the persistent tail first, then by rising recall, the indexes in turn. Small "
        f"figures: least and most over the builds. Click a heading to sort.{left_out}",
        columns,
        rows,
        panel=panel.id,
        filterable=True,
    )


def _places(told: TailReport) -> dict[int, int]:
    """The queries that are among the worst of some index, and their best place in such a list."""
    lists: list[tuple[WorstQuery, ...]] = [index.worst for index in told.indexes]
    place: dict[int, int] = {}
    for rank in range(max(map(len, lists))):
        for worst in lists:
            if rank < len(worst):
                place.setdefault(worst[rank].query, rank)
    return place


def _own(value: object) -> Cell:
    if isinstance(value, float):
        return Cell(write(value, "number"), value)
    if isinstance(value, bool):
        return Cell(str(value).lower(), int(value))
    return Cell("–" if value is None else str(value), value if isinstance(value, int) else None)


def draw_segments(draw: Drawing, count: int) -> Spec:
    """Share of each segment's queries under δ: `count` bands at most, one mark an index."""
    return draw_rows(
        draw,
        "segments",
        [
            AT_TENTH,
            *AT_LEVEL,
            {"calculate": "datum.column + ': ' + datum.segment", "as": "label"},
        ],
        number("under", title="queries of the segment under δ"),
        [
            number("queries", title="queries in it", format=","),
            number("under", title="under δ", format=".2%"),
        ],
        count,
    )


def draw_overlap(draw: Drawing, rows: int) -> Spec:
    """Of the queries under δ with the index of a row, the share under δ with that of a column."""
    axis: Spec = {"labelLimit": 140, "ticks": False, "domain": False}
    tilted = {**axis, "labelAngle": -35}
    x = nominal("other_name", title="… this one leaves too", sort=first_by("place"), axis=tilted)
    y = nominal("name", title="what this index leaves …", sort=first_by("order"), axis=axis)
    cell = mark(
        "rect",
        {
            "x": x,
            "y": y,
            "color": number(
                "share",
                legend=None,
                scale={"domain": [0, 1], "range": ["#5647FF11", "#5647FFDD"]},
            ),
            "opacity": {"condition": {"test": LIT, "value": 1}, "value": 0.3},
            "tooltip": [
                nominal("name", title="under δ with"),
                number("under", title="queries", format=","),
                nominal("other_name", title="also with"),
                number("share", title="share of them", format=".1%"),
            ],
        },
        cornerRadius=3,
    )
    text = {
        "mark": {"type": "text"},
        "encoding": {
            "x": x,
            "y": y,
            "text": number("share", format=".0%"),
            "opacity": {"condition": {"test": "bandwidth('x') > 30", "value": 1}, "value": 0},
            "color": {
                "condition": {"test": "datum.share > 0.6", "value": "#fff"},
                "value": "currentColor",
            },
        },
    }
    return draw.chart(
        "overlap", [AT_TENTH, *joined_other()], [cell, text], height=draw.height_of(rows)
    )
