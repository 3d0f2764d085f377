"""A watch as a text file of Prometheus, for the textfile collector of its node exporter."""

from __future__ import annotations

import math
from typing import NamedTuple

from vbench.analysis.watching import Watch


class _Metric(NamedTuple):
    name: str
    kind: str
    about: str
    values: tuple[tuple[str, float | None], ...]


def to_prometheus(found: Watch, ended: float) -> str:
    """The metrics of a watch in Prometheus' text format.

    Parameters
    ----------
    ended
        When, in seconds since 1970.
    """
    value = found.value
    metrics = (
        _Metric(
            "broken",
            "gauge",
            "1 where the promise is surely broken.",
            (("", found.status == "broken"),),
        ),
        _Metric("value", "gauge", "Promised measure so far.", (("", value.value),)),
        _Metric("value_low", "gauge", "Lower end of its confidence sequence.", (("", value.low),)),
        _Metric("value_high", "gauge", "Upper end.", (("", value.high),)),
        _Metric("promised", "gauge", "Value that was promised.", (("", found.promised),)),
        _Metric(
            "evidence",
            "gauge",
            "What 1 has become by bets against the promise; broken at 1/alpha.",
            (("", found.evidence),),
        ),
        _Metric("queries_total", "counter", "Queries that were seen.", (("", found.queries),)),
        _Metric(
            "shadow_searches_total",
            "counter",
            "Queries that were asked again exactly.",
            (("", found.shadow),),
        ),
        _Metric(
            "load_searches_total",
            "counter",
            "Searches that the index was asked for.",
            (("search", found.searches), ("exact", found.exact_searches)),
        ),
        _Metric("changes", "gauge", "Changes that were seen.", (("", len(found.regimes) - 1),)),
        _Metric("updated_seconds", "gauge", "When this was written.", (("", ended),)),
    )
    lines = [line for metric in metrics for line in _lines(metric, _labels(found))]
    return "\n".join(lines) + "\n"


def _lines(metric: _Metric, labels: str) -> list[str]:
    name = f"vbench_watch_{metric.name}"
    lines = [f"# HELP {name} {metric.about}", f"# TYPE {name} {metric.kind}"]
    for kind, value in metric.values:
        more = f'{labels},kind="{kind}"' if kind else labels
        number = math.nan if value is None else float(value)
        lines.append(f"{name}{{{more}}} {'NaN' if math.isnan(number) else repr(number)}")
    return lines


def _labels(found: Watch) -> str:
    known = {
        "index": found.index,
        "dataset": found.dataset,
        "promise": found.promise,
        "filter": found.filter or "",
        "where": " ".join(found.where),
    }
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in known.items())


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
