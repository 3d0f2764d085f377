"""What every command prints with: one console, one look of tables, settings, failures, warnings.

All is taken for text: no name is markup, none controls the terminal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from vbench._plain import plain
from vbench.analysis.document import AlikeRow, SettingRow
from vbench.render.plain_tables import PlainTable
from vbench.render.terminal.output import print_table
from vbench.runs.failed import FailedTrial
from vbench.runs.loads import label_load
from vbench.runs.schema import Warn
from vbench.runs.settings import join_values, spell
from vbench.runs.views import label_view


class PlainConsole(Console):
    """What looks like markup, an emoji's name or an escape sequence is printed as it is written.

    Styles are given by `style=` and :func:`style_text`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(plain(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        # The last door, for a Text that was made elsewhere.
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else plain(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)


def style_text(text: object, style: str = "") -> Text:
    """Text in a style, such as "bold red"."""
    return Text(plain(text), style=style)


def lead_with(name: object, rest: str, style: str = "bold") -> Text:
    """A name that stands out, and what is said of it."""
    return Text.assemble((plain(name), style), plain(rest))


def describe_warning(warning: Warn) -> Text:
    """A finding with its remedy."""
    said = f": {warning.message}; {warning.why}. Try: {warning.remedy}."
    return Text.assemble(("! ", "yellow"), lead_with(warning.about, said))


R = TypeVar("R", bound=AlikeRow)
_SHOWN_WARNINGS = 8


def make_table(title: str, *columns: str, text: Collection[str] = ()) -> Table:
    """A table whose first column is text, as are those in `text`; all others are numbers."""
    table = Table(
        title=title or None,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        min_width=min(len(title), 100),
    )
    for place, column in enumerate(columns):
        if place and column not in text:
            table.add_column(column, justify="right", no_wrap=True)
        else:
            table.add_column(column, overflow="fold", no_wrap=not place)
    return table


def print_plain(out: Console, shown: PlainTable) -> None:
    """Print a table that a page shows too."""
    table = make_table(shown.title, *shown.heads, text=shown.text)
    for row in shown.rows:
        table.add_row(*row)
    print_table(out, table)


def parameter_names(rows: Sequence[SettingRow | FailedTrial]) -> list[str]:
    """Names of the parameters worth a column: all of the search, those that vary of the build."""
    names = dict.fromkeys(name for row in rows for name in row.setting)
    seen: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for name, value in row.build.items():
            seen.setdefault((row.index, name), set()).add(repr(value))
    names.update(dict.fromkeys(name for (_, name), values in seen.items() if len(values) > 1))
    return list(names)


def head_of(row: SettingRow, names: Sequence[str]) -> list[str]:
    """The cells that say which setting a row is about: index, space, its parameters."""
    given = {**row.build, **row.setting}
    space = f" ({row.space})" if row.space else ""
    return [row.index + space, *(str(given.get(name, "")) for name in names)]


def merge_same(rows: Sequence[R]) -> list[R]:
    """Rows of settings that answer alike as one: its parameters hold all their values."""
    groups: list[list[R]] = []
    for row in rows:
        for group in groups:
            first = group[0]
            own = (first.index, first.build, first.k) == (row.index, row.build, row.k)
            if own and row.same_as == first.name:
                group.append(row)
                break
        else:
            groups.append([row])
    return [
        msgspec.structs.replace(group[0], setting=join_values([row.setting for row in group]))
        for group in groups
    ]


def print_failed(out: Console, failed: Sequence[FailedTrial]) -> None:
    """Print which planned trials left no result, and why."""
    if not failed:
        return
    filtered = any(each.filter for each in failed)
    names = ("index", "build", "setting", "k", *(["filter"] if filtered else []), "reason")
    table = make_table("Failed trials", *names, text=names)
    table.title_style = "bold red"
    shown = parameter_names(failed)
    for each in failed:
        number, given = str(each.build_number + 1), {**each.build, **each.setting}
        setting = spell({name: given[name] for name in shown if name in given})
        setting = f"{setting} {label_load(each.load)}".strip()
        setting = f"{setting} {label_view(None, step=each.step)}".strip()
        of = [each.filter or "none"] if filtered else []
        table.add_row(each.index, number, setting, str(each.k), *of, each.reason)
    print_table(out, table)
    if any(each.log for each in failed):
        out.print("What the workers printed last is in run.json (failures).")


def print_warnings(out: Console, warnings: Sequence[Warn]) -> None:
    """Print each finding with its remedy, the first ones in full."""
    for each in warnings[:_SHOWN_WARNINGS]:
        out.print(describe_warning(each))
    if len(warnings) > _SHOWN_WARNINGS:
        out.print(f"… and {len(warnings) - _SHOWN_WARNINGS} more warnings in run.json (warnings)")
