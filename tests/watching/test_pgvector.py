"""A promise held against PostgreSQL: a table of others, whose index gets worse meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vectors import gaussian_pair

import vbench
from vbench.errors import VbenchError
from vbench.indexes.pgvector import PgVectorHnsw
from vbench.indexes.postgres import Postgres
from vbench.indexes.service import Server, hosted
from vbench.watching.queries import Query

pytestmark = pytest.mark.engines
BASE, QUERIES = gaussian_pair(3000, 300, 24, seed=9)
PLACE = "shop.items(sku, features)"


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, Any]]:
    """The address of a server, and a connection of those that own the table."""
    import psycopg

    with hosted(Postgres, None) as made:
        address = made().address
        with psycopg.connect(address, autocommit=True) as owner:
            owner.execute("CREATE EXTENSION vector")
            owner.execute("CREATE SCHEMA shop")
            owner.execute("CREATE TABLE shop.items (sku bigint PRIMARY KEY, features vector(24))")
            with owner.cursor() as cursor, cursor.copy("COPY shop.items FROM STDIN") as copy:
                for row, vector in enumerate(BASE.tolist()):
                    copy.write_row((row, str(vector)))
            build(owner, m=16, ef_construction=100)
            yield address, owner


def build(owner: Any, m: int, ef_construction: int) -> None:
    owner.execute("DROP INDEX IF EXISTS shop.by_features")
    owner.execute(
        "CREATE INDEX by_features ON shop.items USING hnsw (features vector_l2_ops) "
        f"WITH (m = {m}, ef_construction = {ef_construction})"
    )


def ask(service: tuple[str, Any], promise: str, **more: Any) -> vbench.Watch:
    given = {"place": PLACE, "queries": QUERIES, "sample": 1.0, "settings": {"ef_search": 40}}
    return vbench.watch(
        BASE,
        "pgvector-hnsw",
        promise,
        metric="l2",
        connect={"pgvector": service[0]},
        **{**given, **more},
    )


def test_an_index_that_gets_worse_is_found_while_it_is_watched(
    service: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds until the index is built again with fewer links; nothing else is changed."""
    _, owner = service
    before = owner.execute("SELECT count(*), sum(sku) FROM shop.items").fetchone()
    kept = ask(service, "Recall@10>=0.9")
    assert (kept.status, kept.truth) == ("holds", "service")
    assert (kept.searches, kept.exact_searches) == (300, 300)

    def in_use(*_: Any) -> Iterator[Query]:
        for number in range(1500):
            if number == 200:
                build(owner, m=2, ef_construction=4)
            yield Query(QUERIES[number % 300])

    monkeypatch.setattr("vbench.watching.watch.of_dataset", in_use)
    found = ask(service, "Recall@10>=0.9")
    assert found.status == "broken"
    assert 200 < found.shadow < 1500
    assert found.searches == found.exact_searches == found.shadow
    assert owner.execute("SELECT count(*), sum(sku) FROM shop.items").fetchone() == before
    build(owner, m=16, ef_construction=100)


def test_a_filter_of_rows_is_a_filter_of_the_table(service: tuple[str, Any]) -> None:
    """By its column of ids, whatever that is called."""
    import polars as pl

    items = pl.DataFrame({"price": np.arange(3000) % 100})
    data = vbench.load(BASE, queries=QUERIES, metric="l2", items=items)
    for exact in ("service", "dataset"):
        found = vbench.watch(
            data,
            "pgvector-hnsw",
            "Recall@10>=0.8",
            connect={"pgvector": service[0]},
            place=PLACE,
            settings={"ef_search": 200},
            filter="price < 20",
            exact=exact,
            sample=0.3,
        )
        assert found.status == "holds"
        assert found.value.value is not None
        assert found.value.value > 0.9


def test_a_log_of_answers_costs_exact_searches_alone(
    service: tuple[str, Any], tmp_path: Path
) -> None:
    """What was answered stands in the log."""
    index = PgVectorHnsw()
    index.attach(Server(service[0], PLACE), "l2")
    lines = [
        json.dumps({"vector": query.tolist(), "ids": index.search_one(query, 10).tolist()})
        for query in QUERIES
    ]
    index.close()
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    found = ask(service, "Recall@10>=0.9", queries=tmp_path / "log.jsonl", at_most=50)
    assert (found.status, found.searches, found.exact_searches) == ("holds", 0, 50)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("items; DROP TABLE items", "is no table"),
        ("shop.nothing", "cannot be reached"),
        ("shop.items", 'has no index over "embedding"'),
        ("shop.items(sku, sku)", "operator does not exist"),
        ("shop.items(features, features)", "no column of whole numbers"),
    ],
)
def test_what_is_no_table_of_vectors_is_refused(
    service: tuple[str, Any], place: str, said: str
) -> None:
    """In one line that says how a place is written."""
    with pytest.raises(VbenchError, match=said):
        ask(service, "Recall@10>=0.9", place=place)


def test_a_service_is_never_built_in(service: tuple[str, Any]) -> None:
    """An address needs a place."""
    with pytest.raises(VbenchError, match="nothing is built in a service that is watched"):
        ask(service, "Recall@10>=0.9", place=None)
    with pytest.raises(VbenchError, match="where that is"):
        vbench.watch(
            BASE,
            "pgvector-hnsw",
            "Recall@10>=0.9",
            queries=QUERIES,
            metric="l2",
            place="items",
            settings={"ef_search": 40},
        )
