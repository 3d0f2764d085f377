"""Tables of the page that several sections share: the verdict, and every setting."""

from __future__ import annotations

from typing import Any

from vbench.analysis.gather import Panel
from vbench.analysis.matched import MatchedRecall
from vbench.measures.hits import threshold
from vbench.measures.recall import Robustness
from vbench.measures.usual import DELTAS
from vbench.render import frames
from vbench.render.page.parts import Cell, Column, Row, Table
from vbench.render.quantities import BY_KEY, QUANTITIES, Quantity, percent, percents, spelt
from vbench.runs.settings import Setting

_VERDICT_DELTAS = (0.5, 0.9, 1.0)
_LIVE = 0.9
"""The δ that the live column shows until the slider is moved."""
_VERDICT_PRICES = ("p99_latency", "qps")


def verdict_table(panel: Panel, matched: MatchedRecall) -> Table:
    """One row for each index at equal recall: the verdict, with 95 % intervals."""
    values = {row["id"]: row for row in frames.settings(panel).iter_rows(named=True)}
    prices = [BY_KEY[key] for key in _VERDICT_PRICES if _has(values.values(), key)]
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("mean recall", "The average that is usually reported"),
        *(
            Column(Robustness(delta).short, f"Share of the {Robustness(delta).label}")
            for delta in _VERDICT_DELTAS
        ),
        Column(BY_KEY["nothing"].short, "Share of the queries with none of their neighbors found"),
        Column(BY_KEY["worst"].short, BY_KEY["worst"].title),
        *(Column(price.short, price.title) for price in prices),
    ]
    rows = []
    order = sorted(matched.chosen.values(), key=lambda shown: not matched.is_at_level(shown))
    for shown in order:
        of = values[shown.id]
        cells = [
            Cell(shown.title),
            Cell(shown.label or "–", note="" if matched.is_at_level(shown) else "other recall"),
            _with_interval(of, BY_KEY["recall"]),
            *(_reach(shown, delta) for delta in _VERDICT_DELTAS),
            _with_interval(of, BY_KEY["nothing"], as_percent=True),
            _with_interval(of, BY_KEY["worst"]),
            *(Cell(spelt(of[price.key], price.unit), of[price.key]) for price in prices),
        ]
        rows.append(Row(cells, pick=shown.id, index=shown.title))
    return Table(
        f"verdict-{panel.id}",
        f"At equal mean recall, about {matched.level:.2f}: {panel.name}",
        "R-0.9: share of the queries with recall ≥ 0.9, the others likewise. p99: the latency "
        "that one call in a hundred exceeds. Small figures: 95 % intervals over queries and "
        "builds.",
        columns,
        rows,
        panel=panel.id,
    )


def settings_table(panel: Panel) -> Table:
    """Every setting of a panel with everything that was measured."""
    values = frames.settings(panel)
    shown_quantities = [each for each in QUANTITIES if values[each.key].null_count() < len(values)]
    deltas = [delta for delta in DELTAS if delta != _LIVE]
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("R-δ", "Share of the queries that reach the δ of the slider", live="robustness"),
        Column("mean recall", BY_KEY["recall"].title),
        *(
            Column(Robustness(delta).short, f"Share of the {Robustness(delta).label}")
            for delta in deltas
        ),
        *(Column(each.short, each.title) for each in shown_quantities if each.key != "recall"),
    ]
    by_id = {shown.id: shown for shown in panel.settings}
    rows = []
    for of in values.iter_rows(named=True):
        shown = by_id[of["id"]]
        live = float(shown.curve.value[threshold(_LIVE, panel.k)])
        cells = [
            Cell(shown.title),
            Cell(shown.label or "–"),
            Cell(percent(live), live),
            Cell(spelt(of["recall"], "share"), of["recall"]),
            *(Cell(percent(of[f"r{delta}"]), of[f"r{delta}"]) for delta in deltas),
            *(
                Cell(spelt(of[each.key], each.unit), of[each.key])
                for each in shown_quantities
                if each.key != "recall"
            ),
        ]
        rows.append(Row(cells, pick=shown.id, index=shown.title))
    return Table(
        f"settings-{panel.id}",
        f"Every setting: {panel.name}",
        "Means over builds. Click a heading to sort, a row to pick the setting out in all charts. "
        "Intervals and spreads are in the download.",
        columns,
        rows,
        panel=panel.id,
        filterable=True,
    )


def _reach(shown: Setting, delta: float) -> Cell:
    need = threshold(delta, shown.k)
    curve = shown.curve
    value, low, high = (float(each[need]) for each in (curve.value, curve.low, curve.high))
    return Cell(percent(value), value, percents(low, high))


def _with_interval(of: dict[str, Any], quantity: Quantity, *, as_percent: bool = False) -> Cell:
    value, low, high = (of[quantity.key + end] for end in ("", "_low", "_high"))
    text = percent(value) if as_percent else spelt(value, quantity.unit)
    if low is None:
        return Cell(text, value)
    return Cell(text, value, percents(low, high) if as_percent else f"{low:.3f}–{high:.3f}")


def _has(rows: Any, key: str) -> bool:
    return any(row[key] is not None for row in rows)
