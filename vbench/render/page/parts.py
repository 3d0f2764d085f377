"""What a section of the page is made of: charts, tables, controls and the data behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vbench.numbers import Ends, Unit, write, write_ends

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Choice:
    """A drop-down list that sets a parameter of the chart it stands above."""

    parameter: str
    label: str
    options: Sequence[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class Slider:
    """A slider from 0 to 100 that sets a parameter of the chart it stands above."""

    parameter: str
    label: str
    chosen: float = 0


@dataclass(frozen=True)
class Chart:
    """A chart, with the words around it.

    Attributes
    ----------
    caption
        How to read it, in one or two sentences; it is also what a screen reader says.
    half
        Whether two may stand side by side.
    """

    id: str
    title: str
    caption: str
    spec: Mapping[str, Any]
    controls: Sequence[Choice | Slider] = ()
    half: bool = False


@dataclass(frozen=True)
class Column:
    """The head of a table's column. `live` names what the page's sliders put into its cells."""

    title: str
    help: str = ""
    number: bool = True
    live: str = ""


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the value it is sorted by.

    `shade` colors it: 0 for the worst value, 1 for one that needs no attention.
    """

    text: str
    value: float | str | None = None
    note: str = ""
    shade: float | None = None


def number_cell(found: Ends, unit: Unit) -> Cell:
    """A value, with its interval in small figures."""
    return Cell(write(found.value, unit), found.value, write_ends(found, unit))


@dataclass(frozen=True)
class Row:
    """One row. `pick` is the setting that the row is about; its index gives the marker.

    What is `off` is not comparable with the other rows, and is faded.
    """

    cells: Sequence[Cell]
    pick: str = ""
    index: str = ""
    off: bool = False


@dataclass(frozen=True)
class Table:
    """A table of one panel, sortable by any column; `filterable` ones have a search field."""

    id: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    panel: str = ""
    filterable: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and what there is to say of them: a definition list."""

    title: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Words:
    """Paragraphs; a panel's own are hidden with it."""

    paragraphs: Sequence[str]
    panel: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading.

    Attributes
    ----------
    lead
        What the reader can learn here, in words for somebody who comes by chance.
    frames
        By name, the data that the charts draw from; also what can be downloaded.
    """

    id: str
    title: str
    lead: str
    parts: Sequence[Chart | Table | Facts | Words]
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
