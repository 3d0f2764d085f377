"""Builds that were loaded and not made for this run, made beside others, or on unlike machines."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from vbench._invocation import spell_option
from vbench.runs.run import Run
from vbench.runs.schema import Warn


def warn_of_builds(run: Run) -> Iterator[Warn]:
    """All of these."""
    yield from _of_loading(run)
    yield from _of_company(run)
    yield from _of_machines(run)


def _of_machines(run: Run) -> Iterator[Warn]:
    """Each index whose builds were measured on machines that are not alike."""
    where: dict[str, dict[str, set[str]]] = {}
    for trial in run.done:
        facts = run.facts(trial)
        environment = run.manifest.environments.get(facts.environment or "")
        if environment is not None:
            known = environment.machine
            named = f"{known.processor} with {known.usable_cores} cores"
            where.setdefault(facts.build.index, {}).setdefault(named, set()).add(trial.build)
    for index, machines in where.items():
        if len(machines) > 1:
            shares = "; ".join(f"{len(builds)} on {name}" for name, builds in machines.items())
            yield Warn(
                "unlike machines",
                f"{index}: builds were measured on {len(machines)} unlike machines: {shares}",
                "times, and their spread over builds, are those of the machines as much as of the "
                "index; answers are comparable",
                "measure all builds on machines that are alike, where costs decide",
                code="unlike-machines",
            )


def _of_company(run: Run) -> Iterator[Warn]:
    builds = {trial.build: run.facts(trial).beside for trial in run.done}
    several = [beside for beside in builds.values() if beside]
    if several:
        yield Warn(
            "builds side by side",
            f"{len(several)} of {len(builds)} builds were made up to {max(several) + 1} at a time, "
            "each on its own cores",
            "they share caches and memory: BuildTime may be longer than alone, and differs by who "
            "was beside whom; searches were timed while no build was made",
            f"leave {spell_option('jobs')} away where BuildTime decides",
            code="builds-side-by-side",
        )


def _of_loading(run: Run) -> Iterator[Warn]:
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
