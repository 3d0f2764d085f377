"""What holds indexes to their claims: :func:`vbench.audit_index`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vbench._arguments import check_arguments
from vbench.api.given import as_dataset
from vbench.errors import VbenchError

if TYPE_CHECKING:
    from vbench.analysis.claims import ClaimAudit
    from vbench.api.given import Progress
    from vbench.api.measuring import AnyIndex
    from vbench.data.dataset import Dataset
    from vbench.data.find import Data
    from vbench.metric import Metric


@check_arguments
def audit_index(
    dataset: Dataset | Data,
    index: AnyIndex,
    target: str = "Recall@10>=0.95",
    *,
    queries: Data | None = None,
    metric: Metric | str | None = None,
    settings: Mapping[str, Any] | None = None,
    connect: Mapping[str, str] | None = None,
    windows: int = 20,
    trials: int | None = None,
    level: float = 0.95,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = None,
) -> ClaimAudit:
    """Ask an index to promise a recall, and hold it to that.

    Its class says how, by ``claim`` of the protocol, and may estimate the recall of each query by
    ``estimates``. It is built here, and warmed up with a random half of the queries; the other half
    judges. Beside it stands the one setting that :func:`vbench.tune` finds and certifies for the
    same target and halves, and the oracle: of each query the narrowest setting that is enough.

    Parameters
    ----------
    dataset, queries, metric
        As :func:`vbench.run` has them.
    index
        One index, as :func:`vbench.run` takes it.
    target
        ``"Recall@10>=0.95"``, or ``"Robustness(delta=0.9)@10>=0.9"``.
    settings
        Parameters of the build, one value each, and of the search, beside those that it claims.
    connect
        As :func:`vbench.run` has it.
    windows
        In so many calls a half is asked; the estimates are compared call by call, too.
    trials, level
        As :func:`vbench.tune` has them.
    seed
        Of the build, and of the halves.
    out, fresh
        The run folder of the tuning.
    progress
        As :func:`vbench.run` has it.

    Raises
    ------
    VbenchError
        The index claims nothing, or not this; there are fewer than 200 queries; the call is wrong.
    """
    from vbench.indexes.given import take_indexes
    from vbench.render.terminal.output import shown_progress
    from vbench.tuning.claims import audit

    if windows < 1:
        raise VbenchError(f"windows={windows}; give a whole number from 1 on")
    data = as_dataset(dataset, queries, metric)
    with take_indexes([index]) as taken, shown_progress(progress) as tell:
        (only,) = taken.indexes
        return audit(
            data,
            only,
            target,
            settings=settings,
            connect=connect,
            windows=windows,
            trials=trials,
            level=level,
            seed=seed,
            out=None if out is None else Path(out),
            fresh=fresh,
            progress=tell,
        )
