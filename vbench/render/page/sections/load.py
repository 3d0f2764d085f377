"""Section: under load, of several clients, at a rate, in batches."""

from __future__ import annotations

from vbench.analysis.gather import Panel, Report
from vbench.analysis.summary import summarize_setting
from vbench.numbers import write
from vbench.render import frames
from vbench.render.loads import ALONE, ALONG, SHOWN, answers_a_second, loads
from vbench.render.page.charts import Drawing
from vbench.render.page.charts_load import draw_loads
from vbench.render.page.parts import Cell, Chart, Choice, Column, Row, Section, Table, number_cell
from vbench.runs.loads import label_load
from vbench.runs.under_load import find_loaded


def section(report: Report, draw: Drawing) -> Section | None:
    """Speed and latency against the load, and a table; nothing where all was asked as usual."""
    panels = [panel for panel in report.panels if not loads(panel).is_empty()]
    if not panels:
        return None
    frame = frames.join_panels(panels, loads)
    there = set(frame["along"].unique())
    along = [(key, words) for key, words in ALONG if key in there]
    chart = Chart(
        "loads",
        "Load",
        "The setting of each index that is nearest to the chosen mean recall, as it was asked. "
        "Twice the clients answer at most twice as fast; at a rate, latency counts from when a "
        "query was due, and grows without end where it is more than an index can do.",
        draw_loads(draw, along=along[0][0]),
        (
            Choice("along", "x axis", along, along[0][0]),
            Choice("load_y", "y axis", [(key, words) for key, _, words, _ in SHOWN], "qps"),
        ),
    )
    return Section(
        "load",
        "Under load",
        "One query after another is not how a service is asked. Several clients, a rate that does "
        "not wait for answers, and batches change times, and should change no answer.",
        [chart, *map(_table, panels)],
        {"loads": frame},
    )


def _table(panel: Panel) -> Table:
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("asked", number=False),
        Column("mean recall"),
        *(Column(words) for _, _, words, _ in SHOWN),
    ]
    rows = []
    for shown in panel.settings:
        loaded = find_loaded([shown])
        for each in [shown, *loaded] if loaded else []:
            found = summarize_setting(each).measures
            speed = answers_a_second(each)
            cells = [
                Cell(shown.title),
                Cell(shown.label or "–"),
                Cell(label_load(each.load) or ALONE),
                number_cell(found[f"Recall@{panel.k}"], "score"),
                Cell(write(speed, "rate"), speed),
                *(number_cell(found[name], unit) for _, name, _, unit in SHOWN[1:]),
            ]
            rows.append(Row(cells, pick=shown.id, index=shown.title))
    return Table(
        f"loads-{panel.id}",
        f"Loads: {panel.name}",
        "Means over builds with 95 % intervals. Answers a second are those of all passes by wall "
        f"time, also where it was asked {ALONE}, one query after another.",
        columns,
        rows,
        panel=panel.id,
    )
