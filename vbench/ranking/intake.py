"""Scores and rankings made elsewhere, read back and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.data import tables
from vbench.data.keys import as_keys, rows_of_ids
from vbench.errors import DataError
from vbench.metric import FloatArray
from vbench.ranking.judgments import find_keys, read_finite, rows_of
from vbench.ranking.protocol import Material, Ranker, Rows

UNSCORED = float(np.finfo(np.float64).min)


@dataclass(frozen=True)
class Scores:
    """Scores of pairs, sorted by query, then by item; no pair twice.

    Attributes
    ----------
    key : int64 (P,), query · n + item
    score : float64 (P,), higher is better
    """

    key: NDArray[np.int64]
    score: FloatArray


def read_scores(
    path: str | Path,
    m: int,
    n: int,
    query_ids: pl.Series | None = None,
    item_ids: pl.Series | None = None,
) -> Scores:
    """Read scores or a ranking of some pairs.

    Parameters
    ----------
    path
        Parquet (or CSV) with `q_id`, `doc_id` and `score`, or `rank` where there is no score.
        Any other suffix: a TREC run, six columns, ordered as trec_eval does: by the score in 32
        bits, equal ones by falling document name.
    m, n : number of queries and of items of the dataset
    query_ids, item_ids
        What they are called there; without these they are named by row numbers.

    Raises
    ------
    DataError
        The file cannot be read, lacks a column, names a query or item that does not exist,
        repeats a pair, or holds a score that is not a finite number.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file with scores")
    if path.suffix in (".parquet", ".csv"):
        frame, score = _table(path)
    else:
        whole = [name for name, ids in (("q_id", query_ids), ("doc_id", item_ids)) if ids is None]
        frame, score = _trec(path, whole)
    query = _rows(frame, "q_id", query_ids, m, str(path))
    item = _rows(frame, "doc_id", item_ids, n, str(path))
    key = query * n + item
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(np.diff(key[order]) == 0)
    if len(again):
        at = order[again[0] + 1]
        raise DataError(
            f"{path}, row {at}: query {query[at]} and item {item[at]} were scored before "
            f"({len(again):,} pairs are given twice)"
        )
    return Scores(key[order], score[order])


def _rows(
    frame: pl.DataFrame, column: str, ids: pl.Series | None, size: int, where: str
) -> NDArray[np.int64]:
    """Row numbers of queries or documents that are named by ids, or by row numbers."""
    if ids is None or column not in frame.columns:
        return rows_of(frame, column, size, where)
    values = frame[column]
    if values.dtype == pl.String:  # as all is in a TREC run
        whole, known = values.cast(pl.Int64, strict=False), as_keys(ids)
        is_known = known is not None and values.is_in(known.implode()).all()
        values = values if is_known or whole.null_count() else whole
    return rows_of_ids(values, ids, size, where)


def _table(path: Path) -> tuple[pl.DataFrame, FloatArray]:
    read = tables.read_parquet if path.suffix == ".parquet" else tables.read_csv
    try:
        frame = read(path)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    if frame.is_empty():
        raise DataError(f"{path} holds no scores")
    if "score" in frame.columns:
        return frame, read_finite(frame["score"], path)
    if "rank" in frame.columns:
        return frame, -read_finite(frame["rank"], path)
    raise DataError(
        f"{path} has no column 'score' or 'rank' (it has: {', '.join(frame.columns) or 'none'})"
    )


_TREC = ("q_id", "iteration", "doc_id", "rank", "score", "tag")


def _trec(path: Path, whole: Sequence[str]) -> tuple[pl.DataFrame, FloatArray]:
    """Rows of a TREC run and their scores; columns `whole` hold row numbers."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError(
            f"{path} is no text, so no TREC run; a table has the suffix .parquet or .csv"
        ) from None
    rows = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise DataError(f"{path} holds no scores")
    for number, row in rows:
        if len(row) != len(_TREC):
            raise DataError(
                f"{path}, line {number} has {len(row)} columns; a TREC run has six: "
                "query Q0 document rank score tag"
            )
    text = pl.DataFrame([row for _, row in rows], schema=list(_TREC), orient="row")
    frame = text.with_columns(
        *(pl.col(name).cast(pl.Int64, strict=False) for name in whole),
        pl.col("score").cast(pl.Float32, strict=False),
    )
    names = "row number; queries and documents are named by those, as vbench exports them"
    for column, meant in {**dict.fromkeys(whole, names), "score": "finite number"}.items():
        wrong = ~frame[column].is_finite().fill_null(False)
        if wrong.any():
            at = int(wrong.arg_max() or 0)
            raise DataError(f"{path}, line {rows[at][0]}: {text[column][at]!r} is no {meant}")
    score = frame["score"].to_numpy()
    # trec_eval: falling score, then falling name as text. The order becomes the score.
    ordered = (
        pl.DataFrame({"score": score, "name": text["doc_id"]})
        .with_row_index("row")
        .sort("score", "name")["row"]
        .to_numpy()
    )
    place = np.empty(len(ordered))
    place[ordered] = np.arange(len(ordered), dtype=np.float64)
    return frame, place


class Given(Ranker):
    """Scores read from a file; candidates that it does not score stand behind those it does."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._asked = self._missing = 0

    def fit(self, material: Material) -> None:
        """Read the file."""
        self._n = material.dataset.n
        data = material.dataset
        self._scores = read_scores(self._path, data.m, data.n, data.query_ids, data.item_ids)

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        at, known = find_keys(self._scores.key, queries[:, np.newaxis] * self._n + candidates)
        self._asked += known.size
        self._missing += int((~known).sum())
        return np.where(known, self._scores.score[at], UNSCORED)

    def warnings(self) -> list[str]:
        if self._missing == self._asked:
            raise DataError(
                f"{self._path} scores none of the candidates; score those that "
                "vbench rank RUN --export FOLDER --format parquet writes, the exact ones too"
            )
        if not self._missing:
            return []
        return [
            f"{self._path} has no score for {self._missing / self._asked:.1%} of the pairs of "
            "query and candidate, exact ones included; they are ranked last"
        ]
