"""The results of a ranking as one JSON document, kept in the run folder as `rank.json`.

Losses of the model (exact candidates against a perfect list) and losses of the index (a trial
against exact candidates) are kept apart everywhere: the first is a property of a ranker, the
second of a setting under a ranker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vbench.measures.base import Measure
from vbench.metric import FloatArray
from vbench.ranking import delta, predict
from vbench.ranking.losses import (
    bucket_masks,
    domain_mean,
    loss,
    mean,
    nan_mean,
    worst_weights,
)
from vbench.ranking.measures import perfect
from vbench.ranking.simple import known_popularity
from vbench.ranking.stage import CUTOFF, Case, Ranked, Stage
from vbench.runs import files
from vbench.runs.upgrade import upgrade

SCHEMA = "vbench.rank/1"
FILE = files.RANK
LEADING = f"nDCG@{CUTOFF}"
_GROUPS_AT_MOST = 20


def document(
    stage: Stage, ranked: Sequence[Ranked], popular: FloatArray | None, failed: Sequence[Any] = ()
) -> dict[str, Any]:
    """All that a reader is shown.

    Parameters
    ----------
    popular : float64 (mj,) or None
        nDCG@10 of the exact candidates in the order of popularity, where it is known.
    failed
        Planned trials of the runs that left no result, as a summary lists them.
    """
    values = predict.values(
        [each for case in stage.cases for each in case.answers],
        [each for case in stage.cases for each in case.survivors],
    )
    runs = list(dict.fromkeys(str(case.setting.run.path) for case in stage.cases))
    return {
        "schema": SCHEMA,
        "run": runs[0],
        "runs": runs,
        "dataset": {
            "name": stage.dataset.name,
            "fingerprint": stage.dataset.fingerprint,
            "n": stage.dataset.n,
            "m": stage.dataset.m,
        },
        "k": stage.k,
        "cutoff": CUTOFF,
        "judged": len(stage.judged),
        "relevant": len(stage.judgments.query),
        "exact": _exact_search(stage)._asdict(),
        "rankers": [_ranker(stage, each, popular) for each in ranked],
        "settings": [_setting(stage, each, case) for each in ranked for case in stage.cases],
        "prediction": [_prediction(stage, each, values) for each in ranked],
        "delta": [choice for each in ranked for choice in _deltas(stage, each)],
        "failed": list(failed),
        "warnings": _warnings(stage, ranked),
    }


class ExactSearch(NamedTuple):
    """Share of the relevant items that K candidates hold at all.

    Attributes
    ----------
    found : among the exact candidates
    popular : among the K most popular items, where popularity is known
    chance : expected among K items drawn at random
    """

    found: float
    popular: float | None
    chance: float


def _exact_search(stage: Stage) -> ExactSearch:
    exact = stage.pool.places[0]
    there = int((stage.grades[exact[exact >= 0]] > 0).sum())
    known = known_popularity(stage.dataset)
    popular = None
    if known is not None:
        first = np.argsort(-known, kind="stable")[: stage.k]
        popular = float(np.isin(stage.judgments.item, first).mean())
    total = len(stage.judgments.query)
    return ExactSearch(there / total, popular, min(1.0, stage.k / stage.dataset.n))


def _ranker(stage: Stage, ranked: Ranked, popular: FloatArray | None) -> dict[str, Any]:
    measures = {}
    for name, values in ranked.exact.items():
        measures[name] = {
            "exact": mean(values)._asdict(),
            "model_loss": loss(perfect(name, stage.ideal), values[np.newaxis])._asdict(),
        }
    itself = ranked.name == "popularity"
    above = None if popular is None or itself else loss(ranked.exact[LEADING], popular[np.newaxis])
    return {
        "ranker": ranked.name,
        "measures": measures,
        "kendall": nan_mean(ranked.kendall[0]),
        "above_popularity": above._asdict() if above else None,
        "beats_popularity": None if above is None else bool(above.low and above.low > 0),
    }


def _setting(stage: Stage, ranked: Ranked, case: Case) -> dict[str, Any]:
    trials = {name: values[case.builds] for name, values in ranked.trials.items()}
    recall = case.recall
    return {
        "run": str(case.setting.run.path),
        "ranker": ranked.name,
        "index": case.setting.index,
        "build": case.setting.build,
        "setting": case.setting.search,
        "same": [each.search for each in case.setting.others],
        "space": case.setting.space,
        "k": stage.k,
        "builds": len(case.answers),
        "recall": float(recall.mean()),
        "survival": float(case.survivors.mean() / case.top),
        "kendall": nan_mean(ranked.kendall[1:][case.builds]),
        "measures": {
            name: {
                "value": mean(values)._asdict(),
                "index_loss": loss(ranked.exact[name], values)._asdict(),
            }
            for name, values in trials.items()
        },
        "worst": _group(ranked, trials, recall, worst_weights(recall)),
        "buckets": [
            {"recall": name, **_group(ranked, trials, recall, mask.astype(float))}
            for name, mask in bucket_masks(recall, stage.k)
        ],
        "segments": [
            {"column": column, "group": value, **_group(ranked, trials, recall, weights)}
            for column, value, weights in _segments(stage, case)
        ],
    }


def _group(
    ranked: Ranked, trials: dict[str, FloatArray], recall: FloatArray, weights: FloatArray
) -> dict[str, Any]:
    """Some cells of builds × queries: their recall, and the leading measure."""
    exact = np.broadcast_to(ranked.exact[LEADING], recall.shape)
    return {
        "share": float(weights.mean()),
        "mean_recall": domain_mean(recall, weights).value,
        "exact": domain_mean(exact, weights)._asdict(),
        "value": domain_mean(trials[LEADING], weights)._asdict(),
        "index_loss": domain_mean(exact - trials[LEADING], weights)._asdict(),
    }


def _segments(stage: Stage, case: Case) -> list[tuple[str, str, FloatArray]]:
    """Every value of every column that divides the judged queries into a few groups."""
    shape = case.recall.shape
    found = []
    # Column by column: a table without columns has no rows to choose from.
    for series in case.setting.run.columns.iter_columns():
        column, values = series.name, series[stage.judged]
        if values.dtype.is_float() or not 1 < values.n_unique() <= _GROUPS_AT_MOST:
            continue
        for value in values.unique().sort():
            mask = (values == value).fill_null(False).to_numpy().astype(float)
            found.append((column, str(value), np.broadcast_to(mask, shape)))
    return found


def _prediction(
    stage: Stage, ranked: Ranked, values: Mapping[Measure, FloatArray]
) -> dict[str, Any]:
    settings = np.repeat(np.arange(len(stage.cases)), [len(case.answers) for case in stage.cases])
    found, facts = predict.predictions(values, settings, ranked.trials[LEADING])
    return {
        "ranker": ranked.name,
        "quality": LEADING,
        **facts,
        "measures": [each._asdict() for each in found],
    }


def _deltas(stage: Stage, ranked: Ranked) -> list[dict[str, Any]]:
    """δ for recall of all K, and for survival of the exact top 10 within them."""
    kinds = {f"Recall@{stage.k}": np.concatenate([case.recall for case in stage.cases])}
    if stage.k > CUTOFF:
        kinds[f"Recall(truth={CUTOFF})@{stage.k}"] = np.concatenate(
            [case.survivors / case.top for case in stage.cases]
        )
    found = []
    for name, recall in kinds.items():
        choice = delta.choose(ranked.exact[LEADING], ranked.trials[LEADING], recall)
        plain = choice._asdict() | {"levels": [each._asdict() for each in choice.levels]}
        found.append({"ranker": ranked.name, "quality": LEADING, "recall": name, **plain})
    return found


def _warnings(stage: Stage, ranked: Sequence[Ranked]) -> list[dict[str, str]]:
    found = []
    exact = _exact_search(stage)
    total = len(stage.judgments.query)
    expected, seen = exact.chance * total, exact.found * total
    if exact.chance < 0.5 and seen < max(2 * expected, expected + 3 * expected**0.5):
        found.append(
            _warn(
                "relevance",
                f"exact search finds {exact.found:.2%} of the relevant items among {stage.k} "
                f"candidates, where chance finds {exact.chance:.2%}",
                "the data or the model is at fault and not the index: the judgments do not fit "
                "these vectors, and no index can lose what is not there",
                "check that query and item are row numbers from 0 of these very files, and that "
                "the vectors were made for this task",
            )
        )
    elif exact.popular is not None and exact.found < exact.popular:
        found.append(
            _warn(
                "retriever",
                f"exact search finds {exact.found:.2%} of the relevant items among {stage.k} "
                f"candidates, the {stage.k} most popular items hold {exact.popular:.2%}",
                "a retriever that does not beat popularity says little about an index",
                "train the towers longer, or leave popularity out of the judgments",
            )
        )
    if stage.k <= CUTOFF:
        found.append(
            _warn(
                "candidates",
                f"K={stage.k} candidates for a list of {CUTOFF}",
                "the ranking stage can reorder but hardly choose, so it hides nothing and "
                "recovers nothing",
                "give -k 100 to the vbench run, which adds it",
            )
        )
    found += [
        _warn(each.name, text, "its results may not be what they seem", "see above", "ranker")
        for each in ranked
        for text in each.warnings
    ]
    return found


def _warn(about: str, message: str, why: str, remedy: str, code: str = "") -> dict[str, str]:
    code = code or about.replace(" ", "-")
    return {"about": about, "message": message, "why": why, "remedy": remedy, "code": code}


def write_document(folder: Path, made: dict[str, Any]) -> None:
    """Keep the document in a run folder."""
    files.write_json(folder / FILE, made)


def read_document(folder: Path) -> dict[str, Any] | None:
    """The document that an earlier ranking left in a run folder, or None.

    Raises
    ------
    VbenchError
        It is damaged, or a newer vbench wrote it.
    """
    path = files.rank_path(folder)
    document = files.read_json(path, "rank the run again")
    return None if document is None else upgrade(document, SCHEMA, path)
