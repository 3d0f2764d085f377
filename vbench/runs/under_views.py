"""Pairs in every view that two sides have: like views alone, and the masks of a filter as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

from vbench.errors import VbenchError
from vbench.runs.failed import Gap, find_gaps
from vbench.runs.likes import Likes
from vbench.runs.pairing import Pair
from vbench.runs.run import Run
from vbench.runs.schema import View
from vbench.runs.selection import match, select
from vbench.runs.settings import Setting
from vbench.runs.views import find_views, name_filter, name_view, planned_views

PairHere = Callable[[list[Run]], Likes]
"""Pairs runs that are all opened in one view."""


def choose_views(
    runs: Sequence[Run],
    name: str | None,
    settings: Sequence[str] = (),
    indexes: Iterable[str | None] = (None,),
) -> list[list[View]]:
    """The views to go through, the masks of one filter together.

    Without a name: every view, but those in which no run has what is asked for, as `settings` may
    be of one view alone where each was brought to a recall of its own.
    """
    if name is not None:
        return _by_filter(find_views(runs, name))
    every = _by_filter({view.key: view for run in runs for view in planned_views(run)}.values())
    named: list[str | None] = [each for each in indexes if each is not None]
    fitting = [
        views
        for views in every
        if all(
            any(_has(run.in_view(views[0]), settings, each) for run in runs)
            for each in named or [None]
        )
    ]
    return fitting or every


def pair_views(
    runs: Sequence[Run], groups: Sequence[Sequence[View]], pair_here: PairHere, *, alike: bool
) -> Likes:
    """The pairs of each filter, under one of its masks, with the same under the others.

    Parameters
    ----------
    alike
        Whether a view that only one side planned is a gap.

    Raises
    ------
    VbenchError
        The runs have no view in common.
    """
    found = Likes([], [])
    is_shared = False
    for views in groups:
        held = {run: _keys_of(planned_views(run)) & _keys_of(views) for run in runs}
        there = [run for run in runs if held[run] & held[runs[0]]]
        keys = set.intersection(*(held[run] for run in there)) if there else set()
        common = [view for view in views if view.key in keys]
        if len(there) == len(runs) == 1 or len(there) > 1:
            is_shared = True
            _pair_view(found, there, common, pair_here)
        if alike:
            found.gaps.extend(
                Gap(setting, f"not planned in {other.path}")
                for run in runs
                for other in runs
                for view in views
                if view.key in held[run] - held[other] and runs[0] in (run, other)
                for setting in run.in_view(view).settings()
            )
    if not is_shared:
        shown = [f"{run.path} has {', '.join(map(name_view, planned_views(run)))}" for run in runs]
        raise VbenchError(f"no view is in all runs: {'; '.join(shown)}")
    return found


def _pair_view(
    found: Likes, there: Sequence[Run], masks: Sequence[View], pair_here: PairHere
) -> None:
    """Add the pairs and gaps of one filter, whose masks all these runs have."""
    answered = [view for view in masks if all(run.in_view(view).settings() for run in there)]
    if not answered:
        lost = (run.in_view(view).unanswered() for view in masks for run in there)
        found.gaps.extend(gap for each in lost for gap in find_gaps(each))
        return
    likes = pair_here([run.in_view(answered[0]) for run in there])
    found.gaps.extend(likes.gaps)
    for pair in likes.pairs:
        whole, gaps = _add_masks(pair, [view for view in masks if view is not answered[0]])
        found.pairs.append(whole)
        found.gaps.extend(gaps)


def under_masks(setting: Setting, views: Sequence[View]) -> tuple[Setting, ...]:
    """A setting, and the same under other masks of its filter, answered or not."""
    others = (_same_in(setting, view) for view in views if view.key != setting.run.view.key)
    return (setting, *(each for each in others if each is not None))


def _keys_of(views: Iterable[View]) -> set[str]:
    return {view.key for view in views}


def _by_filter(views: Iterable[View]) -> list[list[View]]:
    groups: dict[str, list[View]] = {}
    for view in views:
        groups.setdefault(name_filter(view), []).append(view)
    return list(groups.values())


def _has(run: Run, settings: Sequence[str], name: str | None) -> bool:
    """Whether a view has what is asked for; one without any result may have it."""
    if not run.settings():
        return True
    try:
        return bool(match(select(run, settings, planned=True), name))
    except VbenchError:
        return False


def _unplanned(run: Run, lacking: Run) -> Iterator[Gap]:
    for setting in run.settings():
        yield Gap(setting, f"not planned in {lacking.path}")


def _add_masks(pair: Pair, views: Sequence[View]) -> tuple[Pair, list[Gap]]:
    masks: list[Pair] = []
    gaps: list[Gap] = []
    for view in views:
        sides = [_same_in(side, view) for side in pair.sides]
        gaps += find_gaps(each for each in sides if each is not None)
        a, b = sides
        if a is not None and b is not None and a.trials and b.trials:
            masks.append(Pair(a, b))
    return dataclasses.replace(pair, masks=tuple(masks)), gaps


def _same_in(setting: Setting, view: View) -> Setting | None:
    """A setting in another view: the same, or what brought its index to the same recall there."""
    run = setting.run.in_view(view)
    own = [
        each
        for each in (*run.settings(loads=True), *run.unanswered(loads=True))
        if (each.index, each.build, each.k, each.load.key)
        == (setting.index, setting.build, setting.k, setting.load.key)
    ]
    same = [each for each in own if each.search == setting.search]
    if same:
        return same[0]
    return own[0] if len(own) == 1 and run.manifest.options.at_recall is not None else None
