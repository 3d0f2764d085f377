"""What a comparison says: a row for each pair of settings and measure, and what a gate decided."""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

from vbench._document import Document, Interval
from vbench.analysis.document import SettingRow, ViewFacts, describe_dataset
from vbench.analysis.floors import Floor
from vbench.analysis.unlike import Change
from vbench.errors import DamagedFileError
from vbench.measures.base import Kind
from vbench.numbers import Unit
from vbench.runs import files
from vbench.runs.failed import FailedTrial
from vbench.runs.run import Run
from vbench.runs.schema import DatasetInfo, Warn
from vbench.runs.upgrade import upgrade
from vbench.runs.views import label_view
from vbench.stats.paired import Claim

_SCHEMA = "vbench.compare/2"


class Side(SettingRow, frozen=True, kw_only=True):
    """A setting that is compared, by the name that the rows give it."""

    run: str


class QueryIds(msgspec.Struct, frozen=True, kw_only=True):
    """What the queries that only one side serves are called."""

    only_baseline: list[Any]
    only_candidate: list[Any]


class Discordant(msgspec.Struct, frozen=True, kw_only=True):
    """How many queries count with both sides and with neither, and which with one of them only.

    A query counts with a side where it does in most of its builds. `ids` are None where queries
    are numbers only.
    """

    both: int
    neither: int
    only_baseline: list[int]
    only_candidate: list[int]
    ids: QueryIds | None = None

    @property
    def known_as(self) -> QueryIds:
        """The queries of one side only, by what they are called."""
        if self.ids is not None:
            return self.ids
        return QueryIds(only_baseline=self.only_baseline, only_candidate=self.only_candidate)


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of two settings.

    Attributes
    ----------
    difference, low, high
        Candidate less baseline, with the ends of an interval of its own.
    p, p_holm
        Of this test alone, and adjusted for all of the document; None where one build of each
        leaves nothing to test. `p_holm` decides `different`.
    view, masks
        Under which filter both were asked, None: under none; and over how many masks of it the
        values are, whose choice the intervals and p cover too.
    claim
        What a small p says: that the indexes differ, or only these builds.
    minimum_detectable_difference
        What so many queries and builds would show in 80 % of cases as `different` is decided, so
        after Holm, the other tests being as they are. None where that is more than there can be.
    discordant
        Of a share: the queries that count with one side only.
    identical
        Whether all builds of both sides gave the same answers, which leaves nothing to compare.
    unjudged
        Why nothing can be said of the indexes, as of times on unlike machines.
    """

    measure: str
    k: int
    unit: Unit
    kind: Kind
    higher_is_better: bool
    baseline: str
    candidate: str
    builds: list[int]
    baseline_value: Interval
    candidate_value: Interval
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None = None
    different: bool = False
    better: Literal["baseline", "candidate"] | None = None
    claim: Claim
    minimum_detectable_difference: float | None
    verdict: str = ""
    discordant: Discordant | None = None
    identical: bool = False
    unjudged: str | None = None
    view: ViewFacts | None = None
    masks: int = 1

    @property
    def under(self) -> str:
        """The view in words, ``under popularity < 20``; "" for the whole base."""
        view = self.view
        return "" if view is None else label_view(view.filter, view.mask, view.step)

    @property
    def interval(self) -> Interval:
        """The difference with its interval."""
        return Interval(self.difference, self.low, self.high)

    def loss(self, difference: float | None) -> float:
        """How much worse a difference makes the candidate; of a cost, relative to the baseline."""
        if difference is None:
            return math.nan
        loss = -difference if self.higher_is_better else difference
        return loss / abs(self.baseline_value.value or 1.0) if self.kind == "cost" else loss

    def is_worse_by(self, limit: float) -> bool:
        """Whether the candidate is significantly worse, by `limit` at least."""
        return self.better == "baseline" and self.loss(self.difference) >= limit


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What is significantly worse, by `limit` at least.

    Attributes
    ----------
    blind
        Where such a loss could not be detected; with `fail_if_blind` the gate is then undecided.
    missing
        Settings that one side planned and the other has no result of.
    unjudged
        What cannot be judged here, as times on unlike machines.
    """

    limit: float
    failed: list[str]
    blind: list[str]
    missing: list[str] = []
    unjudged: list[str] = []
    fail_if_blind: bool = False

    @property
    def exit_code(self) -> int:
        """1 where it failed, 3 where it could not judge, else 0."""
        if self.failed or self.missing:
            return 1
        return 3 if self.unjudged or (self.fail_if_blind and self.blind) else 0

    @property
    def reason(self) -> str:
        """Why it decided so."""
        worse = f"significantly worse by {self.limit:g}"
        found = [f"{worse} or more"] if self.failed else []
        found += ["a planned setting has no result"] if self.missing else []
        undecided = "cannot be judged here" if self.unjudged else "such a loss is not detectable"
        return {0: f"nothing {worse}", 1: ", and ".join(found), 3: undecided}[self.exit_code]


class Comparison(Document, frozen=True, kw_only=True, tag=_SCHEMA):
    """All pairs and measures that were compared together.

    `level` is the confidence of the intervals, and of all verdicts together; `changes` is what
    the sides differ in beside their answers. `failed` are the planned trials of all runs that left
    no result, `missing` what is not compared for that reason. `where` are the segments whose
    `queries` are compared; none: all queries.
    """

    runs: list[str]
    dataset: DatasetInfo
    cluster: str | None = None
    where: tuple[str, ...] = ()
    queries: int | None = None
    level: float = 0.95
    changes: tuple[Change, ...] = ()
    settings: tuple[Side, ...] = ()
    comparisons: list[Compared]
    failed: tuple[FailedTrial, ...] = ()
    missing: tuple[str, ...] = ()
    gate: Gate | None = None
    floors: tuple[Floor, ...] = ()
    warnings: tuple[Warn, ...] = ()

    @property
    def asked(self) -> str:
        """How many queries were compared, and of how many they were drawn."""
        if self.queries in (None, self.dataset.m):
            return self.dataset.asked
        return f"{self.queries:,} queries"

    @property
    def exit_code(self) -> int:
        """1 where a gate or a floor failed, 3 where one could not be judged, else 0."""
        codes = [0 if each.reached else 3 if each.reached is None else 1 for each in self.floors]
        codes += [self.gate.exit_code] if self.gate else []
        return min((code for code in codes if code), default=0)


def store_comparison(run: Run, comparison: Comparison) -> None:
    """Keep a comparison in the folder of a run, for its report."""
    files.write_json(run.path / files.COMPARISONS, comparison)


def read_comparison(run: Run) -> Comparison | None:
    """The comparison that is kept in the folder of a run, or None.

    Raises
    ------
    VbenchError
        It is damaged, or a newer vbench wrote it.
    """
    path = run.path / files.COMPARISONS
    document = files.read_json(path)
    if document is None:
        return None
    document = upgrade(document, _SCHEMA, path)
    if isinstance(document.get("dataset"), str):
        document["dataset"] = msgspec.to_builtins(describe_dataset(run))
    try:
        return msgspec.convert(document, Comparison)
    except msgspec.ValidationError as error:
        raise DamagedFileError(path, str(error), "compare again") from None
