"""The datasets that have a name: cards in `datasets/`, and those that plug-ins bring."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

import msgspec

from vbench import _paths
from vbench._plugins import guard
from vbench.data.card import Card, read_card
from vbench.data.dataset import Dataset
from vbench.errors import UnknownNameError, VbenchError

_GROUP = "vbench.datasets"
ADDED = "added"
"""File that says from what the tables beside it were made; it appears when all are there."""

Status = Literal["embedded", "fetched", "imported", "not fetched", "plug-in"]


@dataclass(frozen=True)
class Entry:
    """A dataset that has a name or a card: the card and where it lies, or a plug-in's function.

    Attributes
    ----------
    is_stranger
        Whether the card was given by its path: it is neither of the catalog nor of an installed
        plug-in, and code that it names is run only if it is trusted.
    """

    name: str
    card: Card
    path: Path | None = None
    make: Callable[[], Any] | None = None
    is_stranger: bool = False

    @property
    def folder(self) -> Path:
        """Folder that holds the data, or will when it is fetched."""
        if self.card.folder and self.path:
            return self.path.parent / self.card.folder
        return self.fetched_folder

    @property
    def fetched_folder(self) -> Path:
        """Folder of what `vbench data fetch` brings, to an embedded dataset what it adds."""
        name = self.name.partition(":")[0]
        if self.is_stranger:
            # Of the same name as one of the catalog, it must not take that one's place.
            name = f"{name}@{self.card.sources_digest()}"
        return _paths.home() / "datasets" / name

    @property
    def additions(self) -> Path | None:
        """Folder of the tables that were fetched for an embedded dataset, once they are here."""
        try:
            made_of = (self.fetched_folder / ADDED).read_text() if self.card.additions else ""
        except (OSError, ValueError):
            return None
        return self.fetched_folder if made_of and made_of == self.sign_of_additions() else None

    def sign_of_additions(self) -> str:
        """Digest of what additions are made of, and of the tables that they are joined to."""
        digest = hashlib.sha256(msgspec.json.encode(self.card.additions))
        for name in ("queries.parquet", "items.parquet"):
            path = self.folder / name
            digest.update(path.read_bytes() if path.is_file() else b"none")
        return digest.hexdigest()

    @property
    def reference(self) -> str:
        """What a command is given to find it: its name, or the path of its card."""
        if not self.is_stranger or self.path is None:
            return self.name
        text = str(self.path)
        return text if os.sep in text else f".{os.sep}{text}"

    @property
    def status(self) -> Status:
        """Whether the data is here."""
        if self.make is not None:
            return "plug-in"
        if self.card.folder:
            return "imported" if is_imported(self.name) else "embedded"
        return "fetched" if self.is_here else "not fetched"

    @property
    def is_here(self) -> bool:
        """Whether everything that loading needs lies in :attr:`folder`."""
        if self.card.prepare:
            return (self.folder / "base.npy").is_file()
        return all((self.folder / file.filename).is_file() for file in self.card.files)


def find(name_or_path: str | Path) -> Entry:
    """Find a dataset by its name, or by the path of its card.

    Raises
    ------
    UnknownNameError, VbenchError
        As :func:`entry`; or the card is wrong.
    """
    path = Path(name_or_path).expanduser()
    if is_card(name_or_path):
        return Entry(path.stem, read_card(path), path, is_stranger=True)
    return entry(str(name_or_path))


def is_card(name_or_path: str | Path) -> bool:
    """Whether it is the path of a card; a name of the catalog goes before one."""
    path = Path(name_or_path).expanduser()
    if isinstance(name_or_path, str) and name_or_path in names():
        return False
    return path.suffix == ".toml" and path.name != "dataset.toml"


def card_of(entry: Entry) -> Entry:
    """Ask a plug-in's function, if it is one, for the path of its card."""
    if entry.make is None:
        return entry
    with guard(f"dataset {entry.name!r}: its plug-in fails"):
        made: Any = entry.make()
    if isinstance(made, Dataset):
        return replace(entry, make=lambda: made)
    if isinstance(made, str | Path):
        return Entry(entry.name, read_card(made), Path(made))
    raise VbenchError(
        f"dataset {entry.name!r}: its plug-in returned {type(made).__name__}; "
        "a vbench.Dataset or the path of a card is needed"
    )


def imported(name: str) -> Path:
    """Folder of a dataset that `vbench data import` makes."""
    return _paths.home() / "imported" / name


def is_imported(name: str) -> bool:
    """Whether a dataset of that name was imported."""
    return Path(name).name == name and (imported(name) / "dataset.toml").is_file()


def names() -> list[str]:
    """Every name that :func:`entry` knows, sorted."""
    found = {path.stem: path for path in _paths.resource_dir("datasets").glob("*.toml")}
    own: list[str] = []
    with contextlib.suppress(VbenchError):  # who has no home has imported nothing
        own = [path.parent.name for path in imported("*").parent.glob("[!.]*/dataset.toml")]
    return sorted({*found, *_plugins(), *_variants(found), *own})


def entry(name: str) -> Entry:
    """Find a dataset by its name; `NAME:VARIANT` is the same base with other queries.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    VbenchError
        Its card is wrong, or its plug-in cannot be imported.
    """
    if ":" in name and name in names():
        original, _, variant = name.partition(":")
        found = entry(original)
        return replace(found, name=name, card=found.card.variant(variant))
    path = _paths.resource_dir("datasets") / f"{name}.toml"
    if Path(name).name == name and path.is_file():
        return Entry(name, read_card(path), path)
    if is_imported(name):
        own = imported(name) / "dataset.toml"
        return Entry(name, msgspec.structs.replace(read_card(own), folder="."), own)
    if name not in _plugins():
        hint = "`vbench data list` describes them"
        if Path(f"{name}.toml").is_file():
            hint += f"; to mean the card that lies here, give its path: .{os.sep}{name}.toml"
        raise UnknownNameError("dataset", name, names(), hint)
    with guard(f"dataset {name!r}: its plug-in fails"):
        return _from_plugin(name, _plugins()[name].load())


def _variants(cards: Mapping[str, Path]) -> Iterator[str]:
    """Name the variants of all cards; one that cannot be read is reported where it is opened."""
    for name, path in cards.items():
        with contextlib.suppress(VbenchError):
            yield from (f"{name}:{variant}" for variant in read_card(path).variants)


def entries() -> list[Entry]:
    """All datasets; one that cannot be read costs a warning that names it."""
    found = []
    for name in names():
        try:
            found.append(entry(name))
        except VbenchError as error:
            warnings.warn(str(error), stacklevel=2)
    return found


def _from_plugin(name: str, target: Any) -> Entry:
    """Take an entry point's target: the path of a card, or a function that returns one or data."""
    if callable(target):
        return Entry(name, Card(title=_first_line(target)), make=target)
    if isinstance(target, str | Path):
        return Entry(name, read_card(target), Path(target))
    raise VbenchError(
        f"dataset {name!r}: its entry point is {type(target).__name__}; a function that returns "
        "a vbench.Dataset, or the path of a card, is needed"
    )


def _first_line(target: Any) -> str:
    return (target.__doc__ or "").strip().partition("\n")[0]


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=_GROUP)}
