"""What a comparison says, in words, and whether a gate lets it through."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vbench.measures import usual
from vbench.numbers import amount
from vbench.runs.pairing import Pair
from vbench.runs.schema import Warn
from vbench.stats.intervals import queries_needed

Entry = Mapping[str, Any]

_SPOILING = ("failed-trials", "unstable-ids", "random-recall", "shifted-ids")
_SPOILING_SPEED = ("busy-machine", "old-kernel")
"""What was found in a run that its comparisons must not be read without."""


def verdict(entry: Entry, tests: int) -> str:
    """One comparison in a sentence.

    Parameters
    ----------
    entry
        As :func:`vbench.analysis.compare.compare` makes them.
    tests
        How many comparisons were tested together.
    """
    name, a, b = entry["measure"], entry["baseline"], entry["candidate"]
    if math.isnan(entry["p"]):
        return (
            f"nothing can be said of {name}: one build of each leaves no chance to measure; "
            "run with --builds 3"
        )
    size = amount(name, abs(entry["difference"]))
    ends = sorted((abs(entry["low"]), abs(entry["high"])))
    beyond = entry["low"] * entry["high"] > 0
    interval = f"[{', '.join(amount(name, end) for end in ends)}]" if beyond else ""
    if entry["different"]:
        direction = "higher" if entry["difference"] > 0 else "lower"
        by = f"{name} is {direction} by {size} {interval}".strip()
        if entry["claim"] == "builds differ":
            return f"these two builds differ: {by} with {b}; more builds would tell of the indexes"
        winner, loser = (b, a) if entry["better"] == "candidate" else (a, b)
        return f"{winner} beats {loser}: {by} with {b}"
    together = f" among {tests} comparisons" if tests > 1 and entry["p"] < 0.05 else ""
    what = "the builds" if entry["claim"] == "builds differ" else "the indexes"
    difference, low, high = (
        amount(name, entry[part], signed=True) for part in ("difference", "low", "high")
    )
    return (
        f"no difference shown{together} between {what}: {name} {difference} "
        f"[{low}, {high}]; {_could_see(entry)}"
    )


def _could_see(entry: Entry) -> str:
    if not could_be_seen(entry):
        return "so few queries and builds could not have shown any"
    return (
        f"one of {amount(entry['measure'], entry['detectable'])} would have been seen in 4 of 5 "
        "cases"
    )


def could_be_seen(entry: Entry) -> bool:
    """Whether there is a difference that this many queries and builds would have shown."""
    largest = math.inf if entry["kind"] == "cost" else 1.0
    return bool(entry["detectable"] < largest)


def gated(entries: Sequence[Entry], limit: float) -> dict[str, Any]:
    """Which comparisons a gate stops: those surely worse, by `limit` at least.

    `blind` are those that passed, but would have passed a loss of `limit` too.
    """
    return {
        "limit": limit,
        "failed": [
            f"{entry['measure']}: {entry['verdict']}"
            for entry in entries
            if entry["better"] == "baseline" and _loss(entry, "difference") >= limit
        ],
        "blind": [
            f"{entry['measure']}, {entry['candidate']}: only a loss of "
            f"{abs(_loss(entry, 'detectable')):.2g} would have been seen"
            for entry in entries
            if not entry["different"]
            and abs(_loss(entry, "detectable")) > max(limit, usual.TOLERANCE)
        ],
    }


def caveats(found: Sequence[Pair], level: float, *, speed: bool) -> Iterator[Warn]:
    """What to know before a comparison is believed; `speed` tells that costs are compared."""
    for pair in found:
        a, b = pair.baseline, pair.candidate
        name_a, name_b = pair.names
        if a.search != b.search and not usual.is_matched(a.recall, b.recall):
            yield Warn(
                "unequal footing",
                f"mean recall is {a.recall:.3f} with {name_a} and {b.recall:.3f} with {name_b}",
                "at different recall the tails differ for that reason alone",
                "bring both to the same recall: give --at-recall 0.9 to their vbench run",
                code="unequal-footing",
            )
    runs = list(dict.fromkeys(side.run for pair in found for side in pair.sides))
    for run in runs:
        yield from (each for each in run.manifest.warnings if spoils(each, speed=speed))
    queries = min(run.manifest.dataset.m for run in runs)
    enough = queries_needed(0.99, level)
    if queries < enough:
        yield Warn(
            "few queries",
            f"{queries} queries",
            f"{enough} without a failure are needed to show that 99 % pass",
            "ask more queries; the smallest difference that could be seen stands in each verdict",
            code="few-queries",
        )


def spoils(warning: Warn, *, speed: bool) -> bool:
    """Whether a run's warning must be known of its results elsewhere, of its `speed` too."""
    # Runs of 0.1 have no codes; what they call it is the same in words.
    code = warning.code or warning.about.replace(" ", "-")
    return code in _SPOILING or (speed and code in _SPOILING_SPEED)


def _loss(entry: Entry, name: str) -> float:
    """How much worse, in the measure's unit; for a cost, as a share of the baseline."""
    amount = float(entry[name])
    if entry["higher_is_better"]:
        amount = -amount
    return amount / abs(entry["baseline_value"] or 1.0) if entry["kind"] == "cost" else amount
