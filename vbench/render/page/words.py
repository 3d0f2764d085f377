"""The run in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vbench.analysis.gather import Panel, Report
from vbench.analysis.matched import MatchedRecall
from vbench.render.quantities import percent, percents
from vbench.runs.settings import Setting

_METRICS = {"l2": "Euclidean distance", "ip": "inner product", "cosine": "cosine similarity"}
_FEW = 4
_OVERLAP = (
    "; the 95 % intervals of the first and the last overlap: vbench compare tells whether they "
    "differ"
)


def measured(panel: Panel) -> str:
    """What was measured, on what."""
    facts, options = panel.facts, panel.options
    count = len(panel.indexes)
    who = panel.indexes[0] if count == 1 else f"{count} indexes"
    times = {1: "once", 2: "twice"}.get(options.builds, f"{options.builds} times")
    return (
        f"{facts.m:,} queries of {panel.data} asked {who} for their {panel.k} nearest among "
        f"{facts.n:,} vectors ({facts.d} dimensions, {_METRICS[facts.metric]}); each index was "
        f"built {times}, and every answer was checked against the exact neighbors."
    )


def nothing_right(matched: MatchedRecall) -> str:
    """Who is left with nothing, at matched recall."""
    compared = sorted(matched.compared, key=_failures)
    if matched.is_matched:
        head = f"At matched recall {matched.level:.2f}"
    elif len(compared) == 1:
        head = f"At a mean recall of {compared[0].recall:.2f}"
    else:
        head = "At the settings nearest to each other in mean recall"
    shown, rest = _few(compared)
    parts = [
        f"{each.index} leaves {_share(*_failures(each))} of the queries with nothing right"
        if not place
        else f"{each.index} {_share(*_failures(each))}"
        for place, each in enumerate(shown)
    ]
    (_, _, first), (_, last, _) = _failures(compared[0]), _failures(compared[-1])
    doubt = "" if len(compared) == 1 or first < last else _OVERLAP
    return f"{head}, {_listed(parts)}{rest}{doubt}."


def reached(matched: MatchedRecall, delta: float, need: int) -> str:
    """Who serves most queries well, at matched recall."""
    settings = matched.compared
    best = sorted(settings, key=lambda shown: -shown.curve.value[need])
    shown, rest = _few(best)
    parts = [
        f"{_share(*_reached(each, need))} of the queries with {each.index}"
        if not place
        else f"{_share(*_reached(each, need))} with {each.index}"
        for place, each in enumerate(shown)
    ]
    return (
        f"{need} or more of the {settings[0].k} neighbors (Robustness-{delta:g}) were found for "
        f"{_listed(parts)}{rest}."
    )


def left_out(matched: MatchedRecall) -> str:
    """Indexes that have no setting near the level, or nothing."""
    far = [shown for shown in matched.chosen.values() if not matched.is_at_level(shown)]
    if not far or not matched.is_matched:
        return ""
    named = _listed(
        [f"{shown.title} ({shown.recall:.2f})" for shown in far[:_FEW]]
        + ([f"{len(far) - _FEW} more"] if len(far) > _FEW else [])
    )
    return (
        f"Not at matched recall, because no setting came near it: {named}. Give them "
        "other settings with --set, and they can be compared."
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


def _reached(shown: Setting, need: int) -> tuple[float, float, float]:
    """Share of the queries with so many hits, and its interval."""
    curve = shown.curve
    return float(curve.value[need]), float(curve.low[need]), float(curve.high[need])


def _failures(shown: Setting) -> tuple[float, float, float]:
    """Share of the queries without a hit, and its interval."""
    value, low, high = _reached(shown, 1)
    return 1.0 - value, 1.0 - high, 1.0 - low


def _share(value: float, low: float, high: float) -> str:
    return f"{percent(value)} ({percents(low, high)})"


def _few(settings: Sequence[Setting]) -> tuple[Sequence[Setting], str]:
    """All of a few, or the first ones and the last with a word about those between."""
    if len(settings) <= _FEW:
        return settings, ""
    kept = [*settings[: _FEW - 2], settings[-1]]
    return kept, f" (the other {len(settings) - len(kept)} lie between)"


def _listed(items: Iterable[str]) -> str:
    *head, last = items
    return f"{', '.join(head)} and {last}" if head else last
