"""Matched recall: bring each index to one mean recall by moving its parameter."""

from __future__ import annotations

import math

import numpy as np

from vbench.bench.bench import Bench
from vbench.bench.parameter_search import ParameterSearch, falls
from vbench.bench.plan import Group
from vbench.bench.session import TrialError
from vbench.runs import files
from vbench.runs.rows import read_facts, read_rows
from vbench.runs.schema import Level

TOLERANCE = 0.005
_ROUNDING = 1e-12
_MOST = 20
"""Settings tried before giving up; halving alone needs 12 for whole numbers up to 4096."""
_PERFECT = 1e-3


def bring_to_level(bench: Bench, group: Group, target: float) -> Level:
    """Try settings on all builds of a group until their mean recall is that of the target."""
    tried: list[tuple[float, float]] = []
    search = None
    if group.range is not None:
        search = ParameterSearch(group.range, miss_exponent(target), group.start)
    fault = ""
    while len(tried) < _MOST:
        value = _next(search) if search else None
        if search and value is None:
            break
        try:
            recall = _mean_recall(bench, group, value)
        except TrialError as error:
            fault = f"a trial left no result: {error.reason}"
            break
        tried.append((0.0 if value is None else value, recall))
        if search is None or value is None or is_level(recall, target):
            break
        search.tell(value, miss_exponent(recall))
    return _outcome(group, target, tried, search, fault)


def _next(search: ParameterSearch) -> float | None:
    """The next value to try.

    Before giving up at the high end, the low end is tried too, at little cost: that tells a
    parameter that works the other way round.
    """
    value = search.propose()
    low = round(search.range.low) if search.range.whole else search.range.low
    if value is None and search.above is None and low not in search.scores:
        return low
    return value


def miss_exponent(recall: float) -> float:
    """−ln(1 − recall): about linear in the logarithm of the search effort."""
    return -math.log(max(1.0 - recall, _PERFECT))


def is_level(recall: float, target: float) -> bool:
    """Whether a mean recall counts as that of the target."""
    return abs(recall - target) <= TOLERANCE + _ROUNDING


def _mean_recall(bench: Bench, group: Group, value: float | None) -> float:
    trials = bench.ask(group.builds, group.setting(value), group.k, view=group.view)
    paths = [files.trial_path(bench.journal.folder, each.key) for each in trials]
    hits = np.array([read_rows(path, read_facts(path), ()).hits for path in paths])
    possible = bench.possible(group.view, group.k)
    return float(np.mean(hits[:, possible > 0] / possible[possible > 0]))


def _outcome(
    group: Group,
    target: float,
    tried: list[tuple[float, float]],
    search: ParameterSearch | None,
    fault: str,
) -> Level:
    recalls = dict(tried)
    chosen = [value for value, recall in tried if is_level(recall, target)][-1:]
    reached = bool(chosen)
    fall = falls(tried) if group.range is not None else ()
    notes = [fault]
    if not reached and recalls:
        enclosing = [] if search is None or fault else [search.below, search.above]
        chosen = [value for value in enclosing if value is not None]
        if len(chosen) < 2:
            chosen = [min(sorted(recalls), key=lambda value: abs(recalls[value] - target))]
        notes.append(_why(group, target, recalls, chosen, is_certain=not fault and not fall))
    if fall and group.range is not None:
        (low, before), (high, after) = fall
        name = group.range.name
        notes.append(
            f"{name} is not monotone: Recall@{group.k} falls from {before:.4f} at {name}={low} "
            f"to {after:.4f} at {name}={high}"
        )
    build = group.builds[0]
    return Level(
        index=build.index,
        build=build.params,
        fixed=group.fixed,
        k=group.k,
        view=group.view,
        target=target,
        tune_parameter=None if group.range is None else group.range.name,
        tried=[] if group.range is None else tried,
        chosen=[group.setting(None if group.range is None else value) for value in chosen],
        reached=reached,
        note="; ".join(filter(None, notes)),
    )


def _why(
    group: Group,
    target: float,
    recalls: dict[float, float],
    chosen: list[float],
    *,
    is_certain: bool,
) -> str:
    """Why no setting lies at the target; `is_certain` where what is untried is known to miss it."""
    k = group.k
    if group.range is None:
        (recall,) = recalls.values()
        return f"no parameter to tune: Recall@{k} is {recall:.4f}"
    name = group.range.name
    if len(chosen) == 2:
        low, high = chosen
        neighbors = group.range.whole and high - low <= 1
        words = f"no value of {name} lies" if neighbors else f"the level lies at a {name}"
        ends = f"{low} ({recalls[low]:.4f}) and {high} ({recalls[high]:.4f})"
        return f"{words} between {ends}: both are shown"
    (best,) = chosen
    if not is_certain:
        words = "the nearest that was measured"
    elif recalls[best] < target:
        words = f"out of reach: the best that {name} up to {max(recalls)} gives"
    else:
        words = f"out of reach: the lowest that {name} from {min(recalls)} on gives"
    return f"{words} is Recall@{k} {recalls[best]:.4f} at {name}={best}"
