"""A ranking put together: what the model loses, what the index loses and where, δ, predictors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from vbench.analysis.document import ViewFacts
from vbench.analysis.gains import Masks, find_gains
from vbench.analysis.losses import (
    NOTHING,
    Cells,
    average_group,
    average_known,
    choose_delta,
    divide_by_recall,
    estimate_group,
    estimate_loss,
    estimate_mean,
    weigh_worst,
)
from vbench.analysis.predict import judge_measures, measure_trials
from vbench.analysis.ranking import (
    LEADING,
    WORSE_RANKS_BETTER,
    Bucket,
    DeltaChoice,
    ExactSearch,
    Gain,
    Group,
    IndexLoss,
    JudgedDataset,
    ModelLoss,
    RankedSetting,
    RankerPredictors,
    RankerRow,
    RankingLoss,
    Segment,
    SegmentDelta,
)
from vbench.analysis.segments import group_values, segment_columns
from vbench.analysis.strength import find_levels
from vbench.analysis.trend import Point, estimate_trend
from vbench.analysis.verdict import tell_missing
from vbench.measures.base import Measure
from vbench.metric import FloatArray
from vbench.numbers import write_difference
from vbench.ranking.measures import perfect
from vbench.ranking.ranked import Ranked
from vbench.ranking.simple import hold_popular, known_popularity
from vbench.ranking.stage import CUTOFF, Case, Stage
from vbench.runs import files
from vbench.runs.failed import failed_trials, missing_results
from vbench.runs.schema import Warn

_GROUPS_AT_MOST = 20


def assemble(
    stage: Stage,
    ranked: Sequence[Ranked],
    popular: FloatArray | None,
    reranked: Sequence[Ranked] = (),
) -> RankingLoss:
    """All that a reader is shown.

    Parameters
    ----------
    popular : float64 (mj,) or None
        nDCG@10 of the exact candidates in the order of popularity, where it is known.
    reranked
        What a list-wise stage behind each ranker makes of the same, by the ranker's name.
    """
    behind = {each.name: each for each in reranked}
    values = measure_trials(
        [each for case in stage.cases for each in case.answers],
        {
            depth: np.concatenate([case.survivors[depth] for case in stage.cases])
            for depth in stage.cases[0].survivors
        },
    )
    opened = list(dict.fromkeys(case.setting.run for case in stage.cases))
    runs = [str(run.path) for run in opened]
    data, exact = stage.dataset, _exact_search(stage)
    masks = _masks(stage)
    gains = find_gains(ranked, masks, popular)
    rankers = [
        _with_stage(stage, _ranker(stage, each, popular, gains[each.name]), each, behind)
        for each in ranked
    ]
    settings = [_settings(stage, ranked, case, masks, behind) for case in stage.cases]
    # Before those of segments, for which other queries are drawn.
    levels = find_levels(ranked, values, stage.k)
    missing = missing_results(opened, stage.k)
    view = stage.view
    return RankingLoss(
        run=runs[0],
        runs=runs,
        view=ViewFacts.from_view(view),
        kept=files.rank_path(Path(), view.key).name,
        dataset=JudgedDataset(name=data.name, fingerprint=data.fingerprint, n=data.n, m=data.m),
        k=stage.k,
        cutoff=CUTOFF,
        judged=len(stage.judged),
        relevant=len(stage.judgments.query),
        exact=exact,
        rankers=rankers,
        settings=[row for of_ranker in zip(*settings, strict=True) for row in of_ranker],
        prediction=[
            _predictors(stage, each, row, values) for each, row in zip(ranked, rankers, strict=True)
        ],
        delta=_deltas(stage, ranked, rankers, masks),
        levels=levels,
        failed=failed_trials(opened, stage.k),
        missing=missing,
        warnings=[
            *_worse_ranks_better(rankers),
            *_warnings(stage, ranked, exact),
            *tell_missing(missing),
        ],
    )


def _exact_search(stage: Stage) -> ExactSearch:
    exact = stage.pool.places[0]
    there = int((stage.grades[exact[exact >= 0]] > 0).sum())
    known = known_popularity(stage.dataset)
    popular = None
    if known is not None:
        popular = float(hold_popular(known, stage.k, stage.judgments, stage.allowed).mean())
    total = len(stage.judgments.query)
    among = np.array(stage.dataset.n)
    if stage.allowed is not None:
        among = stage.allowed.counts()[stage.judgments.query]
    chance = float(np.minimum(1.0, stage.k / among).mean())
    return ExactSearch(found=there / total, popular=popular, chance=chance)


def _ranker(
    stage: Stage, ranked: Ranked, popular: FloatArray | None, gains: list[Gain]
) -> RankerRow:
    itself = ranked.name == "popularity"
    above = None if popular is None or itself else estimate_mean(ranked.seeds - popular)
    trend = estimate_trend(
        ranked.exact[LEADING],
        [
            Point(float(case.recall.mean()), ranked.trials[LEADING][case.builds], case.numbers)
            for case in stage.cases
        ],
    )
    return RankerRow(
        ranker=ranked.name,
        measures={
            name: ModelLoss(
                exact=estimate_mean(values),
                model_loss=estimate_loss(perfect(name, stage.ideal), values[np.newaxis]),
            )
            for name, values in ranked.exact.items()
        },
        kendall=average_known(ranked.kendall[0]),
        above_popularity=above,
        beats_popularity=None if above is None else bool(above.low and above.low > 0),
        trend=trend,
        worse_ranks_better=trend.high is not None and trend.high < 0,
        seeds=len(ranked.seeds),
        facts=dict(ranked.facts),
        gains=gains,
    )


def _with_stage(
    stage: Stage, row: RankerRow, ranked: Ranked, behind: Mapping[str, Ranked]
) -> RankerRow:
    """The row of a ranker, with the list-wise stage behind it where there is one."""
    lists = behind.get(ranked.name)
    if lists is None:
        return row
    exact = lists.exact[LEADING]
    return msgspec.structs.replace(
        row,
        reranked=ModelLoss(
            exact=estimate_mean(exact),
            model_loss=estimate_loss(perfect(LEADING, stage.ideal), exact[np.newaxis]),
        ),
        rerank_gain=estimate_mean(lists.seeds - ranked.seeds),
    )


class _Part(NamedTuple):
    """Some cells of the builds and queries of a setting, the same behind every ranker."""

    cells: Cells
    mean_recall: float | None

    @classmethod
    def of(cls, weights: FloatArray, recall: FloatArray) -> _Part:
        cells = Cells.of(weights)
        return cls(cells, average_group(recall, cells))


def _settings(
    stage: Stage,
    ranked: Sequence[Ranked],
    case: Case,
    masks: Masks,
    behind: Mapping[str, Ranked],
) -> list[RankedSetting]:
    """One setting behind each ranker."""
    recall = case.recall
    worst = _Part.of(weigh_worst(recall), recall)
    buckets = [
        (name, _Part.of(inside.astype(float), recall))
        for name, inside in divide_by_recall(recall, stage.k)
    ]
    segments = [
        (segment, _Part.of(np.broadcast_to(mask.astype(float), recall.shape), recall))
        for segment, mask in masks.items()
    ]
    survival = {depth: float(share.mean()) for depth, share in case.survival.items()}
    found = []
    for each in ranked:
        trials = {name: values[case.builds] for name, values in each.trials.items()}
        lists = behind.get(each.name)
        row = RankedSetting.from_setting(
            case.setting,
            run=str(case.setting.run.path),
            ranker=each.name,
            same=[other.search for other in case.setting.others],
            recall=float(recall.mean()),
            survival=survival,
            kendall=average_known(each.kendall[1:][case.builds]),
            measures={
                name: _index_loss(each.exact[name], values) for name, values in trials.items()
            },
            worst=_group(each, trials, worst),
            buckets=[
                Bucket(recall=name, **asdict(_group(each, trials, part))) for name, part in buckets
            ],
            segments=[
                Segment(column=column, group=value, **asdict(_group(each, trials, part)))
                for (column, value), part in segments
            ],
            reranked=None
            if lists is None
            else _index_loss(lists.exact[LEADING], lists.trials[LEADING][case.builds]),
        )
        found.append(row)
    return found


def _index_loss(exact: FloatArray, trials: FloatArray) -> IndexLoss:
    lost, reached = estimate_loss(exact, trials), average_known(exact)
    return IndexLoss(
        value=estimate_mean(trials),
        index_loss=lost,
        relative_loss=lost.value / reached if lost.value is not None and reached else None,
    )


def _group(ranked: Ranked, trials: Mapping[str, FloatArray], part: _Part) -> Group:
    """Some cells of builds × queries."""
    cells, leading = part.cells, trials[LEADING]
    exact = np.broadcast_to(ranked.exact[LEADING], leading.shape)
    return Group(
        share=cells.share,
        mean_recall=part.mean_recall,
        exact=estimate_group(exact, cells),
        value=estimate_group(leading, cells),
        index_loss=estimate_group(exact - leading, cells),
    )


def _masks(stage: Stage) -> Masks:
    """The judged queries of every value of every column that divides them into a few groups."""
    found: dict[tuple[str, str], NDArray[np.bool_]] = {}
    run = stage.cases[0].setting.run
    for column in segment_columns(run):
        names, place = group_values(run.columns[column][stage.judged])
        if 1 < len(names) <= _GROUPS_AT_MOST:
            masks = place == np.arange(len(names))[:, np.newaxis]
            found |= {(column, name): mask for name, mask in zip(names, masks, strict=True)}
    return found


def _predictors(
    stage: Stage, ranked: Ranked, row: RankerRow, values: Mapping[Measure, FloatArray]
) -> RankerPredictors:
    settings = np.repeat(np.arange(len(stage.cases)), [len(case.answers) for case in stage.cases])
    found = judge_measures(values, settings, ranked.trials[LEADING], ranked.name)
    if row.worse_ranks_better:
        return msgspec.structs.replace(found, measures=None, note=WORSE_RANKS_BETTER)
    return found


def _deltas(
    stage: Stage, ranked: Sequence[Ranked], rankers: Sequence[RankerRow], masks: Masks
) -> list[DeltaChoice]:
    """δ for recall of all K, and for survival of the exact top 10 within them, of each ranker.

    Of all rankers together: what is drawn of as many queries is the same for each.
    """
    whole = np.concatenate([case.recall for case in stage.cases])
    kinds = {f"Recall@{stage.k}": whole}
    if stage.k > CUTOFF:
        kinds[f"Recall(truth={CUTOFF})@{stage.k}"] = np.concatenate(
            [case.survival[CUTOFF] for case in stage.cases]
        )
    judged = [(each.exact[LEADING], each.trials[LEADING]) for each in ranked]
    found = [
        [choose_delta(*own, of, each.name, name) for name, of in kinds.items()]
        for each, own in zip(ranked, judged, strict=True)
    ]
    segments: list[list[SegmentDelta]] = [[] for _ in ranked]
    for (column, group), mask in masks.items():
        inside = whole[:, mask]
        for (exact, trials), own in zip(judged, segments, strict=True):
            each = choose_delta(exact[mask], trials[:, mask], inside)
            own.append(SegmentDelta(column=column, group=group, delta=each.delta, note=each.note))
    told = []
    for (first, *others), row, own in zip(found, rankers, segments, strict=True):
        of_ranker = [msgspec.structs.replace(first, segments=own), *others]
        if row.worse_ranks_better:
            of_ranker = [
                msgspec.structs.replace(each, delta=NOTHING, note=WORSE_RANKS_BETTER, segments=[])
                for each in of_ranker
            ]
        told += of_ranker
    return told


def _worse_ranks_better(rankers: Sequence[RankerRow]) -> Iterator[Warn]:
    """One warning for all rankers behind which it is so."""
    gains = [
        f"by {write_difference(-(row.trend.value or 0.0) / 10, 'score', signed=False)} behind "
        f"{row.ranker}"
        for row in rankers
        if row.worse_ranks_better
    ]
    if gains:
        yield Warn(
            WORSE_RANKS_BETTER,
            f"for each 0.1 that mean recall falls, {LEADING} rises {', '.join(gains)}",
            "most often the exact neighbors are what users had already, in training, and no "
            "judgment counts them; δ and predictors would ask for worse search, and are not given",
            "leave what a query had already out of the base, or rank with what knows it, such as "
            "--ranker cross",
            "worse-ranks-better",
        )


def _warnings(stage: Stage, ranked: Sequence[Ranked], exact: ExactSearch) -> list[Warn]:
    found = []
    total = len(stage.judgments.query)
    expected, seen = exact.chance * total, exact.found * total
    if exact.chance < 0.5 and seen < max(2 * expected, expected + 3 * expected**0.5):
        found.append(
            Warn(
                "relevance",
                f"exact search finds {exact.found:.2%} of the relevant items among {stage.k} "
                f"candidates, where chance finds {exact.chance:.2%}",
                "the data or the model is at fault and not the index: the judgments do not fit "
                "these vectors, and no index can lose what is not there",
                "check that query and item are row numbers from 0 of these very files, and that "
                "the vectors were made for this task",
                "relevance",
            )
        )
    elif exact.popular is not None and exact.found < exact.popular:
        found.append(
            Warn(
                "retriever",
                f"exact search finds {exact.found:.2%} of the relevant items among {stage.k} "
                f"candidates, the {stage.k} most popular items hold {exact.popular:.2%}",
                "a retriever that does not beat popularity says little about an index",
                "train the towers longer, or leave popularity out of the judgments",
                "retriever",
            )
        )
    if stage.k <= CUTOFF:
        found.append(
            Warn(
                "candidates",
                f"K={stage.k} candidates for a list of {CUTOFF}",
                "the ranking stage can reorder but hardly choose, so it hides nothing and "
                "recovers nothing",
                "give -k 100 to the vbench run, which adds it",
                "candidates",
            )
        )
    found += [
        Warn(each.name, text, "its results may not be what they seem", "see above", "ranker")
        for each in ranked
        for text in each.warnings
    ]
    return found
