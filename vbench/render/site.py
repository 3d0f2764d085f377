"""A static site of a field: one page with the map, and a page for each dataset, without a server.

The map needs no script; the pages of the datasets are those of `vbench report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from markupsafe import Markup

from vbench._paths import resource_dir
from vbench.analysis.field import Field, FieldEntry, FieldRow, map_field
from vbench.analysis.gather import Report, gather
from vbench.analysis.unlike import tell_origins
from vbench.data.files import write_whole
from vbench.errors import VbenchError
from vbench.numbers import write, write_interval
from vbench.render.page import page
from vbench.render.palette import looks
from vbench.runs.run import Run

INDEX = "index.html"
_WIDTH, _HEIGHT = 560, 260


def write_site(runs: Sequence[Run], folder: Path, level: float) -> Field:
    """Write the site of some runs into a folder; it says where each page lies.

    Raises
    ------
    VbenchError
        Nothing is finished, or the folder cannot be written.
    """
    report = gather(runs)
    if not report.panels:
        raise VbenchError("none of these runs has a result yet; give the same `vbench run` again")
    if folder.is_file():
        raise VbenchError(f"{folder} is a file; give a folder")
    field = map_field(report, level)
    pages = _write_pages(report, folder)
    entries = [msgspec.structs.replace(entry, page=pages[entry.data]) for entry in field.entries]
    field = msgspec.structs.replace(field, entries=entries, folder=str(folder))
    text = _map_page(field, report)
    write_whole(folder / INDEX, text.encode())
    write_whole(folder / "site.json", field.to_json().encode())
    return field


def _write_pages(report: Report, folder: Path) -> dict[str, str]:
    """A page for the runs of each dataset; their names by that of the dataset."""
    groups: dict[str, dict[Run, None]] = {}
    names: dict[str, str] = {}
    for panel in report.panels:
        data = panel.data + (panel.under and f" {panel.under}")
        for setting in panel.settings:
            groups.setdefault(data, {})[setting.run] = None
        clean = "".join(c if c.isalnum() or c in "._-" else "_" for c in data)
        names[data] = f"{clean}.html"
    for data, runs in groups.items():
        page.write(list(runs), folder / names[data])
    return names


class _Line(NamedTuple):
    """The curve of one row, as an SVG path, and what it is called."""

    title: str
    color: str
    dash: str
    path: str


def _lines(entry: FieldEntry, colors: dict[str, str], dashes: dict[str, str]) -> list[_Line]:
    """Share of the queries that reach δ, over δ."""
    found = []
    for row in entry.rows:
        steps = max(1, len(row.curve) - 1)
        points = [
            f"{_WIDTH * place / steps:.1f},{_HEIGHT * (1 - share):.1f}"
            for place, share in enumerate(row.curve)
        ]
        found.append(_Line(row.title, colors[row.label], dashes[row.label], "M" + "L".join(points)))
    return found


def _map_page(field: Field, report: Report) -> str:
    look = looks(field.indexes)
    colors = {index: each.color for index, each in look.items()}
    dashes = {index: " ".join(map(str, each.dash)) for index, each in look.items()}
    template = page.environment().get_template("site.html")
    return template.render(
        field=field,
        looks=look,
        style=Markup((resource_dir("reports") / "page.css").read_text(encoding="utf-8")),
        cells={
            (entry.name, row.label): _cell(row) for entry in field.entries for row in entry.rows
        },
        lines={entry.name: _lines(entry, colors, dashes) for entry in field.entries},
        width=_WIDTH,
        height=_HEIGHT,
        share=lambda found: write_interval(found, "share"),
        score=lambda found: write_interval(found, "score"),
        warnings=list(tell_origins(report.runs)),
    ).lstrip()


class _Cell(NamedTuple):
    """What the matrix says of an index on a dataset; `shade` is 0 for the worst."""

    text: str
    note: str
    shade: float


def _cell(row: FieldRow) -> _Cell:
    value = row.robustness.value or 0.0
    note = row.letters or row.unranked
    if row.label != row.title:
        note += f" ({row.space})"
    return _Cell(write(value, "share"), note, value)
