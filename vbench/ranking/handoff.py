"""Hand candidates of a trial to a ranking stage elsewhere: TREC run and qrels, or Parquet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench._document import Document, Params
from vbench.data.dataset import Dataset
from vbench.data.files import write_whole
from vbench.errors import VbenchError
from vbench.measures.answers import repeated
from vbench.measures.tail import tail
from vbench.measures.usual import DELTA
from vbench.metric import FloatArray
from vbench.ranking.judgments import Judgments, read_judgments
from vbench.ranking.pool import Pool
from vbench.ranking.stage import candidates_of
from vbench.runs import tables
from vbench.runs.failed import FailedTrial, failed_trials, missing_results
from vbench.runs.run import Run
from vbench.runs.schema import Trial
from vbench.runs.settings import Setting, spell
from vbench.runs.tables import write_frame
from vbench.runs.vectors import hardness_of
from vbench.workloads.conditions import find_condition

Format = Literal["trec", "parquet"]
Ids = NDArray[np.integer[Any]]
EXACT = "exact"


class ExportedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """One trial and the files that its candidates, the exact ones and the judgments are in."""

    run: str
    index: str
    build: Params
    build_number: int
    setting: Params
    k: int
    files: list[str]


class Export(Document, frozen=True, kw_only=True, tag="vbench.rank.export/2"):
    """What `vbench rank --export` wrote: the files of each trial, and all of them once.

    `failed` are the planned trials of that K without a result, `missing` the settings that lack
    builds for that reason.
    """

    folder: str
    trials: list[ExportedTrial]
    files: list[str]
    failed: tuple[FailedTrial, ...] = ()
    missing: tuple[str, ...] = ()


def export(
    run: Run, trial: Trial, folder: str | Path, form: Format, *, dataset: Dataset
) -> list[Path]:
    """Write the candidates of one trial, those of exact search, and the judgments.

    Documents and queries are named by their ids, else by their row numbers; in a TREC run also
    where ids hold spaces. Pads and repeated ids are left out.

    Parameters
    ----------
    form
        `trec`: `NAME.run` (score = K − rank, strictly falling: trec_eval keeps 32 bits of a score
        and breaks ties by document name) and `qrels.txt`.
        `parquet`: `NAME.candidates.parquet` (q_id, doc_id, rank from 1, score = K − rank,
        similarity = minus the exact distance, and the row numbers query and item),
        `NAME.queries.parquet` (q_id, query, hits, recall,
        whether the query is in the tail: recall under 0.9 in this trial, in every build, or in
        some; its hardness by every measure, as `hardness_lid`, that in the graph of the build where
        `vbench tail --graph` has read it; and its segments, those whose
        name is taken as `segment_NAME`), and `relevance.parquet` (q_id, doc_id, grade).

    Returns
    -------
    list of Path
        The files, `exact` being the name of the control.

    Raises
    ------
    VbenchError
        The folder cannot be written, or the judgments do not fit the format.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    setting, number = _setting_of(run, trial)
    name = name_file(setting, number)
    answers = run.answers(trial)
    lists = {name: answers.ids, EXACT: run.ground_truth.ids[:, : trial.k]}
    if form == "trec":
        written = [_write_run(folder, each, ids, dataset) for each, ids in lists.items()]
        return [*written, *_write_qrels(folder, judgments_of(run, dataset), dataset)]
    written = [_write_candidates(folder, each, ids, dataset) for each, ids in lists.items()]
    written.append(_write_queries(folder, name, run, setting, number, dataset))
    return [*written, *_write_relevance(folder, judgments_of(run, dataset), dataset)]


def judgments_of(run: Run, dataset: Dataset) -> Judgments | None:
    """The judgments of items that may answer in the view of a run; None without any."""
    if dataset.relevance is None:
        return None
    return read_judgments(dataset).among(find_condition(run, dataset))


def export_all(
    runs: Sequence[Run], folder: Path, form: Format, k: int | None, dataset: Dataset
) -> Export:
    """Write every trial of K candidates; a folder for each run where there are several."""
    k = candidates_of(runs, dataset, k)
    found = [
        (run, setting, trial)
        for run in runs
        for setting in run.settings()
        if setting.k == k
        for trial in setting.trials
    ]
    written = [
        ExportedTrial(
            run=str(run.path),
            index=setting.index,
            build=setting.build,
            build_number=run.build_of(trial).number,
            setting=setting.search,
            k=k,
            files=[
                str(file)
                for file in export(
                    run,
                    trial,
                    folder / run.path.name if len(runs) > 1 else folder,
                    form,
                    dataset=dataset,
                )
            ],
        )
        for run, setting, trial in found
    ]
    files = sorted({file for each in written for file in each.files})
    return Export(
        folder=str(folder),
        trials=written,
        files=files,
        failed=failed_trials(runs, k),
        missing=missing_results(runs, k),
    )


def name_file(setting: Setting, number: int) -> str:
    """A file name for one build of a setting."""
    text = f"{setting.index} {spell(setting.build)} {spell(setting.search)}"
    plain = re.sub(r"[^\w.=-]+", "-", " ".join(text.split())).strip("-")
    return f"{plain}-k{setting.k}-build{number + 1}"


def _setting_of(run: Run, trial: Trial) -> tuple[Setting, int]:
    for setting in run.settings():
        if any(each.key == trial.key for each in setting.trials):
            return setting, run.build_of(trial).number
    raise VbenchError(f"{run.path} holds no result of the trial {trial.key}")


def _rows(ids: Ids) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Query, document and rank (from 1) of every candidate, in order."""
    kept = (ids >= 0) & ~repeated(ids)
    query, column = np.nonzero(kept)
    rank = kept.cumsum(axis=1)[query, column]
    return query, ids[query, column].astype(np.int64), rank.astype(np.int64)


def name_rows(rows: Ids, ids: pl.Series | None, *, words: bool = False) -> pl.Series:
    """What queries or documents are called, else their row numbers.

    With `words`, row numbers are given also where an id holds a space.
    """
    if ids is not None and words and ids.cast(pl.String).str.contains(r"\s|^$").any():
        ids = None
    return pl.Series(rows) if ids is None else ids.gather(rows)


def _write_run(folder: Path, name: str, ids: Ids, dataset: Dataset) -> Path:
    query, document, rank = _rows(ids)
    frame = pl.DataFrame(
        {
            "q_id": name_rows(query, dataset.query_ids, words=True),
            "iteration": "Q0",
            "doc_id": name_rows(document, dataset.item_ids, words=True),
            "rank": rank,
            "score": ids.shape[1] - rank,
            "tag": "vbench",
        }
    )
    return _write_text(folder / f"{name}.run", frame)


def _write_qrels(folder: Path, known: Judgments | None, dataset: Dataset) -> list[Path]:
    if known is None:
        return []
    if (known.grade != np.rint(known.grade)).any():
        raise VbenchError(
            f"{dataset.name} has grades that are not whole numbers, which qrels cannot hold; "
            "export with --format parquet"
        )
    frame = pl.DataFrame(
        {
            "q_id": name_rows(known.query, dataset.query_ids, words=True),
            "iteration": "0",
            "doc_id": name_rows(known.item, dataset.item_ids, words=True),
            "grade": known.grade.astype(np.int64),
        }
    )
    return [_write_text(folder / "qrels.txt", frame)]


def _write_text(path: Path, frame: pl.DataFrame) -> Path:
    text = frame.write_csv(separator=" ", include_header=False, quote_style="never")
    write_whole(path, text.encode())
    return path


def _write_candidates(folder: Path, name: str, ids: Ids, dataset: Dataset) -> Path:
    query, document, rank = _rows(ids)
    pool = Pool.of(np.arange(len(ids), dtype=np.int64), [ids])
    places = pool.places[0]
    column = np.nonzero(places >= 0)[1]
    similarity: FloatArray = pool.similarity(dataset)[places[query, column]]
    frame = pl.DataFrame(
        {
            "q_id": name_rows(query, dataset.query_ids),
            "doc_id": name_rows(document, dataset.item_ids),
            "rank": rank.astype(np.int32),
            "score": (ids.shape[1] - rank).astype(np.float64),
            "similarity": similarity,
            "query": query,
            "item": document,
        }
    )
    return _write_parquet(folder / f"{name}.candidates.parquet", frame)


def _write_queries(
    folder: Path, name: str, run: Run, setting: Setting, number: int, dataset: Dataset
) -> Path:
    hits = setting.hits
    at = [run.build_of(trial).number for trial in setting.trials].index(number)
    parts = tail(hits, setting.k, DELTA)
    answers = setting.answers(ids=False)[at]
    possible = answers.possible()
    hardness = hardness_of(run, setting.k, dataset)
    in_graph = tables.read_graph_hardness(run.path, setting.trials[at].key)
    if in_graph is not None:
        hardness = hardness.hstack(in_graph)
    rows = np.arange(dataset.m, dtype=np.int64)
    found = pl.DataFrame(
        {
            "q_id": name_rows(rows, dataset.query_ids),
            "query": rows,
            "hits": answers.hits,
            # Of a query with nothing to find it is not known.
            "recall": np.where(possible > 0, answers.hits / np.maximum(possible, 1), np.nan),
            "tail": tail(hits[at : at + 1], setting.k, DELTA).persistent,
            "persistent_tail": parts.persistent,
            "build_dependent_tail": parts.build_dependent,
        }
    )
    found = found.hstack(hardness.rename(lambda name: f"hardness_{name}"))
    segments = run.columns
    taken = {name: f"segment_{name}" for name in segments.columns if name in found.columns}
    frame = found.hstack(segments.rename(taken))
    return _write_parquet(folder / f"{name}.queries.parquet", frame)


def _write_relevance(folder: Path, known: Judgments | None, dataset: Dataset) -> list[Path]:
    if known is None:
        return []
    frame = pl.DataFrame(
        {
            "q_id": name_rows(known.query, dataset.query_ids),
            "doc_id": name_rows(known.item, dataset.item_ids),
            "grade": known.grade,
            "query": known.query,
            "item": known.item,
        }
    )
    return [_write_parquet(folder / "relevance.parquet", frame)]


def _write_parquet(path: Path, frame: pl.DataFrame) -> Path:
    write_frame(path, frame)
    return path
