"""`vbench doctor`, as a user types it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from vbench.cli import main


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def test_it_says_what_it_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table, versions, and a verdict that the exit code repeats."""
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 80.0)
    result = call("--seconds", "0")
    assert result.exit_code == 1, result.output
    for word in ("cores", "other work", "clock", "kernels", "faiss-cpu", "would spoil"):
        assert word in result.stdout
    assert "self-test" not in result.stdout


def test_the_document_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the environment as run.json has it, and the self-test."""
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 0.0)
    result = call("--seconds", "0.1", "--json")
    document = json.loads(result.stdout)
    assert document["schema"] == "vbench.doctor/1"
    assert document["noise"]["rounds"] > 0
    assert document["environment"]["kernels"]
    spoils = [each for each in document["checks"] if each["verdict"] == "spoils"]
    assert result.exit_code == int(bool(spoils))
    extras = {each["name"] for each in document["extras"]}
    assert {"tune", "text", "usearch", "voyager"} <= extras


def test_every_extra_is_named() -> None:
    """What pyproject.toml offers, but for those that are several of the others."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    offered = tomllib.loads(project)["project"]["optional-dependencies"].keys() - {"all", "engines"}
    document = json.loads(call("--seconds", "0", "--json").stdout)
    assert {each["name"] for each in document["extras"]} == offered


@pytest.mark.parametrize("is_there", [True, False])
def test_a_server_that_cannot_be_started_is_not_installed(
    is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a client of it may be, as for one that is reached by address."""
    monkeypatch.setattr("vbench.indexes.overview.is_startable", lambda _: is_there)
    monkeypatch.setattr("vbench.indexes.overview.is_installed", lambda _: True)
    document = json.loads(call("--seconds", "0", "--json").stdout)
    (pgvector,) = [each for each in document["extras"] if each["name"] == "pgvector"]
    assert pgvector["installed"] is is_there


def test_a_negative_time_is_a_wrong_call() -> None:
    """Exit code 2."""
    assert call("--seconds", "-1").exit_code == 2
