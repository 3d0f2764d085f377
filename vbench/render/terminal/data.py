"""What `vbench data` prints: the catalog, a card, what a dataset holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from vbench.render.terminal.output import console, print_table, say


def print_datasets(rows: Sequence[Mapping[str, Any]]) -> None:
    """A line for each dataset of the catalog."""
    table = _table("name", "title", "metric", "base", "queries", "d", "here")
    for row in rows:
        sizes = [_number(row[key]) for key in ("n", "m", "d")]
        table.add_row(row["name"], row["title"], row["metric"] or "", *sizes, row["status"])
    print_table(console(), table)


def print_card(card: dict[str, Any]) -> None:
    """What a card says: where a dataset comes from, its terms, what its columns mean."""
    out = console()
    out.print(f"{card['name']}: {card.get('title', '')}", style="bold", markup=False)
    if text := card.get("description"):
        say(text.strip())
    table = _table("", "")
    table.show_header = False
    for key in ("metric", "n", "m", "d", "license", "terms", "citation", "homepage", "source"):
        if key in card:
            table.add_row(key, _number(card[key]))
    for key in ("made_by", "status", "folder"):
        if key in card:
            table.add_row(key.replace("_", " "), card[key])
    if more := card.get("additions"):
        name = card["name"].partition(":")[0]
        state = "fetched" if card["additions_are_here"] else f"vbench data fetch {name}"
        table.add_row("more tables", state)
        for file in more["files"]:
            table.add_row("made of", " or ".join(file["urls"]))
    for file in card.get("files", []):
        known = file.get("sha256") or card["recorded_sha256"].get(file.get("name", ""))
        table.add_row("from", " or ".join(file["urls"]))
        table.add_row("SHA-256", known or "not published; recorded at the first download")
    for side in ("segments", "items"):
        for column, meaning in card.get(side, {}).items():
            table.add_row(f"{side}: {column}", meaning)
    out.print(table)


def print_data(found: dict[str, Any]) -> None:
    """What the vectors and tables that are here hold."""
    say(
        f"{found['n']:,} base vectors × {found['d']} ({found['dtype']}), {found['m']:,} queries "
        f"({found['query_dtype']}), {found['metric']}, fingerprint {found['fingerprint'][:12]}"
    )
    if found["parts"]:
        say(f"the base lies in {found['parts']:,} files")
    share = found["duplicates"] / found["n"]
    largest = f"; {found['copies']['largest']:,} of them are the same" if share else ""
    say(f"{found['duplicates']:,} base vectors repeat another one ({share:.2%}){largest}")
    if found["queries_in_base"]:
        say(f"{found['queries_in_base']:,} of {found['m']:,} queries are base vectors")
    if found["hold_out"]:
        say(f"{found['hold_out']:,} queries were taken out of the base")
    if found["relevance"] is not None:
        say(f"{found['relevance']:,} relevance judgments")
    if found["interactions"] is not None:
        say(f"{found['interactions']:,} interactions")
    if found["ground_truth_depth"]:
        say(f"came with ground truth {found['ground_truth_depth']} deep; a sample of it is right")
    for side in ("segments", "items"):
        for column, facts in found[side].items():
            values = ", ".join(f"{value} {count:,}" for value, count in facts["values"].items())
            what = facts["type"] + (f", {facts['role']}" if facts["role"] else "")
            say(f"{side}: {column} ({what}){': ' if values else ''}{values}")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        right = column in {"base", "queries", "d"}
        table.add_column(column, justify="right" if right else "left", no_wrap=number == 0)
    return table


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
