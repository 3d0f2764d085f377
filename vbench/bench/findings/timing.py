"""Warnings about time: passes that were disturbed, clocks that differ, answers remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vbench._invocation import spell_option
from vbench.numbers import write
from vbench.runs.facts import TrialFacts
from vbench.runs.rows import Rows
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.settings import Setting

_CLOCKS_SHARE, _CLOCKS_SECONDS = 0.05, 0.005
"""By how much two clocks may differ: share and seconds."""
_CACHE_FACTOR, _CACHE_NS = 3.0, 20_000.0
"""How much longer a first touch takes where an index remembers: so many times, and so long."""


def warn_of_time(run: Run, settings: Sequence[Setting]) -> Iterator[Warn]:
    """All warnings about time."""
    facts = [run.facts(trial) for setting in settings for trial in setting.trials]
    yield from _of_disturbance(facts)
    yield from _of_clocks(facts)
    for setting in settings:
        yield from _of_caches(run, setting)


def _of_disturbance(facts: Sequence[TrialFacts]) -> Iterator[Warn]:
    disturbed = [each for each in facts if each.is_disturbed]
    if disturbed:
        lowest = min(
            part.cpu_share or 0.0 for each in disturbed for part in each.passes if part.disturbed
        )
        whole = sum(each.is_all_disturbed for each in disturbed)
        in_every_pass = f", {whole} of them in every pass" if whole else ""
        yield Warn(
            "busy machine",
            f"{len(disturbed)} of {len(facts)} trials were disturbed{in_every_pass}: the worker "
            f"had its core for as little as {lowest:.0%} of the time",
            "their speed is that of the machine as much as of the index",
            f"stop other work and run again with {spell_option('fresh', True)} before ranking by "
            "speed; CpuTime hardly depends on other work",
            code="busy-machine",
        )


def _of_clocks(facts: Sequence[TrialFacts]) -> Iterator[Warn]:
    """Trials whose worker saw another time go by than the process that asked."""
    apart = [each for each in facts if _clocks_differ(each)]
    if apart:
        names = ", ".join(dict.fromkeys(each.build.index for each in apart))
        ratio = max((each.clock_ratio or 0.0 for each in apart), key=lambda r: abs(r - 1.0))
        yield Warn(
            "clocks differ",
            f"{names}: in {len(apart)} of {len(facts)} trials the worker's clock saw "
            f"{ratio:.3g} of the time that went by",
            "every time of these trials may be wrong by that factor",
            "do not use them; look for what replaces the system's clock in the worker",
            code="clocks",
        )


def _clocks_differ(facts: TrialFacts) -> bool:
    ratio = facts.clock_ratio
    if ratio is None or abs(ratio - 1.0) <= _CLOCKS_SHARE:
        return False
    if ratio < 1.0 and facts.is_disturbed:
        # Who has to wait for a core is asked late and answers late: that is told already.
        return False
    passes = sum(each.wall_s or 0.0 for each in facts.passes)
    return ratio == 0.0 or passes * abs(1.0 / ratio - 1.0) > _CLOCKS_SECONDS


def _of_caches(run: Run, setting: Setting) -> Iterator[Warn]:
    """An index that knows an answer when it is asked again, at this setting or another."""
    found: list[tuple[float, float]] = []
    for trial in setting.trials:
        rows, unseen = run.rows(trial, ("first_ns", "latency_ns")), run.facts(trial).unseen_ns
        found += _first_and_later(rows)
        if unseen is not None and rows.latency_ns is not None and rows.latency_ns.size:
            found.append((unseen, float(np.median(rows.latency_ns))))
    remembered = [
        (first, later)
        for first, later in found
        if first >= _CACHE_FACTOR * later and first - later >= _CACHE_NS
    ]
    if remembered:
        first, later = max(remembered, key=lambda pair: pair[0] / max(pair[1], 1.0))
        yield Warn(
            "a cache",
            f"{setting}: asked again ×{first / max(later, 1.0):.3g} faster "
            f"({write(later * 1e-9, 'seconds')}) than the first time "
            f"({write(first * 1e-9, 'seconds')})",
            "QPS and latencies are those of remembered answers, which no new query gets",
            "switch the cache off, or judge by first_ns and unseen_ns of the trials",
            code="cache",
            setting=str(setting),
        )


def _first_and_later(rows: Rows) -> list[tuple[float, float]]:
    """Median ns of the first touches and of the later calls, where there are both."""
    if rows.first_ns is None or rows.latency_ns is None:
        return []
    # The first pass is a counted one unless it was disturbed and made again.
    counted = np.array_equal(rows.first_ns, rows.latency_ns[:, 0])
    later = rows.latency_ns[:, 1:] if counted else rows.latency_ns
    return [(float(np.median(rows.first_ns)), float(np.median(later)))] if later.size else []
