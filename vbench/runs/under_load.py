"""Settings under loads: those of a setting, and pairs of two that were asked alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vbench.measures.base import Measure
from vbench.runs.failed import Gap, find_gaps
from vbench.runs.loads import describe_load
from vbench.runs.pairing import Pair
from vbench.runs.run import Run
from vbench.runs.schema import SINGLE
from vbench.runs.settings import Setting


def is_loaded(setting: Setting) -> bool:
    """Whether a setting was asked otherwise than one query after another."""
    return setting.load.key != SINGLE


def tells(setting: Setting, measure: Measure) -> bool:
    """Whether a measure says something of a setting that it does not say of it alone.

    Under a load answers are the same, and only times are others; some are not taken there.
    """
    if not is_loaded(setting):
        return True
    if not measure.is_clocked:
        return False
    answers = setting.run.answers(setting.trials[0], ids=False) if setting.trials else None
    return answers is None or measure.value(answers) is not None


def find_loaded(settings: Iterable[Setting], *, planned: bool = False) -> list[Setting]:
    """The settings under their loads; with `planned` also those without a result."""
    every: dict[Run, dict[str, list[Setting]]] = {}
    found: list[Setting] = []
    for setting in settings:
        run = setting.run
        if run not in every:
            groups: dict[str, list[Setting]] = {}
            if any(load.key != SINGLE for load in run.manifest.loads):
                for each in [*run.settings(loads=True), *run.unanswered(loads=True)]:
                    if is_loaded(each):
                        groups.setdefault(_key(each), []).append(each)
            every[run] = groups
        found += [each for each in every[run].get(_key(setting), []) if planned or each.trials]
    return found


def pair_loads(pairs: Sequence[Pair], *, alike: bool) -> tuple[list[Pair], list[Gap]]:
    """For each pair the same two settings under each load that both were asked under, and gaps.

    A gap is what was planned and left no result; where both sides must be `alike`, also what only
    one of them planned.
    """
    found: list[Pair] = []
    gaps: list[Gap] = []
    for pair in pairs:
        a, b = (
            {describe_load(each.load): each for each in find_loaded([side], planned=True)}
            for side in pair.sides
        )
        for info in dict.fromkeys([*a, *b]):
            both = [side[info] for side in (a, b) if info in side]
            if len(both) == 2 and all(each.trials for each in both):
                found.append(Pair(both[0], both[1]))
            if alike and len(both) == 1:
                other = pair.candidate if info in a else pair.baseline
                gaps.append(Gap(both[0], f"not planned for {other} in {other.run.path}"))
            elif len(both) == 2:
                gaps += find_gaps(both)
    return found, gaps


def _key(setting: Setting) -> str:
    return repr((setting.index, setting.build, setting.search, setting.k))
