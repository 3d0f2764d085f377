"""The datasets that have a name: cards in `datasets/`, and those that plug-ins bring."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from vbench import places
from vbench.data.card import Card, read_card
from vbench.data.dataset import Dataset
from vbench.errors import UnknownNameError, VbenchError
from vbench.plugins import guarded

_GROUP = "vbench.datasets"

Status = Literal["embedded", "fetched", "not fetched", "plug-in"]


@dataclass(frozen=True)
class Entry:
    """A name of the catalog: its card and where that lies, or a plug-in's function."""

    name: str
    card: Card
    path: Path | None = None
    make: Callable[[], Dataset] | None = None

    @property
    def folder(self) -> Path:
        """Folder that holds the data, or will when it is fetched."""
        if self.card.folder and self.path:
            return self.path.parent / self.card.folder
        return places.home() / "datasets" / self.name.partition(":")[0]

    @property
    def status(self) -> Status:
        """Whether the data is here."""
        if self.make is not None:
            return "plug-in"
        if self.card.folder:
            return "embedded"
        return "fetched" if self.is_here else "not fetched"

    @property
    def is_here(self) -> bool:
        """Whether everything that loading needs lies in :attr:`folder`."""
        if self.card.prepare:
            return (self.folder / "base.npy").is_file()
        return all((self.folder / file.filename).is_file() for file in self.card.files)


def names() -> list[str]:
    """Every name that :func:`entry` knows, sorted."""
    found = {path.stem: path for path in places.room("datasets").glob("*.toml")}
    return sorted({*found, *_plugins(), *_variants(found)})


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
    path = places.room("datasets") / f"{name}.toml"
    if Path(name).name == name and path.is_file():
        return Entry(name, read_card(path), path)
    if name not in _plugins():
        raise UnknownNameError("dataset", name, names(), "`vbench data list` describes them")
    with guarded(f"dataset {name!r}: its plug-in fails"):
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
