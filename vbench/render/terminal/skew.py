"""Versions of towers for a person at a terminal: what lists have in common, and what is lost."""

from __future__ import annotations

from vbench.analysis.skew import Skew
from vbench.numbers import UNKNOWN, write, write_difference, write_difference_ends, write_interval
from vbench.render.terminal.output import console, print_table, say
from vbench.render.terminal.tables import make_table


def print_skew(found: Skew) -> None:
    """Print a row for each version, and one for each setting of the index."""
    out = console()
    reached = f"R-{found.delta:g}@{found.k}"
    table = make_table(
        f"Served on the items of {found.dataset}: {found.queries:,} queries, {found.judged:,} of "
        "them with judgments",
        *("version", "age", "cosine", f"common@{found.k}", reached),
        *(f"HR@{found.hits}", "lost", "nDCG@10", "lost"),
    )
    table.add_row(
        found.dataset, "0", "1", "1", "100 %", *_judged(found.hit_rate, None, found.ndcg, None)
    )
    for each in found.versions:
        table.add_row(
            each.dataset,
            UNKNOWN if each.age is None else f"{each.age:g}",
            write(each.cosine, "score"),
            write(each.agreement, "score"),
            write_interval(each.robustness, "share"),
            *_judged(each.hit_rate, each.hit_rate_loss, each.ndcg, each.ndcg_loss),
        )
    print_table(out, table)
    if found.indexes:
        table = make_table(
            f"What an index loses on {found.dataset}, and the age from which skew loses more",
            *("index", f"recall@{found.k}", reached, f"HR@{found.hits} lost"),
            *("age by HR", f"age by {reached}"),
        )
        for index in found.indexes:
            table.add_row(
                index.name,
                write(index.recall, "score"),
                write(index.robustness, "share"),
                write_difference(index.hit_rate_loss, "score"),
                *(
                    UNKNOWN if age is None else f"{age:.3g}"
                    for age in (index.deadline, index.agreement_deadline)
                ),
            )
        print_table(out, table)
    if found.hit_rate is None:
        say(
            f"{found.dataset} has no relevance judgments: lists that differ need not be worse, and "
            "whether they are cannot be said"
        )


def _judged(rate: float | None, lost: object, ndcg: float | None, less: object) -> list[str]:
    cells = []
    for value, loss in ((rate, lost), (ndcg, less)):
        cells.append(write(value, "score"))
        known = loss is not None and getattr(loss, "value", None) is not None
        cells.append(_difference(loss) if known else UNKNOWN)
    return cells


def _difference(loss: object) -> str:
    value = getattr(loss, "value", None)
    return f"{write_difference(value, 'score')} {write_difference_ends(loss, 'score')}".strip()  # type: ignore[arg-type]
