"""What an import read, joined and left out."""

from __future__ import annotations

import msgspec

from vbench._document import Document
from vbench.metric import Metric


class JoinedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table that was joined to users or to items by their ids.

    Attributes
    ----------
    rows : of the table
    missing : users or items that it has no row for; their columns are empty
    others : rows of others, which were left out
    """

    file: str
    rows: int
    missing: int
    others: int


class ImportedSide(msgspec.Struct, frozen=True, kw_only=True):
    """Users, or items: their vectors, and what is known of them.

    Attributes
    ----------
    rows, d : the shape of the vectors
    id : the column of ids; None where rows are told by their numbers
    columns : names of what else is known
    """

    file: str
    rows: int
    d: int
    dtype: str
    id: str | None
    columns: list[str]
    joined: JoinedTable | None


class ImportedInteractions(msgspec.Struct, frozen=True, kw_only=True):
    """Interactions, as judgments and as what users had already.

    Attributes
    ----------
    rows : of the table
    others : rows of other users or items, left out
    repeats : rows of a pair that is there already, left out
    relevance : pairs that are judgments
    seen : pairs from before `since`: what the users had already
    had_before : pairs since then that the user had already, left out of the judgments
    users : users with a judgment
    """

    file: str
    rows: int
    others: int
    repeats: int
    relevance: int
    seen: int
    had_before: int
    users: int
    since: str | None


class DataImported(Document, frozen=True, kw_only=True, tag="vbench.data-import/1"):
    """A dataset that has a name now, and what it was made of."""

    name: str
    folder: str
    metric: Metric
    items: ImportedSide
    users: ImportedSide
    interactions: ImportedInteractions | None
    notes: list[str]
    fingerprint: str
