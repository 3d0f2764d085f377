"""What `vbench combine` prints: settings alone, two together, and a second one as a fallback."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from vbench.analysis.combine import Alone, Combination
from vbench.analysis.counting import Values
from vbench.numbers import write, write_interval
from vbench.render.combining import (
    BUILD,
    ORDERS,
    names_of,
    pairs_of,
    unit_of,
    values_at,
    write_price,
)
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import lead_with, make_table, print_warnings
from vbench.runs.views import label_view


def print_combination(found: Combination, share: float) -> None:
    """Print the tables; of gain curves the point at `share`."""
    out = console()
    view = found.view
    under = "" if view is None else label_view(view.filter, view.mask, view.step)
    out.print(
        lead_with(
            found.dataset,
            f": {' '.join(filter(None, (f'{found.queries:,} queries', under)))}, top {found.k}; "
            "95 % intervals in brackets; from stored answers, nothing was searched",
        )
    )
    print_table(out, _alone(found))
    if found.unions:
        print_table(out, _unions(found), 2)
    print_table(out, _routes(found, share), 2)
    print_warnings(out, found.warnings)


def _cells(values: Values, names: Iterable[str]) -> list[str]:
    return [write_interval(values[name], unit_of(name)) for name in names]


def _alone(found: Combination) -> Table:
    names = names_of(found)
    table = make_table("Each alone", "index", "builds", *names, "a query costs")
    for each in found.settings:
        table.add_row(
            each.name,
            str(each.builds),
            *_cells(each.measures, names.values()),
            write_price(each.price),
        )
    return table


def _unions(found: Combination) -> Table:
    names = names_of(found)
    table = make_table(
        "Two together: both are asked, the nearest are kept",
        *("one", "other", *names, "a query costs", "the best alone for no more"),
        text=("one", "other", "the best alone for no more"),
    )
    for each in found.unions:
        other = BUILD if each.first == each.second else each.second
        table.add_row(
            each.first,
            other,
            *_cells(each.measures, names.values()),
            write_price(each.price),
            _rival(each.rival, names),
        )
    table.caption = "Costs are those of both, one after the other."
    return table


def _rival(rival: Alone | None, names: dict[str, str]) -> str:
    if rival is None:
        return "–"
    values = [
        f"{title} {write(rival.measures[name].value, unit_of(name))}"
        for title, name in list(names.items())[1:]
    ]
    return f"{rival.name}: {', '.join(values)}"


def _routes(found: Combination, share: float) -> Table:
    reach, zero = list(names_of(found))[1], "zero-recall"
    columns = [f"{title}: {who}" for title in (reach, zero) for who in ("anybody", "bad", "oracle")]
    table = make_table(
        f"A second one for {write(share, 'share')} of the queries, after the first was asked",
        *("first", "then", "AUC", *columns),
        text=("first", "then"),
    )
    for routes in pairs_of(found).values():
        first, by_order = routes[0], {str(each.order): each for each in routes}
        learned = by_order.get("learned")
        auc = None if learned is None else learned.auc
        cells = []
        for title in (reach, zero):
            name = names_of(found)[title]
            for order in ORDERS:
                known = by_order.get(order)
                value = None if known is None else values_at(known, share)[name]
                if value is None or order != "learned":
                    cells.append(write(None if value is None else value.value, unit_of(name)))
                else:
                    cells.append(write_interval(value, unit_of(name)))
        shown = "–" if auc is None else write(auc.value, "score")
        table.add_row(first.first, first.second, shown, *cells)
    table.caption = (
        "bad: those whose answers look bad, by a score that is learned on one half of the queries "
        "and used for the other;\noracle: those who gain most; AUC: the chance that a query under "
        f"{found.delta:g} has the worse score."
    )
    return table
