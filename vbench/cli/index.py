"""`vbench index`: which indexes there are, what they take, whether they conform to the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Group
from vbench.cli.options import connect_option
from vbench.cli.values import complete_index
from vbench.render.terminal.output import console, json_option, print_json, progress_bar, say

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from vbench.indexes.overview import IndexRow, ServerInfo

_ELSEWHERE = {"audit": "vbench.cli.claims:audit"}
_EXAMPLES = """
\b
Examples:
  vbench index list
  vbench index show hnsw
  vbench index check my_package.my_module:MyIndex
  vbench index audit epzero --target 'Recall@10>=0.95'
"""
_ABILITIES = {
    "filters": "--filter",
    "growth": "--workload growth",
    "changes": "--workload churn",
    "exact": "an exact search of its own",
    "kept": "kept for later calls",
    "cold": "--cache cold",
    "watched": "vbench watch",
}
_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


class IndexGroup(Group):
    """Commands of this file, and one that has a file of its own."""

    elsewhere = _ELSEWHERE


@click.group(
    cls=IndexGroup, epilog=_EXAMPLES, short_help="List, show, check and audit indexes and plug-ins."
)
def index() -> None:
    """List, show, check and audit indexes: recipes, adapters and plug-ins."""


@index.command("list")
@json_option
def list_indexes(as_json: bool) -> None:
    """List every index that --index can name: recipes, then adapters without one."""
    from vbench.indexes.overview import describe_indexes

    found = describe_indexes()
    if as_json:
        print_json(found)
        return
    here = [row for row in found.indexes if row.installed]
    missing = [row for row in found.indexes if not row.installed]
    strangers = [row.origin for row in here if row.origin != "vbench-ann"]
    table = _table("index", "tunes", *(["from"] if strangers else []), "about")
    for row in here:
        cells = [row.name, row.tune_parameter or "", *([row.origin] if strangers else [])]
        table.add_row(*cells, _describe(row))
    console().print(table)
    if missing:
        table = _table("not installed", "extra", "about")
        for row in missing:
            table.add_row(row.name, row.extra, _describe(row))
        console().print(table)
        say("pip install 'vbench-ann[EXTRA]' adds one, 'vbench-ann[engines]' most of them.")
    for warning in found.warnings:
        say(f"vbench: warning: {warning}", err=True)
    say(
        "Also: a recipe's .toml file, package.module:Class, faiss:FACTORY (faiss:IVF1024,Flat), "
        "annb:PATH/module.py:Class. More: vbench index show NAME"
    )


@index.command("show")
@click.argument("name", shell_complete=complete_index)
@json_option
def show_index(name: str, as_json: bool) -> None:
    """Show what NAME is built with, what is searched, and what each parameter may be."""
    from vbench.indexes.overview import describe_index

    shown = describe_index(name)
    if as_json:
        print_json(shown)
        return
    say(f"{shown.name}: {shown.about}")
    terms = f"; license of the library: {shown.license}" if shown.license else ""
    say(f"adapter {shown.adapter}, from {shown.origin}{terms}")
    if not shown.installed:
        say(f"not installed: pip install 'vbench-ann[{shown.extra}]'")
    if shown.server is not None:
        say(f"server: {_reach(shown.server)}")
    say(
        f"metrics {', '.join(shown.metrics)}; space {shown.transform}; "
        f"dimensions {shown.dimensions}"
    )
    if shown.learns:
        say("learns from queries that are not asked: --learn N, a file, or those of the dataset")
    if shown.can:
        say(f"also: {', '.join(_ABILITIES[each] for each in shown.can)}")
    if tuned := shown.tune_parameter:
        say(f"tuned: {tuned.name}, from {tuned.low:g} to {tuned.high:g}")
    table = _table("parameter", "of", "allowed", "default", "here")
    for each in shown.parameters:
        here = "" if each.here is None else _value(each.here)
        table.add_row(each.name, each.stage, each.allowed, _value(each.default), here)
    if shown.parameters:
        console().print(table)
    if shown.example:
        say(f"Try: {shown.example}")


@index.command("check")
@click.argument("name", shell_complete=complete_index)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=120.0,
    show_default=True,
    help="Seconds for each check.",
)
@connect_option
@json_option
def check(name: str, timeout: float, connect: dict[str, str], as_json: bool) -> int:
    """Check that NAME conforms to the index protocol; exit code 1 when a check fails."""
    from vbench.bench.addresses import addresses
    from vbench.indexes.conformance.kit import Checked, check_index
    from vbench.indexes.recipe import load_recipe

    reached = next(iter(addresses([load_recipe(name)], connect).values()), None)
    with progress_bar() as progress:
        findings = check_index(name, timeout=timeout, progress=progress, connect=reached)
    failed = sum(finding.status == "fail" for finding in findings)
    if as_json:
        print_json(Checked(index=name, passed=not failed, checks=findings))
        return int(failed > 0)
    from vbench.render.terminal.tables import style_text

    table = _table("check", "result", "reason", "remedy")
    for finding in findings:
        result = style_text(finding.status, style=_STYLES[finding.status])
        reason = "\n".join(filter(None, (finding.reason, finding.where)))
        table.add_row(finding.check, result, reason, finding.remedy)
    console().print(table)
    counts = {each: sum(f.status == each for f in findings) for each in _STYLES}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    say(f"{name}: {said}")
    return int(failed > 0)


def _describe(row: IndexRow) -> Text:
    """What an index is, and under which license."""
    from vbench.render.terminal.tables import lead_with

    return lead_with(row.about, f"; {row.license}" if row.license else "", style="")


def _reach(server: ServerInfo) -> str:
    """Where the server of an index comes from."""
    address = f"--connect {server.name}=URL"
    if server.comes == "by address":
        return f"by address alone, {address}"
    if server.comes == "started":
        return f"started for each run, or by address, {address}"
    return f"by address, {address}; one is started with pip install 'vbench-ann[{server.extra}]'"


def _table(*columns: str) -> Table:
    from vbench.render.terminal.tables import make_table

    return make_table("", *columns, text=columns)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return "none" if value is None else str(value)
