"""Two answers to one query as one: what two trials found together, without another search."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.measures.answers import Answers, repeated


def unite(first: Answers, second: Answers) -> Answers:
    """The answers of whoever asks both indexes and keeps the k nearest of what they return.

    Hits are |T ∩ (A ∪ B)|, exactly, ties counted by the rule of the trials. The ids of an answer
    come by their place in the exact list, then those that are wrong. Its ratio is not known, and
    its times are those of `first`.

    Parameters
    ----------
    first, second
        Of one view of one dataset, at the same k.
    """
    k = first.k
    ids = np.concatenate([first.ids, second.ids], axis=1)
    again = repeated(ids)
    places = np.where(again, 0, np.concatenate([first.places, second.places], axis=1))
    # Right ones by their place, wrong ones as they came, nothing of pads and repeats.
    rank = np.where(places > 0, places, np.where((ids >= 0) & ~again, k + 1, k + 2))
    order = np.argsort(rank, axis=1, kind="stable")[:, :k]
    kept = np.where(_taken(rank, order) > k + 1, -1, _taken(ids, order))
    hits = np.minimum((places > 0).sum(axis=1), k)
    return _with(first, kept, _taken(places, order), hits)


def exact_of(answers: Answers) -> Answers:
    """What exact search answers to the same queries."""
    ids = answers.truth_ids[:, : answers.k]
    return _with(answers, ids, np.where(ids >= 0, answers.listed, 0), answers.possible())


def route(first: Answers, second: Answers, rows: NDArray[np.bool_]) -> Answers:
    """The answers of `second` to the queries in `rows` (m,), of `first` to the others."""
    column = rows[:, np.newaxis]
    ids = np.where(column, second.ids, first.ids)
    places = np.where(column, second.places, first.places)
    return _with(first, ids, places, np.where(rows, second.hits, first.hits))


def _taken(values: NDArray[Any], order: NDArray[np.intp]) -> NDArray[Any]:
    return np.take_along_axis(values, order, axis=1)


def _with(answers: Answers, ids: NDArray[Any], places: NDArray[Any], hits: NDArray[Any]) -> Answers:
    # A plain one, whatever read the first from a file.
    fields = {each.name: getattr(answers, each.name) for each in dataclasses.fields(Answers)}
    return Answers(
        **fields
        | {
            "ids": ids,
            "place": places,
            "hits": hits.astype(np.int32),
            "ratio": np.full(len(ids), np.nan),
        }
    )
