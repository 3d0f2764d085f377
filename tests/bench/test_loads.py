"""What a call says of clients, rate and batch becomes loads with stable keys, or is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from vbench.bench.loads import loads_for, plan_loads
from vbench.errors import VbenchError
from vbench.indexes.registry import resolve
from vbench.runs.loads import label_load
from vbench.runs.schema import Load

M = 300


def planned(
    clients: Any = None, rate: Any = None, batch: Any = None, index: str = "clients:Shared"
) -> list[Load]:
    return loads_for(index, resolve(index), plan_loads(clients, rate, batch, M))


def test_one_client_that_asks_one_query_is_the_usual_load() -> None:
    """It is measured in any case, so nothing is planned beside it."""
    assert planned() == planned(1) == planned([1], batch=[1]) == []


def test_clients_and_batches_are_crossed() -> None:
    """Each value once; what several clients are belongs to the load."""
    found = planned([2, 1, 2], batch=np.array([10, 1]))
    assert [each.key for each in found] == [
        "batch=10",
        "clients=2-forks",
        "clients=2-batch=10-forks",
    ]
    assert [(each.mode, each.clients, each.batch, each.by) for each in found] == [
        ("single", 1, 10, None),
        ("closed", 2, None, "forks"),
        ("closed", 2, 10, "forks"),
    ]
    assert [label_load(each) for each in found] == ["batch=10", "clients=2", "clients=2 batch=10"]


def test_at_a_rate_the_loop_is_open() -> None:
    """`clients` then says how many queries are answered at a time."""
    found = planned(rate=[2e6, 500])
    assert [(each.key, each.mode, each.clients, each.rate) for each in found] == [
        ("rate=500", "open", 1, 500.0),
        ("rate=2e06", "open", 1, 2e6),
    ]
    (two,) = planned([2], rate=500)
    assert (two.key, two.mode, two.by) == ("rate=500-clients=2-forks", "open", "forks")


@pytest.mark.parametrize(
    ("index", "can_fork", "by"),
    [
        ("misbehaving:Exact", True, "forks"),
        ("clients:Shared", True, "forks"),
        ("clients:Handles", True, "forks"),
        ("clients:Shared", False, "threads"),
        ("clients:Service", True, "processes"),
    ],
)
def test_clients_are_forks_unless_the_class_connects(
    index: str, can_fork: bool, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads where nothing can be forked, and the class says that they may search at once."""
    monkeypatch.setattr("vbench.indexes.handles.CAN_FORK", can_fork)
    (found,) = planned(2, index=index)
    assert (found.key, found.by) == (f"clients=2-{by}", by)


def test_an_index_of_one_client_is_told() -> None:
    """Of a rate or batches it is asked all the same."""
    with pytest.raises(VbenchError, match="'clients:Alone' is asked by one client only"):
        planned(2, index="clients:Alone")
    assert len(planned(rate=5, index="clients:Alone")) == 1
    assert len(planned(batch=5, index="clients:Alone")) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"clients": 0}, "clients=0; give whole numbers from 1 to 1,024"),
        ({"clients": 5000}, "clients=5000; give whole numbers from 1 to 1,024"),
        ({"clients": [2, 1.5]}, "clients=1.5"),
        ({"clients": True}, "clients=True"),
        ({"clients": "two"}, "clients=two"),
        ({"clients": 301}, "clients=301, and there are 300"),
        ({"batch": M + 1}, "a batch cannot be larger than the queries"),
        ({"batch": 0}, "batch=0; give whole numbers from 1 to 300"),
        ({"clients": 4, "batch": 100}, "clients=4 with batches of 100 need 400 queries"),
        ({"rate": 0}, "rate=0; give queries a second, a number above 0"),
        ({"rate": float("nan")}, "rate=nan"),
        ({"rate": float("inf")}, "rate=inf"),
        ({"rate": "fast"}, "rate=fast"),
        ({"rate": 5, "batch": 10}, "rate and batch do not go together"),
    ],
)
def test_what_is_not_allowed_is_told_in_one_line(given: dict[str, Any], said: str) -> None:
    """With what was given, and what may be."""
    with pytest.raises(VbenchError) as error:
        planned(**given)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_keys_are_stable() -> None:
    """The same values, given otherwise, are the same loads."""
    assert planned((2,), batch=10) == planned(np.int64(2), batch=[10])
    assert msgspec.json.decode(msgspec.json.encode(planned(2)), type=list[Load]) == planned(2)
