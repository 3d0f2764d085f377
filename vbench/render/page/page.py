"""The page: one HTML file that holds its charts, its data and all it needs to draw them."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from vbench._document import Document
from vbench._paths import resource_dir
from vbench._plain import plain
from vbench.analysis.gather import MatchedRecall, Panel, Report, gather, match_recall
from vbench.analysis.unlike import tell_origins
from vbench.analysis.verdict import tell_missing
from vbench.data.files import write_whole
from vbench.errors import VbenchError
from vbench.measures import usual
from vbench.render import frames
from vbench.render.page import words
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Chart, Choice, Facts, Section, Slider, Table, Words
from vbench.render.page.sections import SECTIONS
from vbench.render.palette import looks
from vbench.runs.failed import FailedTrial, failed_trials, missing_results
from vbench.runs.run import Run
from vbench.runs.schema import Warn

if TYPE_CHECKING:
    import polars as pl

LEVEL = 0.9


class Reported(Document, frozen=True, kw_only=True, tag="vbench.report/2"):
    """The files that `vbench report` wrote, and what the runs were planned to hold and do not.

    `failed` are the planned trials without a result, `missing` the settings that lack builds for
    that reason.
    """

    page: str
    figures: list[str]
    failed: tuple[FailedTrial, ...] = ()
    missing: tuple[str, ...] = ()


_PLAIN = "!$&'()*+,-./:;=?@_~ |[]{}^"
"""What may stand in a data: address as it is, besides letters and digits."""
_SPECIAL = re.compile(rf"[^A-Za-z0-9{re.escape(_PLAIN)}]+")


def write(
    runs: Run | Report | Sequence[Run], path: str | Path, *, delta: float = usual.DELTA
) -> Path:
    """Write the page of one or several runs to `path`, whole or not at all; it opens at `delta`.

    Raises
    ------
    VbenchError
        When the file cannot be written, a run is damaged, or δ is none that the slider has.
    """
    _check_delta(delta)
    path = Path(path)
    if path.is_dir():
        raise VbenchError(f"{path} is a folder; give a file, such as {path / 'report.html'}")
    return store(path, html(runs, delta=delta))


def store(path: Path, text: str) -> Path:
    """Write a page, whole or not at all.

    Raises
    ------
    VbenchError
        The file cannot be written.
    """
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise VbenchError(f"{path}: cannot be written ({error.strerror})") from None
    return path


def _check_delta(delta: float) -> None:
    if not 0 < delta <= 1 or abs(100 * delta - round(100 * delta)) > 1e-9:
        raise VbenchError(
            f"delta={delta:g}; give a recall that a query must reach, from 0.01 to 1 in hundredths"
        )


def html(runs: Run | Report | Sequence[Run], *, delta: float = usual.DELTA) -> str:
    """The page of one or several runs, as it opens at a δ."""
    report = gather(runs)
    for panel in report.panels:
        frames.settings(panel)  # first: it reads of every trial what the others ask for
    footings = {panel.id: match_recall(panel) for panel in report.panels}
    level = next(iter(footings.values())).level if footings else LEVEL
    draw = Drawing(report, level, delta)
    return fill(
        report,
        title=words.title(report),
        verdicts=[_verdict(panel, footings[panel.id], delta) for panel in report.panels],
        sections=[made for maker in SECTIONS if (made := maker(report, draw))],
        failed=failed_trials(report.runs),
        warnings=[
            *tell_missing(missing_results(report.runs)),
            *tell_origins(report.runs),
            # What several runs say alike is said once.
            *dict.fromkeys(warning for run in report.runs for warning in run.manifest.warnings),
        ],
        level=level,
        delta=delta,
    )


def fill(
    report: Report,
    *,
    title: str,
    verdicts: Sequence[Verdict],
    sections: Sequence[Section],
    failed: Sequence[FailedTrial],
    warnings: Sequence[Warn],
    level: float = LEVEL,
    delta: float = usual.DELTA,
    brief: bool = False,
) -> str:
    """The template, filled: what is said first, what spoils it, sections with their data.

    A `brief` one is printed in two columns, on a page where it fits.
    """
    page = environment().get_template("page.html").render(
        title=title,
        brief=brief,
        report=report,
        looks=looks(report.indexes),
        level=round(100 * level, 1),
        delta=round(100 * delta),
        verdicts=verdicts,
        failed=_group(failed),
        warnings=warnings,
        planned=sum(len(run.manifest.trials) for run in report.runs),
        sections=sections,
        frames=[_download(name, frame) for each in sections for name, frame in each.frames.items()],
        style=Markup(_text("page.css")),
        script=Markup(_text("page.js")),
        vega=Markup(_text("vega.js")),
        config=json.loads(_text("charts.json")),
    )  # fmt: skip
    # The macros at the template's top leave empty lines.
    return page.lstrip()


class Verdict(NamedTuple):
    """What is said first, of a panel or of all, and its table."""

    words: Sequence[str]
    table: Table | None
    panel: str = ""


def _verdict(panel: Panel, at: MatchedRecall, delta: float) -> Verdict:
    sentences = [
        words.say_answer(panel, at, delta),
        words.say_measured(panel),
        words.say_zero_recall(at),
        words.say_robustness(at, delta),
        words.say_left_out(at),
    ]
    return Verdict(list(filter(None, sentences)), words.verdict_table(panel, at, delta), panel.id)


def _group(failed: Sequence[FailedTrial]) -> dict[tuple[str, str], list[FailedTrial]]:
    """Failed trials by index and reason."""
    groups: dict[tuple[str, str], list[FailedTrial]] = {}
    for each in failed:
        groups.setdefault((each.index, each.reason), []).append(each)
    return groups


class _Download(NamedTuple):
    """A frame as a link that downloads it; the charts read it from there."""

    name: str
    rows: int
    columns: list[str]
    types: Mapping[str, str]
    href: str


def _download(name: str, frame: pl.DataFrame) -> _Download:
    text = frame.with_columns(frames.round_columns(frame)).write_csv(null_value="")
    return _Download(
        name,
        len(frame),
        frame.columns,
        {
            column: "number" if dtype.is_numeric() else "string"
            for column, dtype in frame.schema.items()
        },
        "data:text/csv;charset=utf-8," + _SPECIAL.sub(lambda found: quote(found[0], safe=""), text),
    )


@functools.cache
def environment() -> jinja2.Environment:
    """The templates of `reports`; everything is escaped by default."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_dir("reports")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        # Names are text here too: nothing turns a line around.
        finalize=lambda value: plain(value) if type(value) is str else value,
    )
    made.filters["unbroken"] = _unbroken
    made.tests["chart"] = lambda part: isinstance(part, Chart)
    made.tests["table"] = lambda part: isinstance(part, Table)
    made.tests["facts"] = lambda part: isinstance(part, Facts)
    made.tests["words"] = lambda part: isinstance(part, Words)
    made.tests["choice"] = lambda control: isinstance(control, Choice)
    made.tests["slider"] = lambda control: isinstance(control, Slider)
    return made


def _unbroken(sentence: str) -> Markup:
    """A sentence whose words are not broken at their hyphens: names of indexes, options."""
    return Markup(" ").join(
        Markup('<span class="whole">{}</span>').format(word) if "-" in word else escape(word)
        for word in plain(sentence).replace(" %", "\u00a0%").split(" ")
    )


def _text(name: str) -> str:
    return (resource_dir("reports") / name).read_text(encoding="utf-8")
