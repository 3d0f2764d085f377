"""The condition of a view of a stored run, found again in the dataset that it was measured on."""

from __future__ import annotations

import msgspec

from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.runs.run import Run
from vbench.runs.schema import STATIC, View
from vbench.runs.views import name_view
from vbench.workloads.ageing import plan_ages
from vbench.workloads.allowed import Allowed
from vbench.workloads.filters import read_filter
from vbench.workloads.runbook import Runbook, read_workload
from vbench.workloads.steps import Step
from vbench.workloads.views import PlannedView, cross_views, plan_view


def find_condition(run: Run, dataset: Dataset) -> Allowed | None:
    """Which vectors may answer in the view that a run is opened in; None where all may.

    Parameters
    ----------
    dataset
        The vectors that the run searched, with the attributes and interactions that it had.

    Raises
    ------
    VbenchError
        The dataset lacks these, or has others, or the steps of a workload are no longer known.
    """
    view = run.view
    if view.key == STATIC:
        return None
    found = PlannedView(View(), None)
    if view.filter is not None:
        found = plan_view(dataset, read_filter(view.filter), view.mask, view.mask_seed)
    if view.workload is not None:
        ages = plan_ages(dataset, _runbook(run, dataset), seed=run.manifest.options.seed)
        at = [each for each in ages if each.view.step == view.step]
        found = cross_views(at, [found])[0] if at else found
    if found.view.key != view.key:
        raise VbenchError(
            f"{run.path}: the view {name_view(view)!r} is another one in {dataset.name}: its "
            "attributes, its interactions or the steps have changed since; measure again"
        )
    return found.allowed


def _runbook(run: Run, dataset: Dataset) -> Runbook:
    view, kept = run.view, run.manifest.workload
    assert view.workload is not None
    if kept.name == view.workload and kept.steps:
        steps = tuple(msgspec.convert(each, Step) for each in kept.steps)
        return Runbook(kept.name, steps, kept.first)
    try:
        found = read_workload(view.workload, dataset.n - dataset.zero_rows)
    except VbenchError:
        found = None
    if found is None:
        raise VbenchError(
            f"{run.path} does not say what the steps of workload {view.workload!r} were; run that "
            "workload again into the same folder"
        )
    return found
