"""Builds that were loaded and not made for this run."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from vbench._invocation import spell_option
from vbench.runs.run import Run
from vbench.runs.schema import Warn


def warn_of_loading(run: Run) -> Iterator[Warn]:
    """Each index of whose builds some were made for an earlier run."""
    made: dict[str, dict[str, set[str | None]]] = {}
    for trial in run.done:
        facts = run.facts(trial)
        made.setdefault(facts.build.index, {}).setdefault(trial.build, set()).add(facts.built)
    for index, builds in made.items():
        # One that was measured when it was built has its own cost here.
        loaded = [times for times in builds.values() if None not in times]
        if loaded:
            first = min(min(filter(None, times)) for times in loaded)
            yield Warn(
                "kept indexes",
                f"{index}: {len(loaded)} of {len(builds)} builds were loaded, which were built "
                f"for an earlier run, the first on {_local(first)}",
                "what is said of building, its time and its memory, is of then",
                f"{spell_option('fresh', True)} builds them again",
                code="kept-indexes",
            )


def _local(time: str) -> str:
    return datetime.datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
