"""Values of options, read: pairs, numbers, sizes, words; and what completes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.shell_completion import CompletionItem

from vbench.errors import VbenchError

if TYPE_CHECKING:
    pass


Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(names: Callable[[], Iterable[str]]) -> Complete:
    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        known = [CompletionItem(name) for name in names() if name.startswith(incomplete)]
        return [*known, CompletionItem(incomplete, type="file")]

    return complete


def _index_names() -> list[str]:
    from vbench.indexes.recipe import recipe_files
    from vbench.indexes.registry import adapters

    return sorted({*recipe_files(), *adapters()})


def _dataset_names() -> list[str]:
    from vbench.data import catalog

    return catalog.names()


complete_index = _completing(_index_names)

complete_dataset = _completing(_dataset_names)


def _measure_names() -> list[str]:
    from vbench.measures.base import spell
    from vbench.measures.grammar import measures

    return sorted({"R0.5@10", "R0.9@10", *(spell(kind, {}, "10") for kind in measures().values())})


complete_measure = _completing(_measure_names)


def _ranker_names() -> list[str]:
    from vbench.ranking.protocol import rankers

    return sorted(rankers())


complete_ranker = _completing(_ranker_names)


def complete_setting(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete names of parameters and then values, by the recipes of the indexes that are given.

    Those of the catalog alone: nothing is imported for it.
    """
    import tomllib

    from vbench.indexes.recipe import recipe_files

    found: dict[str, None] = {}
    files = recipe_files()
    for path in (files[each] for each in ctx.params.get("indexes") or () if each in files):
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, given in {**read.get("build", {}), **read.get("search", {})}.items():
            found[f"{name}="] = None
            values = given if isinstance(given, list) else [given]
            found |= dict.fromkeys(f"{name}={value}" for value in values)
    return [
        CompletionItem(text)
        for text in found
        if text.startswith(incomplete) and text.endswith("=") == ("=" not in incomplete)
    ]


def assignments(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Read ``name=value``, each name once."""
    found: dict[str, str] = {}
    for text in given:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise click.BadParameter(f"{text!r} is not {param.metavar}")
        if name in found:
            raise click.BadParameter(f"{name} is given twice; write {name}=a,b for several values")
        found[name] = value
    return found


def overrides(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, list[str]]:
    """Read ``name=value[,value…]``; ``index.name=…`` is for one index alone."""
    merged = {
        name: [part.strip() for part in values.split(",")]
        for name, values in assignments(ctx, param, given).items()
    }
    for name, parts in merged.items():
        if not all(parts):
            raise click.BadParameter(f"{name} has an empty value; write {name}=16,32")
    return merged


def cutoffs(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[int, ...]:
    """Read ``-k 10 -k 100``, or ``-k 10,100``."""
    found = []
    for part in ",".join(map(str, given)).split(","):
        if not part.strip().isdecimal() or int(part) < 1:
            raise click.BadParameter(
                f"{part.strip()!r} is not a whole number from 1 on; write -k 10 -k 100"
            )
        found.append(int(part))
    return tuple(found)


def numbers(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> list[float] | None:
    """Read ``--clients 1,2 --clients 4``: several numbers, whole ones as such."""
    found: list[float] = []
    for part in (each.strip() for text in given for each in text.split(",")):
        try:
            found.append(int(part) if part.lstrip("+-").isdecimal() else float(part))
        except ValueError:
            name = param.opts[0]
            raise click.BadParameter(
                f"{part!r} is not a number; write {name} 2, or several with commas: {name} 2,4"
            ) from None
    return found or None


def bytes_of(ctx: click.Context, param: click.Parameter, given: str | None) -> int | None:
    """Read a number of bytes, with or without a unit: ``4GB``, ``512 MB``."""
    if given is None:
        return None
    match = re.fullmatch(r"([\d.]+)\s*([KMGT]?)B?", given.strip().upper())
    try:
        size = int(float(match[1]) * 1000 ** " KMGT".index(match[2] or " ")) if match else 0
    except ValueError:
        size = 0
    if size < 1:
        raise click.BadParameter(f"{given!r} is not a size; write 4GB or 512MB")
    return size


class MetricType(click.ParamType[Any]):
    """`l2`, `ip`, `cosine`, or what another tool calls them."""

    name = "metric"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[l2|ip|cosine]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from vbench.metric import METRICS, metric_of

        found = metric_of(str(value))
        if found is None:
            self.fail(
                f"{value!r} is not one of {', '.join(METRICS)}, or a word for one of them such as "
                "euclidean, dot, angular",
                param,
                ctx,
            )
        return found


def ground_truth_of(
    ctx: click.Context, param: click.Parameter, given: str | None
) -> str | Literal[False] | None:
    """Read ``FILE|none``: False for `none`, as :func:`vbench.load` takes it."""
    return False if given is not None and given.lower() in ("none", "false") else given


def learn_of(
    ctx: click.Context, param: click.Parameter, given: str | None
) -> int | str | Literal[False] | None:
    """Read ``N|FILE|none``, as :func:`vbench.load` takes it; it says which N there can be."""
    if given is None or given.lower() in ("none", "false"):
        return None if given is None else False
    if re.fullmatch(r"[+-]?\d+", given):
        return int(given)
    if not given or re.fullmatch(r"[+-]?[\d.,%]+", given):
        raise click.BadParameter(
            f"{given!r} is no number of queries; write --learn 2000, a file, or none"
        )
    return given


def known_table(_: click.Context, __: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Refuse a table whose suffix says no format that can be written."""
    for path in paths:
        if path.suffix not in (".csv", ".tex", ".parquet"):
            raise click.BadParameter(f"{path}: a table is written as .csv, .tex or .parquet")
    return paths


def writable(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """A file to write, whose folder is there: it is asked before anything is computed."""
    if path is not None and not path.resolve().parent.is_dir():
        raise VbenchError(f"{path}: there is no folder {path.resolve().parent}")
    return path
