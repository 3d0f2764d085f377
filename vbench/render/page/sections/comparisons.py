"""Section: the comparison that was stored in a run."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from vbench.analysis.comparison import Compared, read_comparison
from vbench.analysis.gather import Report
from vbench.analysis.verdict import say_choice
from vbench.numbers import UNKNOWN, write_difference, write_difference_ends, write_interval, write_p
from vbench.render.page.charts import (
    Drawing,
    Spec,
    hover_ends,
    measure_names,
    nominal,
    number,
    single_rule,
)
from vbench.render.page.parts import Cell, Chart, Column, Row, Section, Table, Words

_ROW = 26
_FIELDS = ("measure", "k", "baseline", "candidate", "difference", "low", "high", "p_holm")


def section(report: Report, draw: Drawing) -> Section | None:
    """Differences with their intervals, and the verdicts in words; None without a comparison."""
    kept = [found for run in report.runs if (found := read_comparison(run)) is not None]
    rows = [row for comparison in kept for row in comparison.comparisons]
    if not rows:
        return None
    frame = pl.DataFrame(
        [{name: getattr(row, name) for name in _FIELDS} | _sided(row) for row in rows],
        infer_schema_length=None,
    )
    chart = Chart(
        "comparisons",
        "Candidate less baseline",
        "Each measure's difference with its 95 % interval over builds and queries. An interval "
        "that holds the line at 0 shows no difference.",
        _chart(draw, len(frame)),
    )
    return Section(
        "compared",
        "Which one is better?",
        f"{say_choice(rows)} By vbench compare, paired over the same queries.",
        [chart, *_sentences(rows), _table(rows)],
        {"comparisons": frame},
    )


def _sided(row: Compared) -> dict[str, str]:
    sides = {"candidate": "candidate better", "baseline": "baseline better"}
    return {
        "label": f"{row.measure}: {row.candidate} − {row.baseline} {row.under}".strip(),
        "view": row.under,
        "better": sides.get(row.better or "", "no difference shown"),
    }


def _chart(draw: Drawing, rows: int) -> Spec:
    y = nominal("label", sort=None, title=None, axis=measure_names(120))
    columns = {"expr": "containerSize()[0] < 480 ? 1 : 3"}
    color = nominal(
        "better",
        title=None,
        legend={"orient": "top", "columns": columns, "labelLimit": 240},
        scale={
            "domain": ["candidate better", "baseline better", "no difference shown"],
            "range": ["#0BBE88", "#DC3909", "#8A93A0"],
        },
    )
    axis = {"title": "difference", "axis": {"tickCount": 6, "format": "~r"}}
    tooltip = [
        nominal("label", title="difference of"),
        number("difference", format="+.4~r"),
        *hover_ends("+.4~r"),
        number("p_holm", title="p, adjusted", format=".3~r"),
    ]
    return draw.plain(
        "comparisons",
        [],
        [
            single_rule({"x": {"datum": 0}}, opacity=0.5),
            {
                "mark": {"type": "rule", "strokeWidth": 2.5},
                "encoding": {
                    "y": y,
                    "x": number("low", **axis),
                    "x2": {"field": "high"},
                    "color": color,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80},
                "encoding": {
                    "y": y,
                    "x": number("difference", **axis),
                    "color": color,
                    "tooltip": tooltip,
                },
            },
        ],
        height=_ROW * max(rows, 2),
    )


def _sentences(rows: Sequence[Compared]) -> list[Words]:
    different = [row.verdict for row in rows if row.different]
    if all(row.identical for row in rows):
        return [Words(["All builds gave identical answers: there is nothing to compare."])]
    if not different:
        return [Words(["No difference was shown in any of the measures compared."])]
    return [Words([f"{sentence}." for sentence in different])]


def _table(rows: Sequence[Compared]) -> Table:
    columns = [
        Column("measure", number=False),
        Column("baseline", number=False),
        Column("candidate", number=False),
        Column("difference", "Candidate less baseline, with its 95 % interval"),
        Column("p (Holm)", "Adjusted for all comparisons made together"),
        Column("min. detectable", "Minimum detectable difference, at 80 % power"),
        Column("only baseline", "Discordant queries: those that only the baseline serves"),
        Column("only candidate", "Discordant queries: those that only the candidate serves"),
    ]
    return Table("compared-measures", "The measures compared", "", columns, list(map(_row, rows)))


def _row(row: Compared) -> Row:
    detectable = row.minimum_detectable_difference
    found = row.discordant
    only = (found.only_baseline, found.only_candidate) if found else ()
    return Row(
        [
            Cell(row.measure, note=row.under),
            Cell(row.baseline, note=write_interval(row.baseline_value, row.unit)),
            Cell(row.candidate, note=write_interval(row.candidate_value, row.unit)),
            Cell(
                write_difference(row.difference, row.unit),
                row.difference,
                write_difference_ends(row.interval, row.unit),
            ),
            Cell(write_p(row.p_holm), row.p_holm),
            Cell(write_difference(detectable, row.unit, signed=False), detectable),
            *(Cell(f"{len(queries):,}", len(queries)) for queries in only),
            *([] if found else [Cell(UNKNOWN), Cell(UNKNOWN)]),
        ]
    )
