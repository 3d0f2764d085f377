"""A ranker that is another program: it reads pairs and writes their scores, as Parquet."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench._leftovers import TemporaryFolder
from vbench.errors import DataError, VbenchError
from vbench.ranking.handoff import name_rows
from vbench.ranking.intake import read_scores
from vbench.ranking.judgments import find_keys
from vbench.ranking.pool import similarity
from vbench.ranking.protocol import Material, Ranker, Rows

_LAST_LINES = 5


class Command(Ranker):
    """Runs a program once for all pairs, with two paths as its last arguments.

    The first is Parquet that it reads: `q_id`, `doc_id` (ids of the dataset, else row numbers),
    `similarity`, and the row numbers `query` and `item`. The second is Parquet that it must write:
    `q_id`, `doc_id`, `score`. Where the program's arguments contain `{input}` and `{output}`, the
    paths stand there instead.
    """

    pairs_a_call = 1 << 62

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise VbenchError(f"command:{command}: {error}") from None
        if not self._words:
            raise VbenchError("command: names no program; write command:'python score.py'")
        if not any("{input}" in word or "{output}" in word for word in self._words):
            self._words += ["{input}", "{output}"]

    def fit(self, material: Material) -> None:
        """Keep the vectors, for the similarity."""
        self._dataset = material.dataset

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        data = self._dataset
        key = queries[:, np.newaxis] * data.n + candidates
        pairs, back = np.unique(key, return_inverse=True)
        query, item = np.divmod(pairs, data.n)
        near = similarity(data, query, item)
        frame = pl.DataFrame(
            {
                "q_id": name_rows(query, data.query_ids),
                "doc_id": name_rows(item, data.item_ids),
                "similarity": near,
                "query": query,
                "item": item,
            }
        )
        with TemporaryFolder(purpose="rank") as scratch:
            given, made = Path(scratch, "candidates.parquet"), Path(scratch, "scores.parquet")
            frame.write_parquet(given)
            self._call(given, made)
            if not made.is_file():
                raise VbenchError(f"{self._spelt} ended well but wrote no scores to {{output}}")
            try:
                scores = read_scores(made, data.m, data.n, data.query_ids, data.item_ids)
            except DataError as error:
                # The file is gone when the message is read; whose it was is what matters.
                said = str(error).replace(str(made), "{output}")
                raise DataError(f"{self._spelt}: {said}") from None
        at, known = find_keys(scores.key, pairs)
        if not known.all():
            first = int(np.argmin(known))
            raise VbenchError(
                f"{self._spelt} gave no score to query {query[first]} and item {item[first]} "
                f"({int((~known).sum()):,} of {len(pairs):,} pairs lack one)"
            )
        return scores.score[at][back].reshape(candidates.shape)

    def _call(self, given: Path, made: Path) -> None:
        words = [
            word.replace("{input}", str(given)).replace("{output}", str(made))
            for word in self._words
        ]
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError as error:
            raise VbenchError(f"{self._spelt} cannot be started: {error.strerror}") from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:]
            raise VbenchError(
                f"{self._spelt} ended with {done.returncode}: {' | '.join(said) or 'said nothing'}"
            )

    @property
    def _spelt(self) -> str:
        return f"the ranker command {shlex.join(self._words)}"
