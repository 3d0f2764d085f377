"""What a function of the package is given, in any of the forms that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vbench.errors import VbenchError
from vbench.runs.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from vbench.data.dataset import Dataset
    from vbench.measures.base import Measure

    Progress = bool | Callable[[str, int, int], None] | None
    AnyRun = Run | str | Path
    AnyMeasure = str | Measure | type[Measure]


def as_runs(given: AnyRun | Sequence[AnyRun]) -> list[Run]:
    """The runs themselves, or those in the folders that were given."""
    several: Any = [given] if isinstance(given, Run | str | Path) else given
    if not isinstance(several, Sequence) or not all(
        isinstance(each, Run | str | Path) for each in several
    ):
        raise VbenchError(f"{given!r:.80} is no run; give one, or the path of its folder")
    if not several:
        raise VbenchError("no run given; give one, or the path of its folder")
    return [each if isinstance(each, Run) else Run(each) for each in several]


def as_dataset(
    given: Any,
    queries: Any,
    metric: Any,
    learn: Any = None,
    queries_at_most: int | None = None,
    seed: int = 0,
) -> Dataset:
    """The dataset itself, or what :func:`vbench.load` makes of what was given."""
    from vbench.data.dataset import Dataset
    from vbench.data.load import load

    if not isinstance(given, Dataset):
        return load(
            given,
            queries=queries,
            metric=metric,
            learn=learn,
            queries_at_most=queries_at_most,
            queries_seed=seed,
        )
    if queries_at_most is not None:
        raise VbenchError(f"{given!r} has its queries; give queries_at_most= to vbench.load")
    if learn is not None:
        raise VbenchError(
            f"{given!r} has queries to learn from, or none; give learn= to vbench.load"
        )
    if queries is not None or (metric is not None and metric != given.metric):
        raise VbenchError(
            f"{given!r} has its queries and its metric; give those to vbench.load, or its vectors"
        )
    return given
