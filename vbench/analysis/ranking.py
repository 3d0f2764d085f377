"""What `vbench rank` tells, as it prints it, keeps it in `rank.json` and as the page draws it.

Losses of the model (exact candidates against a perfect list) and losses of the index (a trial
against exact candidates) are kept apart everywhere: the first is a property of a ranker, the
second of a setting under a ranker.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from vbench._document import Document, Interval, Params
from vbench.analysis.document import SettingRow, ViewFacts
from vbench.errors import DamagedFileError
from vbench.ranking.stage import CUTOFF
from vbench.runs import files
from vbench.runs.failed import FailedTrial
from vbench.runs.schema import STATIC, Warn
from vbench.runs.upgrade import upgrade

_SCHEMA = "vbench.rank/2"
LEADING = f"nDCG@{CUTOFF}"
"""The measure by which groups of queries, predictors and δ are judged."""
HIT = f"Hit@{CUTOFF}"
WORSE_RANKS_BETTER = "worse search ranks better"
"""Why there are no predictors and no δ."""


class ExactSearch(msgspec.Struct, frozen=True, kw_only=True):
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


class ModelLoss(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of the exact candidates under a ranker, and a perfect list minus that."""

    exact: Interval
    model_loss: Interval


class SegmentGain(msgspec.Struct, frozen=True, kw_only=True):
    """What a ranker has over another, for the queries with one value of a column."""

    column: str
    group: str
    gain: Interval


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """nDCG@10 of a ranker with exact candidates, minus that of another.

    Attributes
    ----------
    over
        `tower`, `popularity`, or the same network without a strategy of training.
    gain : paired by query; its interval is over queries and seeds
    teacher : the ranker that it learned from, where that is among those
    of_teacher
        Its gain as a share of the teacher's. Without a value where the teacher has no clear gain.
    """

    over: str
    gain: Interval
    segments: list[SegmentGain]
    teacher: str | None = None
    of_teacher: Interval | None = None


class RankerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ranker with exact candidates.

    Attributes
    ----------
    kendall : mean τ-b between the order of retrieval and that of the ranker
    above_popularity : nDCG@10 minus that of the order by popularity, where it is known
    beats_popularity : whether its interval lies above 0
    trend
        nDCG@10 gained by mean recall, for a recall that is higher by 1: the slope over exact
        search and all settings. Without a value where all have the same recall.
    worse_ranks_better
        Whether its interval lies below 0: nDCG@10 rises as recall falls, and no δ and no
        predictors are given.
    seeds : how many of it were trained; every measure is the mean over them
    facts : what it says of itself, such as the number of its `parameters`
    gains : what it has over others
    reranked
        nDCG@10 of the exact candidates where a list-wise stage stands behind it, and what it still
        lacks; None where there is none.
    rerank_gain : nDCG@10 with that stage, minus without
    """

    ranker: str
    measures: dict[str, ModelLoss]
    kendall: float | None
    above_popularity: Interval | None
    beats_popularity: bool | None
    trend: Interval = Interval(None)
    worse_ranks_better: bool = False
    seeds: int = 1
    facts: dict[str, float] = {}
    gains: list[Gain] = []
    reranked: ModelLoss | None = None
    rerank_gain: Interval | None = None

    @property
    def leading(self) -> ModelLoss:
        """nDCG@10."""
        return self.measures[LEADING]


class IndexLoss(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of a setting's candidates under a ranker, and what it loses by its misses.

    Attributes
    ----------
    index_loss : exact − trial, paired by query
    relative_loss : the same as a share of what exact candidates reach
    """

    value: Interval
    index_loss: Interval
    relative_loss: float | None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the queries, in some builds: their share, their recall, and their nDCG@10."""

    share: float
    mean_recall: float | None
    exact: Interval
    value: Interval
    index_loss: Interval


class Bucket(Group, frozen=True, kw_only=True):
    """The queries whose recall lies in a range, such as ``0.5 – 0.7``."""

    recall: str


class Segment(Group, frozen=True, kw_only=True):
    """The queries with one value of a column."""

    column: str
    group: str


class RankedSetting(SettingRow, frozen=True, kw_only=True):
    """A setting under a ranker.

    Attributes
    ----------
    same : search parameters of later settings with the same answers
    survival
        Share of the exact top 1, 3 and 10 among the candidates, by that depth.
    worst : the 5 % of the queries with the lowest recall
    reranked : nDCG@10 and its loss where a list-wise stage stands behind the ranker
    """

    run: str
    ranker: str
    same: list[Params]
    recall: float
    survival: dict[int, float]
    kendall: float | None
    measures: dict[str, IndexLoss]
    worst: Group
    buckets: list[Bucket]
    segments: list[Segment]
    reranked: IndexLoss | None = None

    @property
    def leading(self) -> IndexLoss:
        """nDCG@10."""
        return self.measures[LEADING]


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """How well one measure of the index orders the trials by what the ranking stage keeps.

    Attributes
    ----------
    measure : in the grammar
    correlation
        Spearman's ρ between the measure (turned so that more is better) and the quality kept;
        1 is a perfect order. Its value is None where one of the two is the same for all trials.
    misordered
        Share of the pairs of trials, of two settings and with clearly different losses, that the
        measure puts the other way round; a tie counts half.
    misordered_near
        The same among pairs at matched recall.

    Intervals resample the settings; they have no ends with fewer than five.
    """

    measure: str
    correlation: Interval
    misordered: Interval
    misordered_near: float | None


class RankerPredictors(msgspec.Struct, frozen=True, kw_only=True):
    """Every measure of the index as a predictor of the ranking quality behind one ranker.

    The best stands first; `quality` is the measure that they are to predict. `pairs` are those of
    trials with clearly different quality, `pairs_near` those of them at matched recall. Where worse
    search ranks better there are no `measures`, and `note` says so.
    """

    trials: int
    settings: int
    pairs: int
    pairs_near: int
    measures: list[Prediction] | None
    ranker: str
    quality: str
    note: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Queries of similar recall, over all trials.

    Attributes
    ----------
    recall : their mean recall
    cells : number of (trial, query)
    queries : number of queries among them
    relative : quality kept, Σ trial / Σ exact, with its interval over queries
    """

    recall: float
    cells: int
    queries: int
    relative: Interval


class RankerShare(msgspec.Struct, frozen=True, kw_only=True):
    """The share of the exact nDCG@10 that one ranker loses."""

    ranker: str
    share: Interval


class LossLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What the misses of indexes of one level cost each ranker.

    Attributes
    ----------
    measure : what the level is of, in the grammar
    low, high : its ends; the measure of a trial lies between them
    trials : how many there are
    slope
        How much more of it a ranker loses whose nDCG@10 with exact candidates is higher by 0.01.
        Without a value with fewer than three rankers.
    """

    measure: str
    low: float
    high: float
    trials: int
    shares: list[RankerShare]
    slope: Interval


class SegmentDelta(msgspec.Struct, frozen=True, kw_only=True):
    """The δ to ask for, for the queries with one value of a column."""

    column: str
    group: str
    delta: Interval
    note: str


class DeltaChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The δ to ask for behind one ranker.

    Attributes
    ----------
    keep : share of the exact quality that is to be kept
    delta
        Its value is None where the trials cannot tell, or worse search ranks better; interval over
        queries.
    note : what limits it, in words; empty where nothing does
    levels : by rising recall
    quality, recall : what is to be kept, and what δ bounds
    segments : the same for the queries of each segment, where δ bounds the recall of all K
    """

    keep: float
    delta: Interval
    note: str
    levels: list[Kept]
    ranker: str
    quality: str
    recall: str
    segments: list[SegmentDelta] = []


class JudgedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """The dataset whose queries were ranked."""

    name: str
    fingerprint: str
    n: int
    m: int


class RankingLoss(Document, frozen=True, kw_only=True, tag=_SCHEMA):
    """What the rankers of some runs make of their candidates.

    Attributes
    ----------
    view
        The filter, its mask, the age; None is the whole base. Only judgments of items that may
        answer there are counted, and queries that have some.
    kept : name of the file of each run's folder that holds it
    k : candidates a query
    cutoff : length of the list that is judged
    judged : queries with a relevant item
    relevant : judgments
    exact : what the exact candidates hold of the relevant items
    rankers : losses of the model
    settings : losses of the index, under every ranker
    prediction : which measure of the index tells them
    levels : what misses of each level cost rankers of rising strength
    failed, missing
        planned trials of that K without a result, and the settings that lack builds for that reason
    """

    run: str
    runs: list[str]
    view: ViewFacts | None = None
    kept: str = files.RANK
    dataset: JudgedDataset
    k: int
    cutoff: int
    judged: int
    relevant: int
    exact: ExactSearch
    rankers: list[RankerRow]
    settings: list[RankedSetting]
    prediction: list[RankerPredictors]
    delta: list[DeltaChoice]
    levels: list[LossLevel] = msgspec.field(default_factory=list)
    failed: tuple[FailedTrial, ...]
    missing: tuple[str, ...] = ()
    warnings: list[Warn]


def store_ranking(folder: Path, ranking: RankingLoss) -> None:
    """Keep a ranking in a run folder."""
    files.write_json(folder / ranking.kept, ranking)


def read_ranking(folder: Path, view: str = STATIC) -> RankingLoss | None:
    """The ranking in a view, by its key, that an earlier call left in a run folder, or None.

    Raises
    ------
    VbenchError
        It is damaged, or a newer vbench wrote it.
    """
    path = files.rank_path(folder, view)
    document = files.read_json(path, "rank the run again")
    if document is None:
        return None
    try:
        return msgspec.convert(upgrade(document, _SCHEMA, path), RankingLoss, str_keys=True)
    except msgspec.ValidationError as error:
        raise DamagedFileError(path, str(error), "rank the run again") from None
