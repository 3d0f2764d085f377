"""What every chart of the page builds on: shared state, choice of settings, looks.

Charts are Vega-Lite specifications over named data, which the page fills with the frames. State
that all charts share lives in parameters of these names, which the page's controls set:

`panel`
    Which dataset and K.
`delta`
    δ in percent, a whole number, so that thresholds are exact.
`level`
    Mean recall in percent at which indexes are compared.
`pick`
    Name of an index or id of a setting that is picked out, or empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vbench.analysis.gather import Report
from vbench.measures import usual
from vbench.render.palette import looks

NEED = "ceil(delta * datum.k / 100)"
"""Hits that δ needs at K. Exact: a product of whole numbers is divided once."""
NEED_OF_TENTH = "ceil(ceil(delta / 10) * datum.k / 10)"
"""The same for δ rounded up to a tenth."""
AT_DELTA = {"filter": f"datum.need === {NEED}"}
AT_TENTH = {"filter": f"datum.need === {NEED_OF_TENTH}"}
LIT = "pick === '' || pick === datum.index || pick === datum.id"
_MEASURE_LABEL = "replace(datum.label, /Robustness[(]delta=([0-9.]+)[)]/, 'R-$1')"
"""Label of an axis of measures, ``R-0.9@10``: narrow pages have no room for the long spelling."""
_KNOWN = ("panel", "index", "setting", "family", "parameters", "k", "recall")
_BAND = 32
"""Height of the band of one setting, in pixels."""

Spec = dict[str, Any]
ROW_NAMES: Spec = {
    "labelLimit": {"expr": "max(90, min(230, containerSize()[0] / 3))"},
    "ticks": False,
    "domain": False,
    "labelPadding": 8,
}
"""An axis of names, which takes at most a third of a narrow page."""

AT_LEVEL: list[Spec] = [
    {"calculate": "abs(datum.recall - level / 100) + 1e-9 * datum.order", "as": "away"},
    {
        "window": [{"op": "dense_rank", "as": "nearness"}],
        "sort": [{"field": "away"}],
        "groupby": ["index"],
    },
    {"filter": "datum.nearness === 1 || pick === datum.id"},
    {
        "calculate": "several && pick !== datum.id && "
        f"abs(datum.recall - level / 100) > {usual.TOLERANCE} + 1e-9",
        "as": "off",
    },
    {
        "calculate": "datum.off ? datum.name + ' (recall ' + format(datum.recall, '.3f') + ')' "
        ": datum.name",
        "as": "name",
    },
]
"""Keeps of each index the setting nearest to the level of recall, and the picked one.

One that is not at the level is `off`, and its name says at which recall it is.
"""


class Drawing:
    """What the charts of one report have in common."""

    def __init__(self, report: Report, level: float, delta: float = usual.DELTA) -> None:
        self._looks = looks(report.indexes)
        self._shared = {
            "panel": report.panels[0].id if report.panels else "",
            "delta": round(100 * delta),
            "level": round(100 * level, 1),
            "pick": "",
            # One index alone is compared with nothing that has another recall.
            "several": len(self._looks) > 1,
        }

    @property
    def count(self) -> int:
        """How many indexes there are."""
        return len(self._looks)

    @property
    def bands(self) -> int:
        """Height of a chart with one band for each index, in pixels."""
        return self.height_of(self.count)

    def height_of(self, bands: int) -> int:
        """Height of a chart with so many bands, in pixels."""
        return _BAND * max(bands, 2)

    @property
    def color(self) -> Spec:
        """The color of a row's index."""
        return self._scaled([look.css for look in self._looks.values()])

    @property
    def shape(self) -> Spec:
        """The marker of a row's index."""
        return self._scaled([look.marker.vega for look in self._looks.values()])

    @property
    def dash(self) -> Spec:
        """The dashes of a row's index."""
        return self._scaled([list(look.dash) or [1, 0] for look in self._looks.values()])

    def _scaled(self, values: Sequence[Any]) -> Spec:
        scale = {"domain": list(self._looks), "range": list(values)}
        return nominal("index", scale=scale, legend=None)

    def chart(
        self,
        data: str,
        transform: Sequence[Spec],
        layer: Sequence[Spec],
        *,
        height: int,
        known: Sequence[str] = (),
        parameters: Spec | None = None,
        **more: Any,
    ) -> Spec:
        """A chart as wide as its place.

        Parameters
        ----------
        data
            The frame to draw; its rows are joined with what is known of their settings, and
            those of the shown panel are kept.
        known
            More columns of the settings' frame that the chart needs.
        parameters
            The chart's own parameters beside the shared ones, with their first values.
        """
        return {
            **self.rows(data, transform, known=known, parameters=parameters),
            "width": "container",
            "height": height,
            "layer": list(layer),
            **more,
        }

    def plain(
        self,
        data: str,
        transform: Sequence[Spec],
        layer: Sequence[Spec],
        *,
        height: int,
        parameters: Spec | None = None,
    ) -> Spec:
        """A chart of a frame whose rows are not settings of this report."""
        marks = {"width": "container", "height": height, "layer": list(layer)}
        return self._start(data, transform, parameters) | marks

    def rows(
        self,
        data: str,
        transform: Sequence[Spec],
        *,
        known: Sequence[str] = (),
        parameters: Spec | None = None,
    ) -> Spec:
        """Data, parameters and transforms of a chart, without its marks."""
        settings = {"data": {"name": "settings"}, "key": "id", "fields": [*_KNOWN, *known]}
        joined: list[Spec] = [
            {"lookup": "id", "from": settings},
            {"filter": "datum.panel === panel"},
            *_named("", "id", "order"),
        ]
        return self._start(data, [*joined, *transform], parameters)

    def _start(self, data: str, transform: Sequence[Spec], parameters: Spec | None) -> Spec:
        values = {**self._shared, **(parameters or {})}
        return {
            "data": {"name": data},
            "params": [{"name": name, "value": value} for name, value in values.items()],
            "transform": list(transform),
        }


def joined_other() -> list[Spec]:
    """Give each row the `other_name` of the setting whose id is its `other`, and its `place`."""
    settings = {"data": {"name": "settings"}, "key": "id", "fields": ["index", "setting"]}
    lookup = {"lookup": "other", "from": settings, "as": ["other_index", "other_setting"]}
    return [lookup, *_named("other_", "other", "place")]


def _named(prefix: str, key: str, order: str) -> list[Spec]:
    """The name of a setting from its fields, which begin so, and its order from its id."""
    index, setting = f"datum.{prefix}index", f"datum.{prefix}setting"
    return [
        {"calculate": f"{index} + ({setting} ? ' ' + {setting} : '')", "as": f"{prefix}name"},
        {"calculate": f"toNumber(slice(datum.{key}, 1))", "as": order},
    ]


def mark(kind: str, encoding: Spec, **style: Any) -> Spec:
    """One layer: a mark that can be clicked, and what it encodes."""
    return {"mark": {"type": kind, "cursor": "pointer", **style}, "encoding": encoding}


def dots(encoding: Spec, size: int) -> Spec:
    """One layer of filled marks, in the shapes that `encoding` says."""
    return mark("point", encoding, filled=True, size=size)


def rule(encoding: Spec, **style: Any) -> Spec:
    """A layer of thin lines in the color of the text, which say nothing to a screen reader."""
    given = {"type": "rule", "stroke": "currentColor", "aria": False, **style}
    return {"mark": given, "encoding": encoding}


def single_rule(encoding: Spec, **style: Any) -> Spec:
    """A layer of one such line, at a value that is no field's."""
    return {"data": {"values": [{}]}, **rule(encoding, **style)}


def number(field: str, **more: Any) -> Spec:
    """Encode a number."""
    return {"field": field, "type": "quantitative", **more}


def nominal(field: str, **more: Any) -> Spec:
    """Encode a name."""
    return {"field": field, "type": "nominal", **more}


def first_by(field: str) -> Spec:
    """Sort by the least value of a field."""
    return {"field": field, "op": "min"}


def measure_names(least: int) -> Spec:
    """An axis of measures, at least so many pixels wide."""
    limit = {"expr": f"max({least}, containerSize()[0] / 2.2)"}
    return {"labelExpr": _MEASURE_LABEL, "labelLimit": limit, "ticks": False, "domain": False}


def share(field: str, title: str, *, whole: bool = True, **scale: Any) -> Spec:
    """Encode a share on an axis of percents: the `whole` from 0 to 100 %, or where it lies."""
    domain = {"domain": [0, 1]} if whole else {"zero": False, "nice": False}
    return number(
        field,
        title=title,
        axis={"format": ".0%" if whole else "~%", "tickCount": 6},
        scale={**domain, **scale},
    )


def name_band() -> Spec:
    """Encode one band for each setting, in the order of the plan."""
    return nominal("name", title=None, sort=first_by("order"), axis=ROW_NAMES)


def lit(faded: float = 0.12, full: float = 1.0) -> Spec:
    """Opacity that fades what is not picked, or not at the level of recall."""
    return {
        "condition": [
            {"test": f"({LIT}) && !datum.off", "value": full},
            {"test": LIT, "value": max(faded, 0.35 * full)},
        ],
        "value": faded,
    }


def hover(*more: Spec) -> list[Spec]:
    """What hovering shows: index, parameters, and more."""
    return [
        nominal("index"),
        nominal("parameters"),
        *more,
        number("recall", title="mean recall", format=".4f"),
    ]


def hover_ends(form: str) -> list[Spec]:
    """What hovering shows of an interval."""
    return [
        number("low", title="95 % interval from", format=form),
        number("high", title="to", format=form),
    ]


HOVER_REACHED = (number("robustness", title="reach δ", format=".2%"), *hover_ends(".2%"))
