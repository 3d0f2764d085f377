"""`vbench data train`: a dataset from interactions, by two towers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.command import Command
from vbench.cli.data_options import trust_option
from vbench.cli.values import assignments
from vbench.errors import VbenchError
from vbench.render.terminal.output import (
    console,
    json_option,
    print_json,
    print_table,
    progress_bar,
    say,
)

if TYPE_CHECKING:
    from vbench.towers.evaluate import Training
    from vbench.towers.recipe import Source

_EXAMPLES = """
\b
Examples:
  vbench data train books
  vbench data train mine --interactions clicks.parquet --items products.csv
  vbench data train mine --interactions log.csv --column user=visitor --column item=sku
  vbench data train mine --interactions log.csv --set epochs=5 --set metric=cosine --seed 1
"""

_FILE = click.Path(path_type=Path)


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Train two towers on interactions.")
@click.argument("name")
@click.option("--interactions", type=_FILE, metavar="FILE", help="CSV or Parquet: user, item, …")
@click.option("--users", type=_FILE, metavar="FILE", help="CSV or Parquet: features of users.")
@click.option("--items", type=_FILE, metavar="FILE", help="CSV or Parquet: features of items.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=assignments,
    metavar="OURS=THEIRS",
    help="Name of the user, item, rating or timestamp column, if it is not a usual one.",
)
@click.option("--recipe", type=_FILE, metavar="FILE", help="TOML with keys of docs/towers.md.")
@click.option(
    "--set",
    "values",
    multiple=True,
    callback=assignments,
    metavar="KEY=VALUE",
    help="Override a value of the recipe, such as epochs=5 or cycle=true. Repeats.",
)
@click.option(
    "--raw", type=_FILE, metavar="FOLDER", help="Raw files of NAME, if already downloaded."
)
@click.option("--als", is_flag=True, help="Evaluate ALS alongside the towers (extra `als`).")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", type=_FILE, metavar="FOLDER", help="The dataset's folder.  [default: NAME]")
@click.option("--fresh", is_flag=True, help="Replace an existing dataset and train from scratch.")
@trust_option
@json_option
def train(
    name: str,
    interactions: Path | None,
    users: Path | None,
    items: Path | None,
    columns: dict[str, str],
    recipe: Path | None,
    values: dict[str, str],
    raw: Path | None,
    als: bool,
    seed: int,
    out: Path | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Make the dataset NAME: item vectors to search, user vectors to ask.

    Trains a user tower and an item tower on interactions, keeps some interactions back as
    relevance judgments, and prints how many of them exact search finds, beside the most popular
    items. A call that was interrupted resumes.
    """
    from vbench.towers.recipe import Source, change_recipe, find_recipe

    folder = out or Path(name)
    _check_folder(folder, fresh)
    settings = change_recipe(find_recipe(name, recipe), values)
    if interactions is None and (users or items or columns):
        raise VbenchError("--users, --items and --column need --interactions FILE")
    source = Source(
        name=name,
        recipe=settings,
        seed=seed,
        interactions=_absolute(interactions),
        users=_absolute(users),
        items=_absolute(items),
        raw=_absolute(raw),
        columns=columns,
    )
    training = _train(source, folder, als=als, fresh=fresh)
    if as_json:
        print_json(training)
    else:
        _print(training)


def _train(source: Source, folder: Path, *, als: bool, fresh: bool) -> Training:
    """Train, write the dataset's folder, and say what was made of what."""
    from vbench import _paths
    from vbench.towers.evaluate import TrainedDataset, Training
    from vbench.towers.pipeline import import_als, make, save, start_jax

    start_jax()
    if als:
        import_als()  # not after an hour of training
    recipe = source.recipe
    with progress_bar() as progress:
        data = source.read(lambda doing, done, total: progress(doing, done, total or 0))
        for note in data.notes:
            say(f"vbench: note: {note}", err=True)
        made = make(
            data,
            recipe,
            source.seed,
            als=als,
            checkpoints=_paths.home() / "training",
            fresh=fresh,
            progress=lambda epoch, done, total, loss: progress(
                f"epoch {epoch} of at most {recipe.epochs}, loss {loss:.3f}", done, total
            ),
            report=lambda epoch: say(
                f"epoch {epoch.number}: loss {epoch.loss:.3f}, "
                f"HR@100 on validation {epoch.hit_rate:.4f}",
                err=True,
            ),
        )
        save(folder, source, data, made)
    return Training(
        dataset=TrainedDataset(
            name=source.name,
            folder=str(folder),
            metric=recipe.metric,
            n=len(made.vectors.base),
            m=len(made.vectors.queries),
            d=recipe.dim,
        ),
        seed=source.seed,
        split=data.split,
        notes=list(data.notes),
        epochs=made.epochs,
        best=made.best,
        quality=dict(made.quality),
    )


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())


def _check_folder(folder: Path, fresh: bool) -> None:
    """Refuse to write over a dataset unasked, or into a folder that holds something else."""
    from vbench.towers.export import FILES

    if not folder.exists():
        return
    if not folder.is_dir():
        raise VbenchError(f"{folder} is a file; give another folder with --out")
    if (folder / "base.npy").is_file():
        if not fresh:
            raise VbenchError(f"{folder} holds a dataset already; --fresh replaces it")
    elif {path.name for path in folder.iterdir()} - FILES - {"recipe.toml"}:
        raise VbenchError(
            f"{folder} holds something else than a dataset; give another folder with --out"
        )


def _print(training: Training) -> None:
    from vbench.render.terminal.tables import make_table

    table = make_table("", "exact search with", "HR@100", "nDCG@10", "AUC", "LogLoss")
    for name, of in training.quality.items():
        table.add_row(name, *(f"{x:.4f}" for x in (of.hit_rate, of.ndcg, of.auc, of.log_loss)))
    data = training.dataset
    say(f"{data.n:,} items, {data.m:,} queries, d={data.d}, {data.metric}")
    say(f"split {training.split}; vectors of epoch {training.best}")
    print_table(console(), table)
    if training.quality["towers"].hit_rate <= training.quality["popularity"].hit_rate:
        say(
            "The towers find no more than the most popular items do: more interactions, features "
            "or epochs are needed before these vectors say anything of an index."
        )
    say(f"{data.folder}: vbench run --index hnsw --dataset {data.folder}")
