"""Section: who is in the tail."""

from __future__ import annotations

import polars as pl

from vbench.analysis.gather import Panel, Report
from vbench.analysis.matched import match_recall
from vbench.measures.hits import threshold
from vbench.render import frames_tail
from vbench.render.page import charts_evenness, charts_tail
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Cell, Chart, Column, Row, Section, Table, Words
from vbench.render.quantities import digits, percent

_DELTA = 0.9


def section(report: Report, draw: Drawing) -> Section | None:
    """Both tails, segments, overlap between indexes, the worst queries."""
    if not report.panels:
        return None
    parts: list[Chart | Table | Words] = [_tails(report, draw)]
    data: dict[str, pl.DataFrame] = {}
    segments = [frame for p in report.panels if len(frame := frames_tail.segments(p))]
    if segments:
        data["segments"] = pl.concat(segments)
        parts.append(
            Chart(
                "segments",
                "Tail by segment",
                "Share of each segment's queries under δ (rounded up to a tenth), with 95 % "
                "intervals, the worst first. An index that fails one segment looks well on average."
                + _left_out(report),
                charts_tail.segments(draw, max(frame["place"].n_unique() for frame in segments)),
            )
        )
    overlaps = [frame for p in report.panels if len(frame := frames_tail.overlap(p))]
    if overlaps and any(len(panel.indexes) > 1 for panel in report.panels):
        data["overlap"] = pl.concat(overlaps)
        parts.append(
            Chart(
                "overlap",
                "Would another index have served them?",
                "Of the queries that the index of a row leaves under δ in most builds, the share "
                "that the index of a column leaves under δ too; settings at equal mean recall.",
                charts_tail.overlap(draw),
            )
        )
        parts += [_saved(panel) for panel in report.panels]
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
    more = max(frames_tail.segments_left_out(panel) for panel in report.panels)
    return f" {more:,} more segments: vbench tail RUN --json." if more > 0 else ""


def _tails(report: Report, draw: Drawing) -> Chart:
    return Chart(
        "tails",
        "Persistent or build-dependent?",
        "Queries under δ. Strong: in every build (persistent: this kind of index does not serve "
        "them). Pale: in some builds only (build-dependent: another build would have). One build "
        "cannot tell them apart.",
        charts_evenness.tails(draw),
    )


def _saved(panel: Panel) -> Words:
    some, every = frames_tail.saved(panel, threshold(_DELTA, panel.k))
    if not some:
        return Words([f"No index leaves a query under {_DELTA:g} in most builds."], panel.id)
    return Words(
        [
            f"{some:,} of the {panel.facts.m:,} queries are under {_DELTA:g} with at least one "
            f"index; {every:,} of them ({percent(every / some)}) with every index here."
        ],
        panel.id,
    )


def worst_table(panel: Panel) -> Table:
    """The worst queries at equal footing, one column for each index."""
    frame = frames_tail.worst_queries(panel)
    indexes = list(match_recall(panel).chosen)
    named = "id" if panel.settings[0].run.query_ids is not None else "query"
    own = [name for name in panel.queries.columns if name not in ("query", "id")]
    columns = [
        Column("query", number=frame[named].dtype.is_numeric()),
        *(Column(name, number=frame[name].dtype.is_numeric()) for name in own),
        *(Column(name, f"Recall with {name}, mean over builds") for name in indexes),
    ]
    rows = []
    for row in frame.iter_rows(named=True):
        cells = [Cell(str(row[named]), row[named])]
        cells += [_own(row[name]) for name in own]
        for name in indexes:
            value, least, most = (row[f"{part}: {name}"] for part in ("recall", "least", "most"))
            note = "" if least == most else f"{least:g}–{most:g}"
            cells.append(Cell(f"{value:.2f}", value, note, shade=value))
        rows.append(Row(cells))
    return Table(
        f"worst-{panel.id}",
        f"The worst queries: {panel.name}",
        "Recall of the queries that each index serves worst, at equal mean recall; small figures: "
        "least and most over the builds. Click a heading to sort.",
        columns,
        rows,
        panel=panel.id,
        filterable=True,
    )


def _own(value: object) -> Cell:
    if isinstance(value, float):
        return Cell(digits(value), value)
    if isinstance(value, bool):
        return Cell(str(value).lower(), int(value))
    return Cell("–" if value is None else str(value), value if isinstance(value, int) else None)
