"""What takes results of other tools: :func:`vbench.import_results`.

Nothing heavy is imported before a function is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vbench._arguments import check_arguments, check_choice
from vbench.api.given import as_dataset
from vbench.api.runs import Run
from vbench.errors import VbenchError, warn

if TYPE_CHECKING:
    from vbench.api.given import Progress
    from vbench.data.dataset import Dataset
    from vbench.data.find import Data
    from vbench.measures.hits import Rule
    from vbench.metric import Metric


@check_arguments
def import_results(
    paths: str | Path | Sequence[str | Path],
    dataset: Dataset | Data | None = None,
    *,
    queries: Data | None = None,
    metric: Metric | str | None = None,
    name: str | None = None,
    k: int | None = None,
    recall_rule: Rule = "exact-tie",
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = None,
) -> Run:
    """Take what another tool or any other system answered as a run, scored here.

    Parameters
    ----------
    paths
        Files or folders: results of ann-benchmarks, VIBE or big-ann-benchmarks (HDF5), of
        vector-db-benchmark with recall and time of every query (JSON); or one table of answers
        (Parquet, CSV): `query` and a list of `ids`, or `query`, `item` and `rank`. Columns `index`,
        `build` and `setting.NAME` tell several results apart; `latency_ms` is the time of each
        query's call.
    dataset, queries, metric
        The vectors that these are answers on, as :func:`vbench.load` takes them. Default: found by
        the name in the results, in the catalog or beside them.
    name
        What the index of a table is called; default: the file's name.
    k
        Neighbors of an answer, where the file does not say it; default: the longest answer.
    recall_rule
        What counts as a hit: `exact-tie`, `id` or `ann-benchmarks`.
    out
        The run folder; default ``results/<dataset>-<tool>-…``.
    fresh
        Throw an imported run away that lies there.
    progress
        As :func:`vbench.run` has it.

    Returns
    -------
    Run
        ``run.manifest.origin`` says where it is from and what is lost; results that were left out
        are warned of.

    Raises
    ------
    VbenchError
        Nothing could be taken: the file, or the dataset, is another; only means are there, from
        which no robustness can be had.
    """
    from vbench.importing.importer import take_results
    from vbench.measures.hits import RULES
    from vbench.render.terminal.output import shown_progress

    check_choice("recall_rule", recall_rule, RULES)

    def open_dataset(wanted: str | None) -> Dataset:
        given = dataset if dataset is not None else wanted
        assert given is not None
        return as_dataset(given, queries, metric)

    with shown_progress(progress) as tell:
        taken = take_results(
            [paths] if isinstance(paths, str | Path) else list(paths),
            open_dataset,
            is_dataset_given=dataset is not None,
            name=name,
            k=k,
            rule=recall_rule,
            out=out,
            fresh=fresh,
            progress=tell,
        )
    for each in taken.left_out:
        warn(f"left out: {each.reason}")
    if taken.run is None:
        raise VbenchError(
            f"only means are known of {len(taken.means)} results, of no query its own recall: "
            "nothing can be said of robustness; take ids of every query"
        )
    return Run(taken.run.path)
