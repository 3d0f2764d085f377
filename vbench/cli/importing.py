"""`vbench import`: results of other tools, and answers of any system, as a run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import asked_data_options
from vbench.render.terminal.output import json_option, print_json, progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from vbench.data.dataset import Dataset

_EXAMPLES = """
\b
Examples:
  vbench import ann-benchmarks/results/glove-100-angular --dataset glove-100-angular
  vbench import vibe/results/yahoo-minilm-384-normalized --out yahoo
  vbench import results/random-xs --dataset base.fbin --queries queries.fbin --metric l2
  vbench import answers.parquet --dataset books --name ours
"""


@click.command("import", cls=Command, epilog=_EXAMPLES, short_help="Take results of other tools.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path())
@asked_data_options
@click.option("--name", metavar="NAME", help="What the index of a table of answers is called.")
@click.option(
    "-k",
    "k",
    type=click.IntRange(min=1),
    metavar="K",
    help="Neighbors of an answer, if the file does not say.  [default: the longest answer]",
)
@click.option(
    "--recall-rule",
    type=click.Choice(["exact-tie", "id", "ann-benchmarks"]),
    default="exact-tie",
    show_default=True,
    help="What counts as a hit.",
)
@click.option(
    "--out",
    type=click.Path(),
    metavar="FOLDER",
    help="Run folder.  [default: results/<dataset>-<tool>-…]",
)
@click.option("--fresh", is_flag=True, help="Discard the imported run in the run folder.")
@json_option
def import_results(
    paths: tuple[str, ...],
    dataset: str | None,
    open_data: Callable[[str], Dataset],
    recall_rule: str,
    as_json: bool,
    **options: Any,
) -> int:
    """Make a run folder of answers that another tool measured.

    PATH is a file or a folder: results of ann-benchmarks, VIBE, big-ann-benchmarks,
    vector-db-benchmark or VectorDBBench, or a table of answers (Parquet, CSV) with columns query
    and ids, or query, item and rank. Recall is counted here, against exact neighbors; times are
    compared with nothing outside the folder. docs/import.md says what each file has.
    """
    import msgspec

    from vbench.analysis.imported import Imported
    from vbench.analysis.summary import summarize
    from vbench.api.runs import Run
    from vbench.importing.importer import take_results
    from vbench.measures.hits import RULES

    def open_dataset(wanted: str | None) -> Dataset:
        name = dataset or wanted
        assert name is not None
        return open_data(name)

    with progress_bar() as progress:
        taken = take_results(
            paths,
            open_dataset,
            is_dataset_given=dataset is not None,
            rule=next(rule for rule in RULES if rule == recall_rule),
            progress=progress,
            **options,
        )
    summary = None
    if taken.run is not None:
        run = Run(taken.run.path)
        page = str(run.report(run.path / "report.html"))
        summary = msgspec.structs.replace(summarize(run), report=page)
    done = Imported(
        summary=summary,
        unanswered=taken.unanswered,
        means=taken.means,
        left_out=taken.left_out,
    )
    if as_json:
        print_json(done)
    else:
        from vbench.render.terminal.imported import print_imported

        print_imported(done)
    if done.left_out or done.unanswered:
        return 1
    return 3 if summary is None else 0
