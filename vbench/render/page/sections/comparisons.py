"""Section: the comparison that was stored in a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from vbench.analysis.compare import SCHEMA
from vbench.analysis.gather import Report
from vbench.render.page.charts import MEASURE_LABEL, Drawing, Spec, number, rule
from vbench.render.page.parts import Cell, Chart, Column, Row, Section, Table, Words
from vbench.render.quantities import digits
from vbench.runs import files
from vbench.runs.upgrade import upgrade

_ROW = 26
_FIELDS = ("measure", "k", "baseline", "candidate", "difference", "low", "high", "p_holm")


def section(report: Report, draw: Drawing) -> Section | None:
    """Differences with their intervals, and the verdicts in words; None without a comparison."""
    entries = [entry for run in report.runs for entry in _stored(run.path)]
    if not entries:
        return None
    frame = pl.DataFrame(
        [{name: entry.get(name) for name in _FIELDS} | _sided(entry) for entry in entries],
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
        "The comparison that was made with vbench compare, paired over the same queries.",
        [chart, *_sentences(entries), _table(entries)],
        {"comparisons": frame},
    )


def _stored(folder: Any) -> list[Mapping[str, Any]]:
    path = folder / files.COMPARISONS
    document = files.read_json(path)
    return upgrade(document, SCHEMA, path)["comparisons"] if document else []


def _sided(entry: Mapping[str, Any]) -> dict[str, str]:
    sides = {"candidate": "candidate better", "baseline": "baseline better"}
    return {
        "label": f"{entry['measure']}: {entry['candidate']} − {entry['baseline']}",
        "better": sides.get(entry["better"] or "", "no difference shown"),
    }


def _chart(draw: Drawing, rows: int) -> Spec:
    y = {
        "field": "label",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {
            "labelExpr": MEASURE_LABEL,
            "labelLimit": {"expr": "max(120, containerSize()[0] / 2.2)"},
            "ticks": False,
            "domain": False,
        },
    }
    color = {
        "field": "better",
        "type": "nominal",
        "title": None,
        "legend": {
            "orient": "top",
            "columns": {"expr": "containerSize()[0] < 480 ? 1 : 3"},
            "labelLimit": 240,
        },
        "scale": {
            "domain": ["candidate better", "baseline better", "no difference shown"],
            "range": ["#0BBE88", "#DC3909", "#8A93A0"],
        },
    }
    axis = {"title": "difference", "axis": {"tickCount": 6, "format": "~r"}}
    tooltip = [
        {"field": "label", "type": "nominal", "title": "difference of"},
        number("difference", format="+.4~r"),
        number("low", title="95 % interval from", format="+.4~r"),
        number("high", title="to", format="+.4~r"),
        number("p_holm", title="p, adjusted", format=".3~r"),
    ]
    return draw.plain(
        "comparisons",
        [],
        [
            {"data": {"values": [{}]}, **rule({"x": {"datum": 0}}, opacity=0.5)},
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


def _sentences(entries: list[Mapping[str, Any]]) -> list[Words]:
    different = [entry["verdict"] for entry in entries if entry["different"]]
    if not different:
        return [Words(["No difference was shown in any of the measures compared."])]
    return [Words([f"{sentence}." for sentence in different])]


def _table(entries: list[Mapping[str, Any]]) -> Table:
    columns = [
        Column("measure", number=False),
        Column("baseline", number=False),
        Column("candidate", number=False),
        Column("difference", "Candidate less baseline, with its 95 % interval"),
        Column("p (Holm)", "Adjusted for all comparisons made together"),
        Column("could have seen", "Smallest difference shown in 4 of 5 cases"),
        Column("only baseline", "Queries that only the baseline serves"),
        Column("only candidate", "Queries that only the candidate serves"),
    ]
    rows = []
    for entry in entries:
        sides = entry["changed_sides"]
        rows.append(
            Row(
                [
                    Cell(entry["measure"]),
                    _side(entry["baseline"], entry["baseline_value"]),
                    _side(entry["candidate"], entry["candidate_value"]),
                    Cell(
                        _signed(entry["difference"]),
                        entry["difference"],
                        f"{_signed(entry['low'])} … {_signed(entry['high'])}",
                    ),
                    _known(entry["p_holm"]),
                    _known(entry["detectable"]),
                    *(
                        Cell(f"{len(sides[name]):,}", len(sides[name])) if sides else Cell("–")
                        for name in ("only_baseline", "only_candidate")
                    ),
                ]
            )
        )
    return Table("compared-measures", "The measures compared", "", columns, rows)


def _side(name: str, value: float | None) -> Cell:
    return Cell(name, note="" if value is None else digits(value, 4))


def _known(value: float | None) -> Cell:
    return Cell("–") if value is None else Cell(digits(value, 2), value)


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{'−' if value < 0 else '+'}{digits(abs(value))}"
