"""Section: at every age, while vectors are replaced, added and removed."""

from __future__ import annotations

from collections.abc import Sequence

from vbench.analysis.ageing import LOST, HalfLife
from vbench.analysis.gather import Panel, Report
from vbench.measures.grammar import parse
from vbench.numbers import UNKNOWN, count, write
from vbench.render import frames
from vbench.render.ageing import (
    MOVED,
    SHOWN,
    WORDS,
    Aged,
    ages,
    rows_of,
)
from vbench.render.page.charts import Drawing
from vbench.render.page.charts_ageing import draw_ages
from vbench.render.page.parts import Cell, Chart, Choice, Column, Row, Section, Table, number_cell

_TABLED = (*(name for _, name, _, _ in SHOWN), "QPS")


def section(report: Report, draw: Drawing) -> Section | None:
    """Evenness against age, tables and half-lives; nothing where the base never changes."""
    rows = {panel: list(rows_of(panel)) for panel in report.panels}
    panels = [panel for panel in report.panels if rows[panel]]
    if not panels:
        return None
    frame = frames.join_panels(panels, ages)
    there = [key for key, _ in MOVED if frame[key].null_count() < len(frame)]
    chosen = SHOWN[0][0]
    keys = [key for key, *_ in SHOWN if frame[key].null_count() < len(frame)] + there
    chart = Chart(
        "ages",
        "Ages",
        "The setting of each index that is nearest to the chosen mean recall at the first search, "
        "as it answers at each later one, with 95 % intervals over queries and builds. The "
        f"half-life is the share replaced when R-0.9 has lost {LOST:g}, mean over builds.",
        draw_ages(
            draw,
            _families([row for panel in panels for row in rows[panel]]),
            {panel.id: some[0].axis if some else None for panel, some in rows.items()},
            y=chosen,
        ),
        (Choice("age_y", "y axis", [(key, WORDS[key]) for key in keys], chosen),),
    )
    tables = [
        table
        for panel in panels
        for table in (_table(panel, rows[panel]), *_half_lives(panel, rows[panel]))
    ]
    return Section(
        "ageing",
        "At every age",
        "No index stays as it was built: items leave, come back under new ids, and are added to "
        "lists and graphs that were made for others. Where its base is only replaced, the right "
        "answers never change, and all that is lost is lost to age.",
        [chart, *tables],
        {"ages": frame},
    )


def _families(rows: Sequence[Aged]) -> dict[str, int]:
    """The variants by name, each with its number among those of its index."""
    of_index: dict[str, list[str]] = {}
    for row in rows:
        variants = of_index.setdefault(row.title, [])
        if row.variant not in variants:
            variants.append(row.variant)
    return {name: number for variants in of_index.values() for number, name in enumerate(variants)}


def _table(panel: Panel, rows: Sequence[Aged]) -> Table:
    measures = [parse(name.format(k=panel.k)) for name in _TABLED]
    pays = any(each.row.rebuild_after is not None for each in rows)
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("age"),
        *(Column(each.short, each.label) for each in measures),
        Column("fallen", "Queries with recall ≥ 0.9 at the first search that have it no longer"),
        Column("recovered", "Queries that lost it between, and have it again"),
        Column("changes", "Time of all changes since the build"),
    ]
    if pays:
        told = "Queries that pay for a build, by what each costs more than in a fresh index"
        columns.append(Column("rebuild after", told))

    def cells(each: Aged) -> list[Cell]:
        row = each.row
        found = [
            Cell(each.title),
            Cell(f"{each.label} {each.under}".strip() or UNKNOWN),
            Cell(each.label_age, each.at),
            *(number_cell(row.measures[str(of)], of.unit) for of in measures),
        ]
        found += [
            Cell(UNKNOWN) if moved is None else number_cell(moved, "share")
            for moved in (row.fallen, row.recovered)
        ]
        spent = None if row.change_s is None else row.change_s.value
        found.append(Cell(write(spent, "seconds"), spent))
        if pays:
            after = row.rebuild_after
            found.append(Cell(UNKNOWN if after is None else f"{after:,.0f}", after))
        return found

    return Table(
        f"ages-{panel.id}",
        f"Ages: {', '.join(dict.fromkeys(each.workload for each in rows))}; {_about(panel)}",
        "Means over builds, with 95 % intervals over queries and builds. Each search has exact "
        "neighbors of its own, among the vectors that are then in the index.",
        columns,
        [
            Row(cells(each), pick="" if each.shown is None else each.shown.id, index=each.title)
            for each in rows
        ],
        panel=panel.id,
        filterable=True,
    )


def _about(panel: Panel) -> str:
    """The panel without its view: a table of ages shows them all."""
    return f"{panel.data}, K = {panel.k}"


def _half_lives(panel: Panel, rows: Sequence[Aged]) -> list[Table]:
    aged = {(each.row.name, each.under): each for each in rows if each.life is not None}
    if not aged:
        return []
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("half-life", "Share replaced, interpolated between searches"),
        Column("builds"),
    ]
    shown = []
    for each in aged.values():
        assert each.life is not None
        cells = [
            Cell(each.title),
            Cell(f"{each.label} {each.under}".strip() or UNKNOWN),
            _life(each.life),
            Cell(str(each.life.builds), each.life.builds),
        ]
        pick = "" if each.shown is None else each.shown.id
        shown.append(Row(cells, pick=pick, index=each.title))
    return [
        Table(
            f"half-lives-{panel.id}",
            f"Half-lives: {_about(panel)}",
            f"The share replaced when R-0.9 has lost {LOST:g}, with Student's interval over "
            "builds; where some build never lost as much, the largest share that was searched at.",
            columns,
            shown,
            panel=panel.id,
        )
    ]


def _life(each: HalfLife) -> Cell:
    if each.share.value is not None:
        return number_cell(each.share, "share")
    kept = each.builds - each.lost
    note = f"in {count(kept, 'builds')}" if each.lost else ""
    return Cell(f"over {write(each.at_most, 'share')}", 10.0, note)
