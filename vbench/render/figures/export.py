"""Write the figures of a run as files, at the size at which they are printed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from vbench._paths import resource_dir
from vbench._plain import in_figure
from vbench.analysis.gather import Panel, Report, gather
from vbench.data.files import write_whole
from vbench.errors import VbenchError
from vbench.render import figures, filtering, frames
from vbench.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 0.16
"""Inches that a row of the legend, or one index in a chart of rows, needs."""


class Planned(NamedTuple):
    """One figure of the set: its name, what draws it, how many rows it has, if it has rows."""

    name: str
    draw: Callable[..., None]
    arguments: Mapping[str, Any] = MappingProxyType({})
    rows: float = 0


def plan_figures(panel: Panel) -> Iterator[Planned]:
    """The figures that a panel has the data for."""
    known = frames.settings(panel)
    chosen = len(panel.indexes)
    yield Planned("recall-distribution", figures.recall_distribution)
    yield Planned("robustness-curves", figures.curves)
    yield Planned("robustness-against-recall", figures.robustness_against_recall)
    if known["qps"].null_count() < len(known):
        yield Planned("throughput-against-recall", figures.trade_off)
        yield Planned(
            "throughput-against-robustness", figures.trade_off, {"x": "robustness", "y": "qps"}
        )
        yield Planned("three-way", figures.three_way)
    for number, index in enumerate(panel.indexes, start=1):
        if figures.find_swept(panel, index):
            yield Planned(f"parameter-effect-{number}", figures.parameter_effect, {"index": index})
    for along in figures.find_loads(panel):
        if along != "rate":  # there it is the rate, or less where it is too much
            yield Planned(f"throughput-by-{along}", figures.under_load, {"along": along})
        latency = {"along": along, "y": "p99_latency"}
        yield Planned(f"latency-by-{along}", figures.under_load, latency)
    if not filtering.filtered(panel).is_empty():
        for key, _, _, _ in filtering.SHOWN:
            words = key.replace("_", "-")
            yield Planned(f"{words}-under-filters", figures.under_filters, {"y": key})
        by_correlation = {"x": "correlation"}
        yield Planned("reach-90-by-correlation", figures.under_filters, by_correlation)
    for key in figures.find_aged(panel):
        yield Planned(f"{key.replace('_', '-')}-by-age", figures.by_age, {"y": key})
    if segments := figures.fitting_segments(panel):
        rows = segments * figures.segment_height(panel) / _ROW
        yield Planned("tail-by-segment", figures.tail_by_segment, rows=rows)
    if items := figures.fitting_items(panel):
        rows = items * figures.segment_height(panel) / _ROW
        yield Planned("lost-items", figures.lost_items, rows=rows)
    if panel.hardness is not None:
        yield Planned("hardness", figures.hardness)
    efforts = frames.efforts(panel)
    if not efforts.is_empty():
        yield Planned("effort", figures.effort, rows=efforts["id"].n_unique())
    if figures.find_pairs(panel):
        yield Planned("gain-curve", figures.gain_curve)
    if any(len(shown.trials) > 1 for shown in panel.settings):
        yield Planned("build-spread", figures.build_spread, rows=chosen)


def write(
    runs: Run | Report | Sequence[Run], folder: str | Path, *, vector: bool = False
) -> list[Path]:
    """Write every figure in single and double column (``…-wide``), and return the files.

    With `vector`, SVG and PDF beside the PNG of 300 dpi.

    Raises
    ------
    VbenchError
        When nothing is finished, or a file cannot be written.
    """
    report = gather(runs)
    if not report.panels:
        report.panel()
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VbenchError(f"cannot make the folder {folder}: {error.strerror}") from None
    written = []
    for panel in report.panels:
        one = Report(report.runs, (panel,), report.indexes)
        suffix = "" if len(report.panels) == 1 else f"-{panel.id}-k{panel.k}"
        for figure in plan_figures(panel):
            for size, wide in ((figures.SINGLE, ""), (figures.DOUBLE, "-wide")):
                drawn = draw(figure, one, size, panel.name)
                for kind in ("png", "svg", "pdf") if vector else ("png",):
                    path = folder / f"{figure.name}{suffix}{wide}.{kind}"
                    save(drawn, path, kind)
                    written.append(path)
    return written


def draw(figure: Planned, shown: object, size: tuple[float, float], title: str = "") -> Figure:
    """One figure with its legend below, as high as its rows and its legend need.

    `title` says what it is of: the dataset and K.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    width, height = size
    with matplotlib.style.context(resource_dir("reports") / "figures.mplstyle"):
        drawn = Figure(figsize=(width, max(height, _ROW * figure.rows + 0.6)))
        ax: Axes = drawn.subplots()
        figure.draw(shown, ax, **figure.arguments)
        if title:
            ax.set_title(in_figure(title), loc="left", fontsize="small", color="#555555")
        _legend(drawn, ax, width)
    return drawn


def _legend(drawn: Figure, ax: Axes, width: float) -> None:
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    # About 14 characters of 7 pt fit an inch.
    longest = max(map(len, labels)) / 14 + 0.45
    columns = max(1, min(len(labels), int(width / longest)))
    rows = -(-len(labels) // columns)
    drawn.set_figheight(drawn.get_figheight() + _ROW * rows)
    drawn.legend(handles, labels, loc="outside lower center", ncols=columns)


def save(drawn: Figure, path: Path, kind: str) -> None:
    """Write a figure as `png`, `svg` or `pdf`, whole or not at all."""
    import matplotlib.style

    with (
        matplotlib.style.context(resource_dir("reports") / "figures.mplstyle"),
        warnings.catch_warnings(),
    ):
        # A name may hold signs that the font has not; a box stands for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        buffer = io.BytesIO()
        # Without a date the same run gives the same file.
        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        drawn.savefig(buffer, format=kind, metadata=dates.get(kind))
    write_whole(path, buffer.getbuffer())
