"""A watch: what it asks for, what it makes of it, and what ends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vectors import gaussian_pair

import vbench
from vbench.errors import VbenchError
from vbench.indexes.flat import Flat
from vbench.indexes.protocol import Ids, Vectors
from vbench.watching.queries import of_log

BASE, QUERIES = gaussian_pair(600, 400, 8, seed=11)
CALLS: dict[str, int] = {}


class Counting(Flat):
    """Exact but for a share of the queries, of which it finds nothing; it counts what it is asked.

    The queries are told by their first coordinate.
    """

    def __init__(self, bad: float = 0.0) -> None:
        super().__init__()
        self.bad = np.quantile(QUERIES[:, 0], bad)
        CALLS.update(search=0, exact=0)

    def search_one(self, query: Vectors, k: int) -> Ids:
        CALLS["search"] += 1
        found: Ids = super().search(query[np.newaxis], k)[0]
        return np.full(k, -1) if query[0] < self.bad else found

    def exact(self, queries: Vectors, k: int) -> Ids:
        CALLS["exact"] += len(queries)
        found: Ids = super().search(queries, k)
        return found


def watch(promise: str, bad: float = 0.0, **more: Any) -> vbench.Watch:
    given = {"metric": "l2", "queries": QUERIES, "sample": "100%", **more}
    return vbench.watch(BASE, Counting, promise, settings={"bad": bad}, **given)


def write_log(path: Path, **more: Any) -> Path:
    lines = [json.dumps({"vector": query.tolist(), **more}) for query in QUERIES.astype(float)]
    path.write_text("\n".join(lines) + "\n\n")
    return path


def test_a_promise_that_is_kept_holds() -> None:
    """After all queries, each asked once; the exact answers are those of the service."""
    found = watch("Robustness(delta=0.9)@10>=0.9")
    assert (found.status, found.value.value, found.truth) == ("holds", 1.0, "service")
    assert (found.queries, found.shadow, found.since) == (400, 400, None)
    assert found.verdict.startswith("holds: Robustness(delta=0.9)@10 is 100 %")
    assert found.looks[-1].n == 400
    assert found.value.low is not None
    assert found.value.low > 0.9


@pytest.mark.parametrize(
    "promise", ["Robustness(delta=0.9)@10>=0.9", "Failure@10<=0.1", "Recall@10>=90%"]
)
@pytest.mark.parametrize("exact", ["service", "dataset"])
def test_a_broken_promise_ends_the_watch(promise: str, exact: str) -> None:
    """By each measure, and whoever searches exactly."""
    found = watch(promise, 0.4, exact=exact)
    assert (found.status, found.since, found.truth) == ("broken", 1, exact)
    assert 5 <= found.shadow < 100
    assert found.evidence >= 100
    assert found.exact_searches == (found.shadow if exact == "service" else 0)


def test_few_searches_tell_nothing() -> None:
    """Not even if each had broken it."""
    assert watch("Recall@10>=0.5", at_most=3).status == "open"
    nothing = watch("Recall@10>=0.5", sample=1e-9)
    assert nothing.verdict == "cannot be judged: nothing was asked again (promised >= 0.500)"


def test_no_more_is_asked_than_is_allowed() -> None:
    """Neither searches nor exact ones: by the sample, by a number, and by a rate."""
    found = watch("Recall@10>=0.5", sample="20%")
    assert {"search": found.searches, "exact": found.exact_searches} == CALLS
    assert 40 < found.shadow == found.exact_searches < 130
    assert found.queries == 400
    found = watch("Recall@10>=0.5", at_most=30)
    assert CALLS == {"search": 30, "exact": 30}
    assert found.queries == 30
    found = watch("Recall@10>=0.5", at_most="25/d")
    assert CALLS == {"search": 25, "exact": 25}
    assert found.queries == 400


def test_a_log_is_read_line_by_line(tmp_path: Path) -> None:
    """Of what the service answered already, the exact answer alone is asked for."""
    log = write_log(tmp_path / "queries.jsonl", ids=list(range(10)), country="SE")
    found = watch("Recall@10>=0.5", queries=log)
    assert found.status == "broken"
    assert CALLS["search"] == 0 < CALLS["exact"] == found.shadow
    plain = tmp_path / "plain.jsonl"
    plain.write_text("\n".join(json.dumps(query.tolist()) for query in QUERIES.astype(float)))
    assert watch("Recall@10>=0.5", queries=plain).value.value == 1.0
    np.save(tmp_path / "base.npy", BASE)
    own = vbench.watch(
        tmp_path / "base.npy", "flat", "Recall@10>=0.5", metric="l2", queries=log, sample=1
    )
    assert own.status == "broken"


def test_only_queries_of_a_segment_are_watched(tmp_path: Path) -> None:
    """Of a log by its keys, of a dataset by its columns."""
    import polars as pl

    rows = QUERIES[:, 0] < np.quantile(QUERIES[:, 0], 0.4)
    country = np.where(rows, "SE", "BR").tolist()
    data = vbench.load(
        BASE, queries=QUERIES, metric="l2", segments=pl.DataFrame({"country": country})
    )
    asked = {"settings": {"bad": 0.4}, "sample": 1.0}
    good = vbench.watch(data, Counting, "Recall@10>=0.9", where="country=BR", **asked)
    bad = vbench.watch(data, Counting, "Recall@10>=0.9", where=["country=SE"], **asked)
    assert (good.value.value, good.queries) == (1.0, 240)
    assert (bad.value.value, bad.status) == (0.0, "broken")
    of_it = vbench.watch(data, Counting, "Recall@10>=0.9 where country=BR", **asked)
    assert (of_it.queries, of_it.where) == (240, ("country=BR",))
    log = tmp_path / "q.jsonl"
    log.write_text(
        "\n".join(
            json.dumps({"vector": query, "country": name})
            for query, name in zip(QUERIES.tolist(), country, strict=True)
        )
    )
    assert watch("Recall@10>=0.9", 0.4, queries=log, where="country=br").queries == 240
    with pytest.raises(VbenchError, match="line 1 'land'"):
        watch("Recall@10>=0.9", queries=log, where="land=SE")
    with pytest.raises(VbenchError, match="have no segments"):
        watch("Recall@10>=0.9", where="country=SE")


@pytest.mark.parametrize("exact", ["service", "dataset"])
@pytest.mark.parametrize("condition", ["price < 30", "query:color"])
def test_a_promise_is_watched_under_a_filter(exact: str, condition: str) -> None:
    """Shared by all queries, or of each its own: exact search finds what passes alone."""
    import polars as pl

    colors = ["red", "green", "blue"]
    items = pl.DataFrame(
        {"price": np.arange(600) % 100, "color": [colors[row % 3] for row in range(600)]}
    )
    segments = pl.DataFrame({"color": [colors[row % 3] for row in range(400)]})
    data = vbench.load(BASE, queries=QUERIES, metric="l2", items=items, segments=segments)
    found = vbench.watch(
        data, Counting, "Recall@10>=0.9", filter=condition, exact=exact, sample=0.5
    )
    assert (found.status, found.value.value) == ("holds", 1.0)
    short = vbench.watch(
        data, Counting, "Recall@10>=0.9", filter="price < 1", exact=exact, sample=0.5
    )
    assert (short.status, short.value.value) == ("holds", 1.0)


def test_an_index_is_loaded_from_a_file(tmp_path: Path) -> None:
    """What another process built is searched, and left as it is."""
    from vbench.indexes.hnsw import Hnsw

    index = Hnsw(M=4)
    index.fit(BASE, "l2", seed=1, threads=1)
    index.save(tmp_path / "index")
    before = (tmp_path / "index").read_bytes()
    found = vbench.watch(
        BASE,
        "hnsw",
        "Recall@10>=0.9",
        queries=QUERIES,
        metric="l2",
        settings={"M": 4, "ef": 100},
        place=tmp_path / "index",
        sample=1.0,
    )
    assert (found.status, found.truth, found.place) == (
        "holds",
        "dataset",
        str(tmp_path / "index"),
    )
    assert (tmp_path / "index").read_bytes() == before
    with pytest.raises(VbenchError, match="cannot be loaded"):
        watch("Recall@10>=0.9", place=tmp_path / "index")


def test_what_is_seen_goes_to_files_as_well(tmp_path: Path) -> None:
    """A line of JSON for each shadow search, Prometheus' text, and a page."""
    found = watch(
        "Robustness(delta=0.9)@10>=0.9",
        0.4,
        lines=tmp_path / "looks.jsonl",
        prometheus=tmp_path / "recall.prom",
        page=tmp_path / "watch.html",
    )
    looks = [json.loads(line) for line in (tmp_path / "looks.jsonl").read_text().splitlines()]
    assert [each["n"] for each in looks] == list(range(1, found.shadow + 1))
    assert looks[-1]["evidence"] == pytest.approx(found.evidence)
    said = (tmp_path / "recall.prom").read_text()
    assert 'promise="Robustness(delta=0.9)@10>=0.9"' in said
    assert f"{found.shadow}.0" in next(
        line for line in said.splitlines() if line.startswith("vbench_watch_shadow_searches_total")
    )
    assert "vbench_watch_broken{" in said
    page = (tmp_path / "watch.html").read_text()
    assert found.verdict in page.replace("&gt;", ">")
    assert "<script" not in page
    with pytest.raises(VbenchError, match="there is no folder"):
        watch("Recall@10>=0.9", page=tmp_path / "gone" / "watch.html")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"promise": "CVaR@10>=0.9"}, "cannot be watched query by query"),
        ({"promise": "Recall@10>=0.9 and Failure@10<=0.1"}, "are 2 promises"),
        ({"sample": "0%"}, "no share"),
        ({"at_most": "ten"}, "no limit"),
        ({"filter": "price < 3"}, "no item attributes"),
        ({"connect": {"flat": "somewhere"}}, "unknown index in connect"),
        ({"alpha": 1.5}, "alpha=1.5"),
        ({"promise": "Recall@900>=0.9"}, "more than the 600 base vectors"),
        ({"settings": {"bad": [0.1, 0.2]}}, None),
    ],
)
def test_wrong_calls_are_one_line(given: dict[str, Any], said: str | None) -> None:
    """What was given, what is allowed."""
    promise = given.pop("promise", "Recall@10>=0.9")
    if said is None:
        with pytest.raises(VbenchError, match="has several settings"):
            vbench.watch(BASE, "hnsw", promise, queries=QUERIES, metric="l2")
        return
    with pytest.raises(VbenchError, match=said):
        watch(promise, **given)


def test_a_line_that_is_no_query_is_named(tmp_path: Path) -> None:
    """With its number, and how one is written."""
    path = tmp_path / "log.jsonl"
    for text, said in (
        ("[1, 2]", "line 1: 2 numbers are no vector of 8"),
        ('{"vector": "x"}', "line 1: str are no vector"),
        ("nonsense", "line 1: "),
        (json.dumps({"vector": [0.0] * 8, "ids": "x"}), "ids must be"),
        (json.dumps([float("nan")] * 8), "line 1: "),
    ):
        path.write_text(text)
        with pytest.raises(VbenchError, match=said):
            list(of_log(path, 8, ()))
    with pytest.raises(VbenchError, match="cannot be read"):
        list(of_log(tmp_path / "gone.jsonl", 8, ()))
