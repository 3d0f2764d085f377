"""The views of a run by the names that people give them: a filter's text, `none`, one mask."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TypeVar

from vbench.errors import UnknownNameError
from vbench.runs.run import Run
from vbench.runs.schema import STATIC, View

WHOLE = "none"
"""What the view without a filter is called."""

R = TypeVar("R", bound=Run)


def planned_views(run: Run) -> list[View]:
    """The views that a run asked its indexes in, or meant to, in the order of its plan."""
    planned = {trial.view for trial in run.manifest.trials}
    known = {view.key: view for view in run.manifest.views}
    found = [view for key, view in known.items() if key in planned]
    return found if known.keys() >= planned else [View(), *found]


def name_view(view: View) -> str:
    """What selects a view: ``popularity < 20``, ``random:0.05#2`` of the second mask, `none`.

    ``churn@4`` is that of step 4 of a workload, ``churn@4 & seen`` the same under a filter.
    """
    return name_filter(view) + ("" if view.mask is None else f"#{view.mask + 1}")


def name_filter(view: View) -> str:
    """What selects a view with the other masks of its filter, at its age."""
    age = [] if view.step is None else [f"{view.workload}@{view.step}"]
    return " & ".join([*age, *([] if view.filter is None else [view.filter])]) or WHOLE


def label_view(
    filter_: str | None,
    mask: int | None = None,
    step: int | None = None,
    workload: str | None = None,
) -> str:
    """A view in words that stand behind a setting: ``under popularity < 20``; "" for the whole."""
    age = "" if step is None else f"at step {step}{f' of {workload}' if workload else ''} "
    if filter_ is None:
        return age.rstrip()
    return f"{age}under {filter_}" + ("" if mask is None else f", mask {mask + 1}")


def find_views(runs: Sequence[Run], name: str) -> list[View]:
    """The views of some runs that a name selects: the masks of a filter, or one of them.

    A filter alone selects it at every age.

    Raises
    ------
    UnknownNameError
        No run has such a view.
    """
    return select_views(
        {view.key: view for run in runs for view in planned_views(run)}.values(), name
    )


def select_views(views: Collection[View], name: str) -> list[View]:
    """Those of some views that a name selects.

    Raises
    ------
    UnknownNameError
        There is none.
    """
    wanted = re.sub(r"\s*&\s*", " & ", name.strip())
    found = [view for view in views if wanted in (name_view(view), name_filter(view), view.filter)]
    if not found:
        known = dict.fromkeys(map(name_filter, views))
        drawn = [name_view(view) for view in views if view.mask is not None]
        raise UnknownNameError("view", name, [*known, *drawn])
    return found


def open_view(run: R, name: str | None = None) -> R:
    """A run in the view of a name, of several masks the first one.

    Without a name it is the run as it was opened, or in its first view where it left out the whole
    base.

    Raises
    ------
    UnknownNameError
        The run has no such view.
    """
    if name is not None:
        return run.in_view(find_views([run], name)[0])
    views = planned_views(run)
    is_left_out = run.view.key == STATIC and STATIC not in {view.key for view in views}
    return run.in_view(views[0]) if views and is_left_out else run
