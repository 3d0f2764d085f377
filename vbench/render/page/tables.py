"""Tables of the page that several sections share: the verdict, and every setting."""

from __future__ import annotations

from vbench.analysis.gather import Panel
from vbench.analysis.matched import MatchedRecall
from vbench.analysis.summary import standard_measures, summarize_setting
from vbench.measures.recall import Robustness
from vbench.measures.usual import DELTA
from vbench.numbers import Ends, Unit, write, write_ends
from vbench.render.page.parts import Cell, Column, Row, Table
from vbench.render.quantities import BY_KEY

_VERDICT_DELTAS = (0.5, 0.9, 1.0)
_VERDICT_PRICES = ("p99_latency", "qps")


def number_cell(found: Ends, unit: Unit) -> Cell:
    """A value, with its interval in small figures."""
    return Cell(write(found.value, unit), found.value, write_ends(found, unit))


def verdict_table(panel: Panel, matched: MatchedRecall) -> Table:
    """One row for each index at matched recall: the verdict, with 95 % intervals."""
    order = sorted(matched.chosen.values(), key=lambda shown: not matched.is_at_level(shown))
    rows = {shown: summarize_setting(shown).measures for shown in order}
    prices = [
        BY_KEY[key]
        for key in _VERDICT_PRICES
        if any(of[BY_KEY[key].name(panel.k)].value is not None for of in rows.values())
    ]
    robustness = [f"Robustness(delta={delta})@{panel.k}" for delta in _VERDICT_DELTAS]
    shown_ = [BY_KEY[key] for key in ("zero_recall", "worst")]
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("mean recall", "The average that is usually reported"),
        *(
            Column(Robustness(delta).short, f"Share of the {Robustness(delta).label}")
            for delta in _VERDICT_DELTAS
        ),
        *(Column(each.short, each.title) for each in (*shown_, *prices)),
    ]
    table = []
    for shown, of in rows.items():
        cells = [
            Cell(shown.title),
            Cell(shown.label or "–", note="" if matched.is_at_level(shown) else "other recall"),
            number_cell(of[f"Recall@{panel.k}"], "score"),
            *(number_cell(of[name], "share") for name in robustness),
            *(number_cell(of[each.name(panel.k)], each.unit) for each in (*shown_, *prices)),
        ]
        table.append(Row(cells, pick=shown.id, index=shown.title))
    return Table(
        f"verdict-{panel.id}",
        f"{matched.heading}, about {matched.level:.2f}: {panel.name}",
        "R-0.9: share of the queries with recall ≥ 0.9, the others likewise. Zero-recall: "
        "share of the queries none of whose neighbors was found. p99: the latency that one call in "
        "a hundred exceeds. Small figures: 95 % intervals over queries and builds.",
        columns,
        table,
        panel=panel.id,
    )


def settings_table(panel: Panel) -> Table:
    """Every setting of a panel with everything that was measured."""
    rows = {shown: summarize_setting(shown).measures for shown in panel.settings}
    live = f"Robustness(delta={DELTA})@{panel.k}"
    measures = [
        measure
        for measure in standard_measures(panel.k)
        # The live column shows it until the slider is moved.
        if str(measure) != live and any(of[str(measure)].value is not None for of in rows.values())
    ]
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("R-δ", "Share of the queries that reach the δ of the slider", live="robustness"),
        *(Column(each.short, each.label) for each in measures),
    ]
    table = []
    for shown, of in rows.items():
        values = [(of[str(each)].value, each.unit) for each in measures]
        cells = [
            Cell(shown.title),
            Cell(shown.label or "–"),
            Cell(write(of[live].value, "share"), of[live].value),
            *(Cell(write(value, unit), value) for value, unit in values),
        ]
        table.append(Row(cells, pick=shown.id, index=shown.title))
    return Table(
        f"settings-{panel.id}",
        f"Every setting: {panel.name}",
        "Means over builds. Click a heading to sort, a row to pick the setting out in all charts. "
        "Intervals and spreads are in the download.",
        columns,
        table,
        panel=panel.id,
        filterable=True,
    )
