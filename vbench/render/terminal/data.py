"""What `vbench data` prints: the catalog, a card, what a dataset holds."""

from __future__ import annotations

from collections.abc import Sequence

from vbench import numbers
from vbench.data.documents import DataInfo, DatasetRow, ShownCard
from vbench.render.terminal.output import console, print_table, say
from vbench.render.terminal.tables import make_table


def print_datasets(rows: Sequence[DatasetRow]) -> None:
    """A line for each dataset of the catalog."""
    text = ("title", "metric", "here")
    table = make_table("", "name", "title", "metric", "base", "queries", "d", "here", text=text)
    for row in rows:
        sizes = map(_count, (row.n, row.m, row.d))
        table.add_row(row.name, row.title, row.metric or "", *sizes, row.status)
    print_table(console(), table)


def print_card(card: ShownCard) -> None:
    """What a card says: where a dataset comes from, its terms, what its columns mean."""
    out = console()
    out.print(f"{card.name}: {card.title}", style="bold", markup=False)
    if card.description:
        say(card.description.strip())
    table = make_table("", "", " ", text=(" ",))
    table.show_header = False
    for key in ("metric", "n", "m", "d", "license", "terms", "citation", "homepage", "source"):
        if value := getattr(card, key):
            table.add_row(key, _count(value) if isinstance(value, int) else str(value))
    for key in ("made_by", "status", "folder"):
        if value := getattr(card, key):
            table.add_row(key.replace("_", " "), value)
    if more := card.additions:
        name = card.name.partition(":")[0]
        state = "fetched" if card.additions_are_here else f"vbench data fetch {name}"
        table.add_row("more tables", state)
        for file in more.files:
            table.add_row("made of", " or ".join(file.urls))
    for file in card.files:
        known = file.sha256 or card.recorded_sha256.get(file.filename)
        table.add_row("from", " or ".join(file.urls))
        table.add_row("SHA-256", known or "not published; recorded at the first download")
    for side, columns in (("segments", card.segments), ("items", card.items)):
        for column, meaning in columns.items():
            table.add_row(f"{side}: {column}", meaning)
    out.print(table)


def print_data(found: DataInfo) -> None:
    """What the vectors and tables that are here hold."""
    say(
        f"{found.n:,} base vectors × {found.d} ({found.dtype}), {found.m:,} queries "
        f"({found.query_dtype}), {found.metric}, fingerprint {found.fingerprint[:12]}"
    )
    if found.parts:
        say(f"the base lies in {found.parts:,} files")
    share = found.duplicates / found.n
    largest = f"; {found.copies.largest:,} of them are identical" if share else ""
    say(
        f"{found.duplicates:,} base vectors repeat another one "
        f"({numbers.write(share, 'share')}){largest}"
    )
    if found.queries_in_base:
        say(f"{found.queries_in_base:,} of {found.m:,} queries are base vectors")
    if found.hold_out:
        say(f"{found.hold_out:,} queries were taken out of the base")
    if found.learn:
        say(f"{found.learn:,} other queries to learn from")
    if found.relevance is not None:
        say(f"{found.relevance:,} relevance judgments")
    if found.interactions is not None:
        say(f"{found.interactions:,} interactions")
    if found.ground_truth_depth:
        say(f"came with ground truth {found.ground_truth_depth} deep; a sample of it is right")
    for side, columns in (("segments", found.segments), ("items", found.items)):
        for column, facts in columns.items():
            values = ", ".join(f"{value} {count:,}" for value, count in facts.values.items())
            what = facts.type + (f", {facts.role}" if facts.role else "")
            say(f"{side}: {column} ({what}){': ' if values else ''}{values}")


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
