"""What a comparison says, in words, and whether a gate lets it through."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

from vbench._document import Interval
from vbench._invocation import spell_option
from vbench.analysis.comparison import Compared, Gate
from vbench.errors import VbenchError
from vbench.measures import usual
from vbench.numbers import count, write, write_difference, write_difference_ends
from vbench.runs.pairing import Pair
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.views import label_view
from vbench.stats.intervals import queries_needed

_NAMED = 5
_SPOILING = ("failed-trials", "unstable-ids", "random-recall", "shifted-ids")
_SPOILING_SPEED = ("busy-machine", "old-kernel")
"""What was found in a run that its comparisons must not be read without."""


def say_verdict(row: Compared, tests: int) -> str:
    """One comparison in a sentence; `tests` is how many were tested together."""
    said = _say_verdict(row, tests)
    return f"{row.under}: {said}" if row.under else said


def say_choice(rows: Sequence[Compared]) -> str:
    """Which side to take by all that was compared; or why that cannot be said."""
    if rows and all(row.identical for row in rows):
        return "Either: all builds gave identical answers, so there is nothing to compare."
    won: dict[str, list[str]] = {}
    for row in rows:
        if row.better is not None and row.claim != "builds differ":
            winner = row.baseline if row.better == "baseline" else row.candidate
            said = f"{row.measure} {row.under}".strip()
            won.setdefault(winner, []).append(said)
    if not won:
        why = "no difference of the indexes was shown"
        return f"That cannot be said: {why} in what was compared ({count(len(rows), 'rows')})."
    parts = [f"{name} in {', '.join(measures)}" for name, measures in won.items()]
    if len(won) == 1:
        return f"{parts[0]}; elsewhere no difference was shown or asked for."
    return f"That depends on what counts: {'; '.join(parts)}."


def _say_verdict(row: Compared, tests: int) -> str:
    name, a, b = row.measure, row.baseline, row.candidate
    if row.identical:
        return "identical answers in all builds: nothing to compare"
    if row.unjudged is not None:
        return (
            f"{name} cannot be judged: {row.unjudged}; it is "
            f"{write(row.baseline_value.value, row.unit)} with {a} and "
            f"{write(row.candidate_value.value, row.unit)} with {b}"
        )
    if row.p is None or row.difference is None:
        return (
            f"nothing can be said of {name}: one build of each leaves no chance to measure; "
            f"run with {spell_option('builds', 3)}"
        )
    if row.different:
        direction = "higher" if row.difference > 0 else "lower"
        by = f"{name} is {direction} by {_say_size(row)}"
        if row.claim == "builds differ":
            return f"these two builds differ: {by} with {b}; more builds would tell of the indexes"
        winner, loser = (b, a) if row.better == "candidate" else (a, b)
        return f"{winner} beats {loser}: {by} with {b}"
    why = ""
    if row.low is not None and row.high is not None and not row.low <= 0.0 <= row.high:
        # Of one test alone it would be a difference; of single builds the test is another.
        why = (
            f" leaves 0 out, but {tests} comparisons were tested together (p {row.p:.2g}, "
            f"{row.p_holm:.2g} by Holm)"
            if tests > 1 and row.p_holm is not None
            else f" leaves 0 out, but the exact test does not (p {row.p:.2g})"
        )
    what = "the builds" if row.claim == "builds differ" else "the indexes"
    return (
        f"no difference shown between {what}: {name} "
        f"{write_difference(row.difference, row.unit)} "
        f"{write_difference_ends(row.interval, row.unit)}{why}; {_say_detectable(row)}"
    )


def _say_size(row: Compared) -> str:
    """How large a difference is, without its sign."""
    sizes = [None if each is None else abs(each) for each in (row.difference, row.low, row.high)]
    size, low, high = sizes
    said = write_difference(size, row.unit, signed=False)
    if low is None or high is None or row.low is None or row.high is None or row.low * row.high < 0:
        return said
    ends = Interval(size, *sorted((low, high)))
    return f"{said} {write_difference_ends(ends, row.unit, signed=False)}".rstrip()


def _say_detectable(row: Compared) -> str:
    detectable = row.minimum_detectable_difference
    if detectable is None:
        return "so few queries and builds could not show any"
    return (
        "the minimum detectable difference is "
        f"{write_difference(detectable, row.unit, signed=False)} (80 % power)"
    )


def read_limit(given: float | str) -> float:
    """The loss at which a gate fails: a number from 0 on, or a percentage such as ``1%``."""
    text = str(given).strip()
    percent = text.endswith("%")
    with contextlib.suppress(ValueError):
        limit = float(text.removesuffix("%")) / (100.0 if percent else 1.0)
        if 0.0 <= limit < math.inf:
            return limit
    raise VbenchError(f"fail_if_worse={text}; give a number from 0 on, such as 0.01 or 1%")


def judge_gate(
    rows: Sequence[Compared],
    limit: float,
    *,
    missing: Sequence[str] = (),
    fail_if_blind: bool = False,
) -> Gate:
    """Which comparisons a gate stops: those significantly worse, by `limit` at least.

    A setting that is `missing` is lost, whatever the limit.
    """
    return Gate(
        limit=limit,
        failed=[f"{row.measure}: {row.verdict}" for row in rows if row.is_worse_by(limit)],
        blind=[
            f"{row.measure}, {f'{row.candidate} {row.under}'.strip()}: "
            f"only a loss of {_say_loss(row)} is detectable"
            for row in rows
            # NaN is not less: nothing could be detected.
            if not row.different
            and not row.identical
            and row.unjudged is None
            and not abs(row.loss(row.minimum_detectable_difference)) <= max(limit, usual.TOLERANCE)
        ],
        missing=list(missing),
        unjudged=[row.verdict for row in rows if row.unjudged is not None],
        fail_if_blind=fail_if_blind,
    )


def _say_loss(row: Compared) -> str:
    detectable = row.minimum_detectable_difference
    if detectable is None:
        return "more than there can be"
    if row.kind == "cost":
        return write(abs(row.loss(detectable)), "share")
    return write_difference(detectable, row.unit, signed=False)


def tell_missing(missing: Sequence[str]) -> Iterator[Warn]:
    """That planned results are not there, in one warning."""
    if missing:
        shown = "; ".join(missing[:_NAMED])
        more = f"; and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        yield Warn(
            "missing results",
            f"{shown}{more}",
            "what has no result is left out here, and may be the worst",
            "give the same vbench run again, which measures what is missing",
            code="missing-results",
        )


def caveats(
    pairs: Sequence[Pair], runs: Sequence[Run], queries: int, level: float, *, speed: bool
) -> Iterator[Warn]:
    """What to know before a comparison is believed; `speed` tells that costs are compared."""
    for pair in pairs:
        a, b = pair.baseline, pair.candidate
        name_a, name_b = pair.names
        where = label_view(
            a.run.view.filter, None if pair.masks else a.run.view.mask, a.run.view.step
        )
        if a.search != b.search and not usual.is_matched(a.recall, b.recall):
            yield Warn(
                "recall not matched",
                f"mean recall is {write(a.recall, 'score')} with {name_a} and "
                f"{write(b.recall, 'score')} with {' '.join(filter(None, (name_b, where)))}",
                "at different recall the tails differ for that reason alone",
                f"bring both to the same recall: run each with {spell_option('at_recall', 0.9)}",
                code="recall-not-matched",
            )
    for run in runs:
        yield from (each for each in run.manifest.warnings if spoils(each, speed=speed))
    enough = queries_needed(0.99, level)
    if queries < enough:
        yield Warn(
            "few queries",
            f"{queries} queries",
            f"{enough} without a failure are needed to show that 99 % pass",
            "run more queries; each verdict says which difference is detectable",
            code="few-queries",
        )


def few_builds(
    rows: Sequence[Compared], with_twice: Sequence[float], limit: float | None
) -> Iterator[Warn]:
    """The first measure whose difference, or a gate's limit, only twice the builds would show.

    `with_twice` is the minimum detectable difference of each row, had each side twice as many.
    """
    for row, then in zip(rows, with_twice, strict=True):
        now = row.minimum_detectable_difference
        looked_for = max(abs(row.difference or 0.0), limit or 0.0)
        if row.different or row.p is None or row.kind == "cost" or min(row.builds) < 2:
            continue
        if then <= looked_for < (math.inf if now is None else now):
            yield Warn(
                "few builds",
                f"{row.baseline} has {row.builds[0]} builds, {row.candidate} {row.builds[1]}; "
                f"of {row.measure}, {_say_detectable(row)}",
                "with twice as many builds it would be about "
                f"{write_difference(then, row.unit, signed=False)}",
                f"run with {spell_option('builds', 2 * min(row.builds))}",
                code="few-builds",
            )
            return


def spoils(warning: Warn, *, speed: bool) -> bool:
    """Whether a run's warning must be known of its results elsewhere, of its `speed` too."""
    # Runs of 0.1 have no codes; what they call it is the same in words.
    code = warning.code or warning.about.replace(" ", "-")
    return code in _SPOILING or (speed and code in _SPOILING_SPEED)
