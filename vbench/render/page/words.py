"""The verdict on a run: in sentences, and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vbench._document import Interval
from vbench.analysis import answer as answers
from vbench.analysis.gather import MatchedRecall, Panel, Report
from vbench.analysis.summary import summarize_setting
from vbench.measures import usual
from vbench.measures.hits import threshold
from vbench.measures.recall import Robustness
from vbench.numbers import Ends, write, write_interval
from vbench.render.page.parts import Cell, Column, Row, Table, number_cell
from vbench.render.quantities import BY_KEY
from vbench.runs.settings import Setting

_METRICS = {"l2": "Euclidean distance", "ip": "inner product", "cosine": "cosine similarity"}
_FEW = 4
_OVERLAP = (
    "; the 95 % intervals of the first and the last overlap: vbench compare tells whether they "
    "differ"
)


def say_answer(panel: Panel, matched: MatchedRecall, delta: float) -> str:
    """Which index, for whom, at what cost; or why that cannot be said."""
    if len(matched.chosen) > 1 and not matched.is_matched:
        nearest = [f"{each.title} {write(each.recall, 'score')}" for each in matched.compared]
        shown = _listed(
            nearest[:_FEW] + ([f"{len(nearest) - _FEW} more"] if nearest[_FEW:] else [])
        )
        return (
            "Which index to take cannot be said: no two of them have matched recall, and at other "
            f"recall the tails differ for that reason alone (nearest: {shown}); vbench run with "
            "--at-recall brings them there."
        )
    found = {shown: _reached(shown, delta) for shown in matched.compared}
    best = max(found, key=lambda shown: found[shown].value or 0.0)
    recall = f"matched recall {matched.level:.2f}"
    if not matched.is_matched:
        recall = f"a mean recall of {write(best.recall, 'score')}"
    said = answers.say_answer(
        answers.answer_of(best, delta), answers.say_relation(best, list(found), delta)
    )
    return f"At {recall}, {said}."


def say_measured(panel: Panel) -> str:
    """What was measured, on what."""
    facts, options = panel.facts, panel.options
    count = len(panel.indexes)
    who = f"{panel.indexes[0]} was" if count == 1 else f"{count} indexes were"
    times = {1: "once", 2: "twice"}.get(options.builds, f"{options.builds} times")
    return (
        f"{who} searched for the {panel.k} nearest neighbors of {facts.asked} among the "
        f"{facts.n:,} vectors of {panel.data} ({facts.d} dimensions, {_METRICS[facts.metric]}). "
        f"{panel.under and f'They were asked {panel.under}. '}"
        f"Each index was built {times}, and every answer was scored against the exact neighbors."
    )


def say_zero_recall(matched: MatchedRecall) -> str:
    """Which indexes leave zero-recall queries, at matched recall."""
    found = {shown: _measure(shown, "Failure") for shown in matched.compared}
    compared = sorted(found, key=lambda shown: found[shown].value or 0.0)
    if matched.is_matched:
        head = f"At matched recall {matched.level:.2f}"
    elif len(compared) == 1:
        head = f"At a mean recall of {write(_measure(compared[0], 'Recall').value, 'score')}"
    else:
        head = "At the settings nearest to each other in mean recall"
    shown, rest = _few(compared)
    parts = [
        f"{each.index} leaves {write_interval(found[each], 'share')} of the queries with zero "
        "recall"
        if not place
        else f"{each.index} {write_interval(found[each], 'share')}"
        for place, each in enumerate(shown)
    ]
    first, last = found[compared[0]].high, found[compared[-1]].low
    apart = first is not None and last is not None and first < last
    doubt = "" if len(compared) == 1 or apart else _OVERLAP
    return f"{head}, {_listed(parts)}{rest}{doubt}."


def say_robustness(matched: MatchedRecall, delta: float) -> str:
    """Who serves most queries well, at matched recall."""
    found = {shown: _reached(shown, delta) for shown in matched.compared}
    best = sorted(found, key=lambda shown: -(found[shown].value or 0.0))
    shown, rest = _few(best)
    parts = [
        f"{write_interval(found[each], 'share')} of the queries with {each.index}"
        if not place
        else f"{write_interval(found[each], 'share')} with {each.index}"
        for place, each in enumerate(shown)
    ]
    k = best[0].k
    return (
        f"{threshold(delta, k)} or more of the {k} neighbors (Robustness-{delta:g}) were found for "
        f"{_listed(parts)}{rest}."
    )


def say_left_out(matched: MatchedRecall) -> str:
    """Indexes that have no setting near the level, or nothing."""
    far = [shown for shown in matched.chosen.values() if not matched.is_at_level(shown)]
    if not far or not matched.is_matched:
        return ""
    named = _listed(
        [f"{shown.title} ({write(shown.recall, 'score')})" for shown in far[:_FEW]]
        + ([f"{len(far) - _FEW} more"] if len(far) > _FEW else [])
    )
    return (
        f"Not at matched recall, because no setting came near it: {named}. With "
        "other settings they can be compared."
    )


def title(report: Report) -> str:
    """The page's title."""
    if not report.panels:
        return "How evenly do these indexes answer?"
    data = list(dict.fromkeys(panel.data for panel in report.panels))
    indexes = list(dict.fromkeys(shown.title for shown in report.settings))
    who = _listed(indexes) if len(indexes) <= _FEW else f"{len(indexes)} indexes"
    verb = "does" if len(indexes) == 1 else "do"
    return f"How evenly {verb} {who} answer on {_listed(data)}?"


def _measure(shown: Setting, name: str) -> Ends:
    return summarize_setting(shown).measures[f"{name}@{shown.k}"]


def _few(settings: Sequence[Setting]) -> tuple[Sequence[Setting], str]:
    """All of a few, or the first ones and the last with a word about those between."""
    if len(settings) <= _FEW:
        return settings, ""
    kept = [*settings[: _FEW - 2], settings[-1]]
    return kept, f" (the other {len(settings) - len(kept)} lie between)"


def _listed(items: Iterable[str]) -> str:
    *head, last = items
    return f"{', '.join(head)} and {last}" if head else last


_VERDICT_DELTAS = (0.5, 1.0)
_VERDICT_PRICES = ("p99_latency", "qps")


def verdict_table(panel: Panel, matched: MatchedRecall, delta: float = usual.DELTA) -> Table:
    """One row for each index at matched recall: the verdict, with 95 % intervals.

    Those that have no setting there come last, faded, and say at which recall they are. One column
    is that of the slider, which stands at `delta` first.
    """
    order = sorted(matched.chosen.values(), key=lambda shown: not matched.is_at_level(shown))
    rows = {shown: summarize_setting(shown).measures for shown in order}
    prices = [
        BY_KEY[key]
        for key in _VERDICT_PRICES
        if any(of[BY_KEY[key].name(panel.k)].value is not None for of in rows.values())
    ]
    robustness = [f"Robustness(delta={each})@{panel.k}" for each in _VERDICT_DELTAS]
    shown_ = [BY_KEY[key] for key in ("zero_recall", "worst")]
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("mean recall", "The average that is usually reported"),
        Column("R-δ", "Share of the queries that reach the slider's δ", live="robustness"),
        *(
            Column(Robustness(each).short, f"Share of the {Robustness(each).label}")
            for each in _VERDICT_DELTAS
        ),
        *(Column(each.short, each.title) for each in (*shown_, *prices)),
    ]
    table = []
    for shown, of in rows.items():
        is_off = len(rows) > 1 and not matched.is_at_level(shown)
        recall = write(shown.recall, "score")
        cells = [
            Cell(shown.title),
            Cell(shown.label or "–", note=f"not comparable: recall {recall}" if is_off else ""),
            number_cell(of[f"Recall@{panel.k}"], "score"),
            number_cell(_reached(shown, delta), "share"),
            *(number_cell(of[name], "share") for name in robustness),
            *(number_cell(of[each.name(panel.k)], each.unit) for each in (*shown_, *prices)),
        ]
        table.append(Row(cells, pick=shown.id, index=shown.title, off=is_off))
    faded = " (faded: no setting there)" if any(row.off for row in table) else ""
    return Table(
        f"verdict-{panel.id}",
        f"{matched.heading}, about {matched.level:.2f}{faded}: {panel.name}",
        "R-δ: share of the queries with recall ≥ δ, which the slider sets. Zero-recall: "
        "share of the queries none of whose neighbors was found. p99: the latency that one call in "
        "a hundred exceeds. Small figures: 95 % intervals over queries and builds.",
        columns,
        table,
        panel=panel.id,
    )


def _reached(shown: Setting, delta: float) -> Interval:
    """Robustness at δ, as the page's slider shows it."""
    need, curve = threshold(delta, shown.k), shown.curve
    return Interval(*(float(each[need]) for each in (curve.value, curve.low, curve.high)))
