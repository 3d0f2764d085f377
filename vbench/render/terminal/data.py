"""What `vbench data` prints: the catalog, a card, what a dataset holds."""

from __future__ import annotations

from collections.abc import Sequence

from vbench import numbers
from vbench.data.documents import DataInfo, DatasetRow, ShownCard
from vbench.data.importing.document import DataImported, ImportedSide
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
    if part := found.queries_at_most:
        say(f"a part of {part['of']:,} queries, drawn by seed {part['seed']}")
    if part := found.base_at_most:
        say(f"a part of {part['of']:,} base vectors, drawn by seed {part['seed']}")
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


def print_import(found: DataImported) -> None:
    """What was read, what was joined to what, and what was left out."""
    console().print(f"{found.name}: {found.metric}, in {found.folder}", style="bold", markup=False)
    text = ("from", "id", "also known")
    table = make_table("", "", "rows", "d", "from", "id", "also known", text=text)
    for what, side in (("items", found.items), ("users", found.users)):
        table.add_row(
            what,
            f"{side.rows:,}",
            str(side.d),
            side.file,
            side.id or "row numbers",
            ", ".join(side.columns) or "–",
        )
    print_table(console(), table)
    for what, side in (("items", found.items), ("users", found.users)):
        _say_joined(what, side)
    if events := found.interactions:
        say(
            f"{events.file}: {events.rows:,} interactions, of which {events.relevance:,} are "
            f"judgments of {events.users:,} users"
            + (f", and {events.seen:,} from before {events.since}" if events.since else "")
        )
        left = {
            "of other users or items": events.others,
            "of a pair that is there already": events.repeats,
            "of what the user had before": events.had_before,
        }
        if any(left.values()):
            said = ", ".join(f"{count:,} {why}" for why, count in left.items() if count)
            say(f"left out of these: {said}")
    for note in found.notes:
        say(f"note: {note}")


def _say_joined(what: str, side: ImportedSide) -> None:
    if (joined := side.joined) is None:
        return
    left = [f"{numbers.count(joined.rows, 'rows')} joined to {what} by {side.id}"]
    if joined.missing:
        left.append(f"none for {numbers.count(joined.missing, what)}, whose columns stay empty")
    if joined.others:
        left.append(f"{numbers.count(joined.others, 'rows')} of others left out")
    say(f"{joined.file}: {'; '.join(left)}")
