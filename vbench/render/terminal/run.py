"""The tables of a run, for a person at a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from vbench.analysis.summary import standard
from vbench.numbers import seconds, size
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.terminal import headed, styled, warned
from vbench.runs.settings import join_values

Value = Mapping[str, float | None]
_SHOWN_WARNINGS = 8
_DISTURBED = "*"


def print_summary(document: Mapping[str, Any]) -> None:
    """Print how evenly, at what price, what failed, what to beware of, and what to do next."""
    out = console()
    data, settings = document["dataset"], once(document["settings"])
    out.print(
        headed(
            data["name"],
            f": {data['n']:,} base vectors × {data['d']}, {data['m']:,} queries, {data['metric']}",
        )
    )
    print_levels(out, document.get("levels", []))
    for k in sorted({setting["k"] for setting in settings}):
        rows = [setting for setting in settings if setting["k"] == k]
        heads = 1 + len(parameter_names(rows))
        print_table(out, _evenness(rows, k, document["cluster"]), heads)
        print_table(out, _price(rows, k, document["options"]["repeats"]), heads)
        _print_extra(out, rows, k)
    print_failed(out, document["failed"])
    print_warnings(out, document["warnings"])
    if overhead := document["overhead"]:
        out.print(
            f"harness: {overhead['inside_ns']:.0f} ns a query inside the timed call, "
            f"{overhead['outside_ns']:.0f} ns outside it",
            style="dim",
        )
    out.print(f"run folder: {document['run']}")
    if page := document.get("report"):
        out.print(f"report: {page}")
    if not settings and document["failed"]:
        out.print(styled(f"no result: {document['failed'][0]['reason']}", style="bold red"))
        return
    out.print(
        f"next: open the report; vbench tail {shlex.quote(document['run'])} says which queries "
        "fail and why; "
        "another --index beside this one compares them",
        style="dim",
    )


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("index", no_wrap=True)
    for name in parameter_names(rows):
        table.add_column(name, justify="right")
    return table


def parameter_names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the parameters worth a column: all of the search, those that vary of the build."""
    names = dict.fromkeys(name for row in rows for name in row["setting"])
    seen: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for name, value in row["build"].items():
            seen.setdefault((row["index"], name), set()).add(repr(value))
    names.update(dict.fromkeys(name for (_, name), values in seen.items() if len(values) > 1))
    return list(names)


def once(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
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


def _head(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    given = {**row["build"], **row["setting"]}
    space = f" ({row['space']})" if row["space"] else ""
    return [row["index"] + space, *(str(given.get(name, "")) for name in parameter_names(rows))]


def print_levels(out: Console, levels: Sequence[Mapping[str, Any]]) -> None:
    """Print how each index was brought to one mean recall."""
    if not levels:
        return
    table = Table(
        title=f"Equal footing: mean recall {levels[0]['target']:g} ± 0.005, over all builds",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for column in ("index", "k", "chosen", "mean recall", "tried", "note"):
        table.add_column(column, overflow="fold")
    for level in levels:
        recalls = dict(level["tried"])
        chosen = [setting.get(level["tune_parameter"]) for setting in level["chosen"]]
        given = {**level["build"], **level["fixed"]}
        table.add_row(
            " ".join([level["index"], *(f"{key}={value}" for key, value in given.items())]),
            str(level["k"]),
            ", ".join(f"{level['tune_parameter']}={value}" for value in chosen if value is not None)
            or "–",
            ", ".join(f"{recalls[value]:.4f}" for value in chosen if value in recalls) or "–",
            f"{len(recalls)} settings",
            styled(level["note"] or "at the level", style="" if level["reached"] else "yellow"),
        )
    print_table(out, table)


def _evenness(rows: Sequence[Mapping[str, Any]], k: int, cluster: str | None) -> Table:
    builds = max(row["builds"] for row in rows)
    chance = f"queries and {builds} builds" if builds > 1 else "queries, one build"
    clustered = f", clustered by {cluster}" if cluster else ""
    spread = "± standard deviation over builds, then " if builds > 1 else ""
    title = f"How evenly: recall of the top {k}; {spread}95 % intervals over {chance}{clustered}"
    table = _table(title, rows)
    shown = [each for each in standard(k) if each.kind != "cost"]
    for measure in shown:
        table.add_column(measure.short, justify="right")
    tail = rows[0]["tail"]["delta"]
    table.add_column(f"<{tail:g} always", justify="right")
    table.add_column("sometimes", justify="right")
    for row in rows:
        parts = [_tail_share(row["tail"], part) for part in ("persistent", "lottery")]
        table.add_row(
            *_head(row, rows),
            *(_share(row["measures"][str(each)]) for each in shown),
            *parts,
        )
    table.caption = (
        f"R-δ: share of queries with recall ≥ δ. zero-recall: nothing found. "
        f"<{tail:g} always / sometimes: queries under {tail:g} in every / in some builds."
    )
    table.caption_justify = "left"
    return table


def _share(value: Value) -> str:
    mean, low, high, spread = (value[key] for key in ("value", "low", "high", "spread"))
    if mean is None:
        return "–"
    shown = f"{mean:.3f}" + (f" ±{spread:.3f}".replace("0.", ".") if spread is not None else "")
    if low is None or high is None:
        return shown
    # Without the noughts it is half as wide, and where it is still too wide it breaks in two.
    return f"{shown}\n" + f"{low:.3f} {high:.3f}".replace("0.", ".")


def _tail_share(tail: Mapping[str, Any], part: str) -> str:
    low, high = tail[f"{part}_interval"]
    return f"{100 * tail[part]:.1f}%\n{100 * low:.1f} {100 * high:.1f}"


def _price(rows: Sequence[Mapping[str, Any]], k: int, repeats: int) -> Table:
    title = f"At what price (top {k}, one query at a time; batch: one call with all)"
    if max(row["builds"] for row in rows) > 1:
        title += "; ± 95 % interval over builds"
    table = _table(title, rows)
    best = f" (best of {repeats})" if repeats > 1 else ""
    columns = (
        *(f"QPS{best}", "p50 latency", "p99 latency", "batch QPS"),
        *("work", "build", "size", "peak"),
    )
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        of = row["measures"]
        mark = _DISTURBED if row["disturbed"] else ""
        table.add_row(
            *_head(row, rows),
            _number(of["QPS"], lambda x: f"{x:,.0f}") + mark,
            _number(of["Latency(p=50)"], seconds) + mark,
            _number(of["Latency(p=99)"], seconds) + mark,
            _number(of["BatchQPS"], lambda x: f"{x:,.0f}") + mark,
            _number(of["Work"], lambda x: f"{x:,.0f}"),
            _number(of["BuildTime"], seconds),
            _number(of["IndexSize"], size),
            _number(of["PeakMemory"], size),
        )
    if any(row["disturbed"] for row in rows):
        table.caption = f"{_DISTURBED} other work took the core in every pass of some build"
        table.caption_justify = "left"
    return table


def _number(value: Value, form: Callable[[float], str]) -> str:
    mean, low, high = value["value"], value["low"], value["high"]
    if mean is None:
        return "–"
    relative = 50 * (high - low) / mean if low is not None and high is not None and mean else 0.0
    return form(mean) + (f" ±{relative:.0f}%" if relative >= 0.5 else "")


def _print_extra(out: Console, rows: Sequence[Mapping[str, Any]], k: int) -> None:
    """Measures that were asked for beside the standard ones, with their intervals."""
    usual = {str(measure) for measure in standard(k)}
    names = [name for name in rows[0]["measures"] if name not in usual]
    if not names:
        return
    table = _table("Asked for (95 % interval)", rows)
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*_head(row, rows), *(_interval(row["measures"][name]) for name in names))
    print_table(out, table, 1 + len(parameter_names(rows)))


def _interval(value: Value) -> str:
    mean, low, high = value["value"], value["low"], value["high"]
    if mean is None:
        return "–"
    return f"{mean:.4g}" + (f" [{low:.4g}, {high:.4g}]" if low is not None else "")


def print_failed(out: Console, failed: Sequence[Mapping[str, Any]]) -> None:
    """Print which planned trials left no result, and why."""
    if not failed:
        return
    table = Table(
        title="Trials without a result",
        title_justify="left",
        title_style="bold red",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in ("index", "build", "setting", "k", "reason"):
        table.add_column(column, overflow="fold")
    for each in failed:
        setting = " ".join(f"{name}={value}" for name, value in each["setting"].items())
        table.add_row(
            each["index"],
            str(each["build_number"] + 1),
            setting,
            str(each["k"]),
            each["reason"],
        )
    print_table(out, table)
    if any(each["log"] for each in failed):
        out.print("What the workers printed last is in run.json (failures).")


def print_warnings(out: Console, warnings: Sequence[Mapping[str, str]]) -> None:
    """Print each finding with its remedy, the first ones in full."""
    for each in warnings[:_SHOWN_WARNINGS]:
        out.print(warned(each))
    if len(warnings) > _SHOWN_WARNINGS:
        out.print(f"… and {len(warnings) - _SHOWN_WARNINGS} more warnings in run.json (warnings)")
