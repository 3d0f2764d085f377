"""The check of claims: settings that can be set, and estimates that are recalls."""

from __future__ import annotations

from typing import Any

import claiming
import pytest
from tunable import Kept

from vbench.indexes.conformance.kit import CHECKS, perform
from vbench.indexes.conformance.subject import Subject
from vbench.indexes.protocol import Index

NUMBER = [name for name, _ in CHECKS].index("claims")


class Refusing(claiming.Honest):
    """Promises nothing at all."""

    def claim(self, target: str) -> dict[str, Any]:
        raise ValueError("never")


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        (Kept, "skip", "no claim"),
        (claiming.Honest, "pass", ""),
        (claiming.Silent, "pass", ""),
        (claiming.Careless, "fail", "claim proposes no setting"),
        (claiming.Wordy, "fail", "claim returned 'keep=32'"),
        (claiming.Boasting, "fail", "1.5 among them"),
        (claiming.Short, "fail", "estimates returned list"),
        (Refusing, "warn", "claims nothing of"),
    ],
)
def test_claims_can_be_set_and_estimates_are_recalls(
    kind: type[Index], status: str, said: str
) -> None:
    """Whether they are true is not asked here."""
    found = perform(NUMBER, Subject(kind, {}, {}))
    assert found.status == status, found.reason
    assert said in found.reason
