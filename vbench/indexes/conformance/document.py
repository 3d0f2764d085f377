"""The document of `vbench index check`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vbench._document import Document
from vbench.indexes.conformance.subject import Finding, Status


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found, why, what to do about it, and where in the index's own code."""

    check: str
    status: Status
    reason: str
    remedy: str
    where: str


class Checked(Document, frozen=True, kw_only=True, tag="vbench.check/2"):
    """Whether an index conforms to the protocol."""

    index: str
    passed: bool
    checks: list[CheckRow]

    @classmethod
    def of(cls, index: str, findings: Sequence[Finding]) -> Checked:
        """The document of what the checks found."""
        passed = all(each.status != "fail" for each in findings)
        return cls(index=index, passed=passed, checks=[CheckRow(**f._asdict()) for f in findings])
