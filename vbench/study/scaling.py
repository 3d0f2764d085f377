"""What a study says of other sizes: lines through its parts that were measured on samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from vbench.analysis.scaling import Foretold, Key, ScalingLine, SizedValue, draw_line
from vbench.analysis.summary import SummaryRow, summarize
from vbench.measures.grammar import parse
from vbench.measures.recall import Recall
from vbench.render.palette import looks
from vbench.runs.run import Run
from vbench.runs.schema import Level
from vbench.runs.settings import spell
from vbench.stats.growth import Growth
from vbench.study.file import Part, Scaling

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARES = ("share", "score")


class Measured(NamedTuple):
    """One part and its run."""

    part: Part
    run: Run


class _Value(NamedTuple):
    """A value of a line, and whether it lies within 0 … 1."""

    key: Key
    value: SizedValue
    is_share: bool


def find_lines(scaling: Scaling, measured: Sequence[Measured]) -> list[ScalingLine]:
    """Every measure that is asked for, of each setting or level of its parts."""
    found: dict[Key, list[_Value]] = {}
    for each in measured:
        if each.part.name in scaling.parts:
            for value in _values(scaling, *each):
                found.setdefault(value.key, []).append(value)
    lines = (
        draw_line(key, [each.value for each in values], scaling.to, is_share=values[0].is_share)
        for key, values in found.items()
    )
    return [line for line in lines if line is not None]


def _values(scaling: Scaling, part: Part, run: Run) -> Iterator[_Value]:
    """What one run has of each line."""
    n, sample = run.manifest.dataset.n, part.sample
    for k in part.k:
        measures = [parse(spelling) for spelling in scaling.at(k)]
        rows = [row for row in summarize(run, measures).settings if row.k == k]
        for at, row, level in _chosen(part, run, rows):
            build = tuple(row.build.items())
            for spelling, measure in zip(scaling.at(k), measures, strict=True):
                estimate = row.measures.get(str(measure))
                if estimate is None or estimate.value is None:
                    continue
                name = spelling.removesuffix(f"@{k}")
                yield _Value(
                    Key(part.name, part.dataset, row.index, build, at, k, name),
                    SizedValue(
                        n=n,
                        sample=sample,
                        value=estimate.value,
                        low=estimate.low,
                        high=estimate.high,
                    ),
                    measure.unit in _SHARES,
                )
            if level is not None and level.tune_parameter is not None:
                yield _Value(
                    Key(part.name, part.dataset, row.index, build, at, k, level.tune_parameter),
                    SizedValue(n=n, sample=sample, value=needed(level)),
                    False,
                )


def _chosen(
    part: Part, run: Run, rows: Sequence[SummaryRow]
) -> Iterator[tuple[str, SummaryRow, Level | None]]:
    """The settings to follow over sizes: all, or of each index the one nearest to the level."""
    if part.at_recall is None:
        yield from ((spell(row.setting), row, None) for row in rows)
        return
    for level in run.manifest.levels:
        near = [
            row
            for row in rows
            if (row.index, row.build, row.k) == (level.index, level.build, level.k)
            and row.setting in level.chosen
        ]
        met = [recall >= level.target for _, recall in level.tried]
        if near and (level.reached or (any(met) and not all(met))):
            recall = str(Recall() @ level.k)
            row = min(near, key=lambda each: abs((each.measures[recall].value or 0) - level.target))
            yield f"mean recall {level.target:g}", row, level


def needed(level: Level) -> float:
    """The value of the parameter that a recall takes: between the two tried around it, in logs."""
    below = max(
        (each for each in level.tried if each[1] <= level.target), key=_by_recall, default=None
    )
    above = min(
        (each for each in level.tried if each[1] >= level.target), key=_by_recall, default=None
    )
    if below is None or above is None or below[0] <= 0 or above[0] <= 0:
        return float((below or above or level.tried[-1])[0])
    if below[1] == above[1]:
        return float(above[0])
    share = (level.target - below[1]) / (above[1] - below[1])
    return float(below[0] ** (1 - share) * above[0] ** share)


def _by_recall(tried: tuple[float | int, float]) -> float:
    return tried[1]


def frame_of(lines: Sequence[ScalingLine]) -> pl.DataFrame:
    """A row for each value, forecast and size that was left out, as the CSV has them."""
    rows = []
    for line in lines:
        name = {
            "part": line.part,
            "dataset": line.dataset,
            "index": line.index,
            "build": spell(line.build),
            "at": line.at,
            "k": line.k,
            "measure": line.measure,
        }
        told: list[tuple[str, int, int | None, SizedValue | Foretold]] = [
            ("measured", each.n, each.sample, each) for each in line.values
        ]
        told.append(("forecast", line.forecast.n, None, line.forecast))
        if line.left_out is not None:
            told.append(("left out", line.left_out.n, None, line.left_out))
        rows += [
            name
            | {"what": what, "n": n, "sample": sample}
            | {"value": each.value, "low": each.low, "high": each.high}
            for what, n, sample, each in told
        ]
    return pl.DataFrame(rows, infer_schema_length=None)


def scaling(lines: Sequence[ScalingLine], ax: Axes) -> None:
    """One measure against the size of the base: samples, line, interval, and what was left out."""
    import numpy as np

    look = looks([line.index for line in lines])
    for line in lines:
        style = look[line.index]
        sizes = [each.n for each in line.values]
        values = [each.value for each in line.values]
        growth = Growth.of(
            sizes, values, [each.sample for each in line.values], is_logarithmic=line.is_factor
        )
        color = style.color
        label = f"{line.index} {line.at}"
        marker = style.marker.matplotlib
        ax.plot(sizes, values, ls="none", marker=marker, ms=4, color=color, label=label)
        reach = np.geomspace(min(sizes), max(line.forecast.n, *sizes), 50)
        told = [growth.at(each) for each in reach]
        ax.plot(reach, [each.value for each in told], color=color, lw=1)
        ends = np.array([[each.low, each.high] for each in told]).T
        ends = ends if line.is_factor else ends.clip(0.0, 1.0)
        ax.fill_between(reach, *ends, color=color, alpha=0.15, lw=0)
        if (out := line.left_out) is not None:
            ax.plot([out.n], [out.value], ls="none", marker=marker, ms=7, mfc="none", color=color)
    _log_axis(ax.xaxis, 1.0)
    ax.set_xlabel("base vectors; hollow: foretold without the largest size")
    ax.set_ylabel(lines[0].measure)
    if lines[0].is_factor:
        _log_axis(ax.yaxis, 1.0, 2.0, 5.0)


def _log_axis(axis: Any, *steps: float) -> None:
    """A logarithmic axis with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.6g}" if value < 1e3 else f"{value:,.0f}")
    )
