"""Versions of towers as tables: what lists have in common, and what is lost."""

from __future__ import annotations

from vbench._document import Interval
from vbench.analysis.skew import Skew
from vbench.numbers import UNKNOWN, write, write_difference, write_difference_ends, write_interval
from vbench.render import plain_tables
from vbench.render.plain_tables import PlainTable


def tables_of(found: Skew) -> list[PlainTable]:
    """A row for each version, and one for each setting of the index."""
    reached = f"R-{found.delta:g}@{found.k}"
    judged = _judged(found.hit_rate, None, found.ndcg, None)
    rows = [[found.dataset, "0", "1", "1", "100 %", *judged]]
    rows += [
        [
            each.dataset,
            UNKNOWN if each.age is None else f"{each.age:g}",
            write(each.cosine, "score"),
            write(each.agreement, "score"),
            write_interval(each.robustness, "share"),
            *_judged(each.hit_rate, each.hit_rate_loss, each.ndcg, each.ndcg_loss),
        ]
        for each in found.versions
    ]
    tables = [
        PlainTable(
            f"Served on the items of {found.dataset}: {found.queries:,} queries, "
            f"{found.judged:,} of them with judgments",
            (
                "version",
                "age",
                "cosine",
                f"common@{found.k}",
                reached,
                f"HR@{found.hits}",
                f"HR@{found.hits} lost",
                "nDCG@10",
                "nDCG@10 lost",
            ),
            rows,
        )
    ]
    if found.indexes:
        tables.append(
            PlainTable(
                f"What an index loses on {found.dataset}, and the age from which skew loses more",
                (
                    "index",
                    f"recall@{found.k}",
                    reached,
                    f"HR@{found.hits} lost",
                    "age by HR",
                    f"age by {reached}",
                ),
                [
                    [
                        index.name,
                        write(index.recall, "score"),
                        write(index.robustness, "share"),
                        write_difference(index.hit_rate_loss, "score"),
                        *(
                            UNKNOWN if age is None else f"{age:.3g}"
                            for age in (index.deadline, index.agreement_deadline)
                        ),
                    ]
                    for index in found.indexes
                ],
            )
        )
    return tables


def to_page(found: Skew) -> str:
    """The page of a comparison of versions as HTML."""
    names = " and ".join(each.dataset for each in found.versions)
    return plain_tables.to_page(
        f"{names}, served on {found.dataset}", tables_of(found), notes=notes_of(found)
    )


def notes_of(found: Skew) -> list[str]:
    """What cannot be said."""
    if found.hit_rate is not None:
        return []
    return [
        f"{found.dataset} has no relevance judgments: lists that differ need not be worse, and "
        "whether they are cannot be said"
    ]


def _judged(
    rate: float | None, lost: Interval | None, ndcg: float | None, less: Interval | None
) -> list[str]:
    cells = []
    for value, loss in ((rate, lost), (ndcg, less)):
        cells.append(write(value, "score"))
        known = loss is not None and loss.value is not None
        cells.append(_difference(loss) if loss is not None and known else UNKNOWN)
    return cells


def _difference(loss: Interval) -> str:
    ends = write_difference_ends(loss, "score")
    return f"{write_difference(loss.value, 'score')} {ends}".strip()
