"""The run in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vbench.render.footing import Footing
from vbench.render.page.gather import Panel, Report, Shown
from vbench.render.quantities import percent, percents

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


def nothing_right(footing: Footing) -> str:
    """Who is left with nothing, at equal recall."""
    equal = sorted(footing.equal.values(), key=_failures)
    if not equal:
        equal = sorted(footing.chosen.values(), key=_failures)
        head = "At the settings nearest to each other in mean recall"
    elif len(equal) == 1:
        head = f"At a mean recall of {equal[0].recall:.2f}"
    else:
        head = f"At equal mean recall {footing.level:.2f}"
    shown, rest = _few(equal)
    parts = [
        f"{each.index} leaves {_share(*_failures(each))} of the queries with nothing right"
        if not place
        else f"{each.index} {_share(*_failures(each))}"
        for place, each in enumerate(shown)
    ]
    (_, _, first), (_, last, _) = _failures(equal[0]), _failures(equal[-1])
    doubt = "" if len(equal) == 1 or first < last else _OVERLAP
    return f"{head}, {_listed(parts)}{rest}{doubt}."


def reached(footing: Footing, delta: float, need: int) -> str:
    """Who serves most queries well, at equal recall."""
    settings = list((footing.equal or footing.chosen).values())
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


def left_out(footing: Footing) -> str:
    """Indexes that have no setting near the level, or nothing."""
    far = [shown for shown in footing.chosen.values() if not footing.is_near(shown)]
    if not far or not footing.equal:
        return ""
    named = _listed(
        [f"{shown.index} ({shown.recall:.2f})" for shown in far[:_FEW]]
        + ([f"{len(far) - _FEW} more"] if len(far) > _FEW else [])
    )
    return (
        f"Not on equal footing, because no setting came near that recall: {named}. Give them "
        "other settings with --set, and they can be compared."
    )


def title(report: Report) -> str:
    """The page's title."""
    if not report.panels:
        return "How evenly do these indexes answer?"
    data = list(dict.fromkeys(panel.data for panel in report.panels))
    indexes = list(dict.fromkeys(shown.index for shown in report.settings))
    who = _listed(indexes) if len(indexes) <= _FEW else f"{len(indexes)} indexes"
    verb = "does" if len(indexes) == 1 else "do"
    return f"How evenly {verb} {who} answer on {_listed(data)}?"


def _reached(shown: Shown, need: int) -> tuple[float, float, float]:
    """Share of the queries with so many hits, and its interval."""
    curve = shown.curve
    return float(curve.value[need]), float(curve.low[need]), float(curve.high[need])


def _failures(shown: Shown) -> tuple[float, float, float]:
    """Share of the queries without a hit, and its interval."""
    value, low, high = _reached(shown, 1)
    return 1.0 - value, 1.0 - high, 1.0 - low


def _share(value: float, low: float, high: float) -> str:
    return f"{percent(value)} ({percents(low, high)})"


def _few(settings: Sequence[Shown]) -> tuple[Sequence[Shown], str]:
    """All of a few, or the first ones and the last with a word about those between."""
    if len(settings) <= _FEW:
        return settings, ""
    kept = [*settings[: _FEW - 2], settings[-1]]
    return kept, f" (the other {len(settings) - len(kept)} lie between)"


def _listed(items: Iterable[str]) -> str:
    *head, last = items
    return f"{', '.join(head)} and {last}" if head else last
