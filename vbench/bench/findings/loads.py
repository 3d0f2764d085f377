"""Warnings about loads: other answers than alone, and a rate that is more than an index can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vbench._invocation import spell_option
from vbench.bench.findings.chance import check_command
from vbench.numbers import write
from vbench.runs.run import Run
from vbench.runs.schema import Trial, Warn
from vbench.runs.settings import Setting
from vbench.runs.under_load import find_loaded

_REACHED = 0.9
"""The share of a rate under which answers do not keep up; arrivals are random."""


def warn_of_loads(run: Run, settings: Sequence[Setting]) -> Iterator[Warn]:
    """All warnings about the loads of some settings."""
    for setting in settings:
        for loaded in find_loaded([setting]):
            yield from _of_answers(run, setting, loaded)
            yield from _of_rate(run, loaded)


def _of_answers(run: Run, alone: Setting, loaded: Setting) -> Iterator[Warn]:
    """Queries that get other ids under a load, beyond those that do so when asked again."""
    by_build = {trial.build: trial for trial in alone.trials}
    pairs = [(by_build[trial.build], trial) for trial in loaded.trials if trial.build in by_build]
    counts = [_count_differing(run, *pair) for pair in pairs]
    unstable = sum(run.facts(each).unstable for pair in pairs for each in pair)
    if (differing := sum(counts)) > unstable:
        queries = run.manifest.dataset.m * len(pairs)
        yield Warn(
            "other answers",
            f"{loaded}: {differing} of {queries} queries got other ids than alone",
            "what is fast then is another search, or one that mixes up its clients",
            f"{check_command(run, loaded)} asks it by several clients",
            code="load-differs",
            setting=str(loaded),
        )


def _count_differing(run: Run, one: Trial, other: Trial) -> int:
    a, b = (run.rows(each, ("ids",)).ids for each in (one, other))
    if a is None or b is None:
        return 0
    return int((np.sort(a, axis=1) != np.sort(b, axis=1)).any(axis=1).sum())


def _of_rate(run: Run, loaded: Setting) -> Iterator[Warn]:
    """At more queries than an index answers, they wait the longer, the more there are."""
    rate = loaded.load.rate
    if rate is None:
        return
    facts = [run.facts(trial) for trial in loaded.trials]
    asked = run.manifest.dataset.m * sum(len(each.passes) for each in facts)
    speed = asked / max(sum(each.wall_s or 0.0 for each in facts), 1e-9)
    if speed < _REACHED * rate:
        yield Warn(
            "rate not reached",
            f"{loaded}: {write(speed, 'rate')} answers a second, asked {rate:g}",
            "queries wait for each other, and so much the longer as there are more of them: "
            "latency is then that of the length of the run",
            f"a lower {spell_option('rate')}, or more {spell_option('clients')}",
            code="rate-not-reached",
            setting=str(loaded),
        )
