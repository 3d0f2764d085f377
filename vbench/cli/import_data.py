"""`vbench data import`: a dataset of one's own, from what a warehouse exports."""

from __future__ import annotations

from typing import Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import trust_option
from vbench.cli.values import MetricType
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

_EXAMPLES = """
\b
Examples:
  vbench data import shop --items items.parquet --users users.parquet --metric ip
  vbench data import shop --items items.parquet --users users.parquet --metric ip \\
      --segments activity.csv --interactions clicks.parquet
  vbench data import shop --items emb.npy --item-ids skus.txt --users 's3://lake/users/*.parquet' \\
      --metric cosine --interactions orders.csv --since 2026-01-01
  vbench run --index hnsw --dataset shop
"""


@click.command(
    "import", cls=Command, epilog=_EXAMPLES, short_help="Make a dataset of exported tables."
)
@click.argument("name")
@click.option("--items", required=True, metavar="FILE", help="Vectors of items, to be searched.")
@click.option("--users", required=True, metavar="FILE", help="Vectors of users, who ask.")
@click.option("--metric", type=MetricType(), help="Metric of the towers.")
@click.option("--segments", metavar="FILE", help="What is known of users, joined by their ids.")
@click.option("--attributes", metavar="FILE", help="What is known of items, joined by their ids.")
@click.option(
    "--interactions", metavar="FILE", help="Who had what: clicks, orders; they become relevance."
)
@click.option(
    "--since",
    metavar="WHEN",
    help="Earlier interactions are what users had already, later ones are judged.",
)
@click.option("--time", metavar="COLUMN", help="When an interaction was, if it is not certain.")
@click.option("--grade", metavar="COLUMN", help="How relevant it is.  [default: grade]")
@click.option("--item-id", metavar="COLUMN", help="Ids of items, if they are not certain.")
@click.option("--user-id", metavar="COLUMN", help="Ids of users, if they are not certain.")
@click.option("--item-ids", metavar="FILE", help="Names of an array's rows: .npy, .txt or a table.")
@click.option("--user-ids", metavar="FILE", help="The same for users.")
@click.option(
    "--on",
    multiple=True,
    metavar="OURS=THEIRS",
    help="What a table calls the column of ids, if it is not the same. Repeats.",
)
@click.option("--column", metavar="NAME", help="Vector column, if there are several.")
@click.option("--force", is_flag=True, help="Replace an import of this name.")
@trust_option
@json_option
def import_data(name: str, as_json: bool, **given: Any) -> None:
    """Make the dataset NAME of what a warehouse exports.

    A FILE is Parquet, CSV, Arrow or JSON lines, .npy or another format of arrays, a folder of
    parts, a pattern in quotes, or an address: s3://, gs://, hf:// (extra `remote`). Columns are
    guessed where that is certain, keys are compared, and what was left out is counted.
    """
    from vbench.data.importing.imported import import_dataset

    with progress_bar() as progress:
        found = import_dataset(
            name,
            progress=progress,
            **{key: each for key, each in given.items() if each not in (None, ())},
        )
    if as_json:
        print_json(found)
        return
    from vbench.render.terminal.data import print_import

    print_import(found)
    k = " -k 100" if found.interactions else ""
    say(f"Next: vbench run --index hnsw --dataset {name}{k}")
    if found.interactions:
        say("Then: vbench rank last   # what the index's misses cost: nDCG")
