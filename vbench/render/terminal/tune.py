"""The tables of tuning, for a person at a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vbench.numbers import amount
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import print_failed, print_warnings
from vbench.render.terminal.terminal import headed, styled
from vbench.runs.schema import Warn
from vbench.runs.settings import join_values

_MARKS = {True: "✓", False: ""}


def print_tuning(document: Mapping[str, Any]) -> None:
    """Print what was tried, what the held-out queries say, and the verdict."""
    out = console()
    data, queries = document["dataset"], document["queries"]
    out.print(
        headed(
            data["name"],
            f": {data['n']:,} base vectors × {data['d']}, {data['metric']}; "
            f"{queries['calibration']:,} queries choose, {queries['held_out']:,} certify",
        )
    )
    print_table(out, _tried(document))
    print_table(out, _claimed(document))
    print_failed(out, document["failed"])
    print_warnings(out, msgspec.convert(document["warnings"], list[Warn]))
    _print_verdict(out, document)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("setting", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _tried(document: Mapping[str, Any]) -> Table:
    names = list(document["tried"][0]["measures"])
    table = _table(
        f"Tried on the calibration half: value, and in brackets what the worst build surely reaches"
        f" ({document['level']:.0%} confidence)",
        [*names, "meets all", "surely"],
    )
    for each in _once(document["tried"]):
        table.add_row(
            _setting(each),
            *(_value(name, each["measures"][name]) for name in names),
            _MARKS[each["met"]],
            _MARKS[each["vouched"]],
        )
    return table


def _claimed(document: Mapping[str, Any]) -> Table:
    best = document["best"]
    table = _table("On the held-out half", ["target", "value", "surely", "builds", "verdict"])
    for each in best["targets"]:
        name = each["target"].replace("<=", ">=").partition(">=")[0]
        held_out = each["held_out"]
        table.add_row(
            _setting(best),
            each["target"],
            amount(name, held_out["value"]),
            "not bounded" if held_out["bound"] is None else amount(name, held_out["bound"]),
            ", ".join(amount(name, value) for value in held_out["builds"]),
            _certificate(each),
        )
    objective = best["objective"]
    name = objective["measure"]
    value = amount(name, objective["held_out"])
    table.add_row(_setting(best), f"({document['objective']})", value, "", "", "")
    return table


def _certificate(target: Mapping[str, Any]) -> Text:
    if target["certified"]:
        return styled("certified", style="green")
    more = target["more_queries"]
    needed = f", {more:,} more queries needed" if more else ""
    return styled(f"not certified{needed}", style="yellow")


def _print_verdict(out: Console, document: Mapping[str, Any]) -> None:
    style = "bold green" if document["certified"] else "bold yellow"
    out.print(styled(document["verdict"], style=style))
    tried = len(document["tried"])
    out.print(f"{tried} settings tried, each on {document['builds']} builds", style="dim")
    out.print(f"run folder: {document['run']}")
    out.print(f"next: {_command(document)}", style="dim")
    out.print(f"again: {document['again']}", style="dim")


def _command(document: Mapping[str, Any]) -> str:
    """The call that measures the best setting on the same data."""
    best = document["best"]
    words = ["vbench", "run", "--index", best["index"]]
    for name, value in {**best["build"], **best["setting"]}.items():
        words += ["--set", f"{name}={value}"]
    source = document["dataset"]["source"]
    for name, value in source.items():
        option = {"name_or_path": "dataset"}.get(name, name).replace("_", "-")
        if value is False:
            words.append(f"--no-{option}")
        elif value and option != "name":
            for each in value if isinstance(value, list) else [value]:
                words += [f"--{option}", str(each)]
    return shlex.join([*words, "-k", str(best["k"])])


def _setting(named: Mapping[str, Any]) -> str:
    given = {**named["build"], **named["setting"]}
    space = [f"({named['space']})"] if named.get("space") else []
    return " ".join([named["index"], *space, *(f"{key}={value}" for key, value in given.items())])


def _value(name: str, found: Mapping[str, float | None]) -> str:
    bound = found["bound"]
    return amount(name, found["value"]) + ("" if bound is None else f" ({amount(name, bound)})")


def _once(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of settings that answer alike as one: its parameters hold all their values."""
    kept: list[dict[str, Any]] = []
    alike: list[list[Mapping[str, Any]]] = []
    for row in rows:
        for first, group in zip(kept, alike, strict=True):
            own = all(first[name] == row[name] for name in ("index", "build", "k"))
            if own and row["same_as"] == group[0]["name"]:
                group.append(row)
                break
        else:
            kept.append(dict(row))
            alike.append([row])
    for first, group in zip(kept, alike, strict=True):
        first["setting"] = join_values([each["setting"] for each in group])
    return kept
