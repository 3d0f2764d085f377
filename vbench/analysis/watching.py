"""What a watch saw: how often the promise was kept, whether it is broken, and at what load."""

from __future__ import annotations

from typing import Literal

import msgspec

from vbench._document import Document, Interval

Status = Literal["holds", "broken", "open"]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was known after some of the shadow searches.

    Attributes
    ----------
    n
        Shadow searches so far.
    value, low, high
        Of the promised measure, and its confidence sequence: at every look together it errs with
        probability alpha at most.
    evidence
        What 1 has become by bets against the promise; at 1 / alpha it is broken.
    """

    n: int
    value: float
    low: float
    high: float
    evidence: float


class WatchedRegime(msgspec.Struct, frozen=True, kw_only=True):
    """The promised measure between two changes: from which shadow search on, over how many."""

    first: int
    n: int
    value: Interval


class Watch(Document, frozen=True, kw_only=True, tag="vbench.watch/1"):
    """A promise, held against an index that is in use.

    Attributes
    ----------
    index, place
        The index with its setting, and where it was reached; None where it was built here.
    promise, filter, where
        What was watched, under which filter, and in which segments of the queries.
    status
        `holds`: it is not broken. `broken`: it surely is. `open`: with so few shadow searches it
        could not have been seen to be.
    verdict
        The same in one sentence.
    alpha
        With which probability at most a promise that is kept is ever called broken.
    value
        Of the promised measure over all shadow searches; its ends hold at every look.
    promised
        The value that was promised.
    evidence
        As of :class:`Look`, at the end.
    since
        From about which shadow search on it is broken; None where it is not.
    queries
        Queries that were seen, those of other segments left out.
    shadow
        How many of them were asked again exactly.
    searches, exact_searches
        What the index was asked for: all the load there was.
    truth
        `service`: exact answers by its own exhaustive search; `dataset`: by the base vectors here.
    outdated
        Exact lists of the service that are not in the order of the vectors here, so that ties
        were not told.
    started, ended
        When.
    regimes
        One more for each change that was seen.
    looks
        At most a few hundred of them.
    """

    index: str
    place: str | None
    dataset: str
    promise: str
    filter: str | None
    where: tuple[str, ...]
    status: Status
    verdict: str
    alpha: float
    value: Interval
    promised: float
    evidence: float
    since: int | None
    queries: int
    shadow: int
    searches: int
    exact_searches: int
    truth: Literal["service", "dataset"]
    outdated: int
    started: str
    ended: str
    regimes: tuple[WatchedRegime, ...]
    looks: tuple[Look, ...]

    def __repr__(self) -> str:
        return f"<Watch {self.verdict}>"
