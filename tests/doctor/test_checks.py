"""What of a machine spoils a measurement, each thing on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from vbench.analysis.doctor import Check, Noise
from vbench.doctor import checks
from vbench.doctor.checks import check_kernels, check_machine, check_noise
from vbench.runs.schema import Machine

QUIET = Noise(seconds=10.0, rounds=9000, cpu_share=0.999, spread=1.05, drift=1.0, stolen=0.0)


def noise(**changes: Any) -> Check:
    import msgspec

    return check_noise(msgspec.structs.replace(QUIET, **changes))


def found(machine: Machine | None = None) -> dict[str, Check]:
    return {each.check: each for each in check_machine(machine or Machine())}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "fine"),
        ({"stolen": None}, "fine"),
        ({"cpu_share": 0.5}, "spoils"),
        ({"stolen": 0.05}, "spoils"),
        ({"spread": 3.0}, "note"),
        ({"drift": 0.7}, "note"),
        ({"drift": 1.3}, "note"),
    ],
)
def test_noise_is_judged_as_passes_are(changes: dict[str, Any], verdict: str) -> None:
    """Under the CPU share at which a pass is disturbed, or where the host takes time."""
    judged = noise(**changes)
    assert judged.verdict == verdict
    assert bool(judged.remedy) == (verdict != "fine")


@pytest.mark.parametrize(
    ("kernel", "flags", "variable"),
    [
        ("Prescott", {"avx", "avx2"}, "OPENBLAS_CORETYPE=Haswell"),
        ("Haswell", {"avx", "avx2", "avx512f"}, "OPENBLAS_CORETYPE=SkylakeX"),
        ("Nehalem", {"avx"}, "OPENBLAS_CORETYPE=Sandybridge"),
    ],
)
def test_an_old_kernel_is_mended_by_a_variable(kernel: str, flags: set[str], variable: str) -> None:
    """The best that the processor can do is named."""
    judged = check_kernels({"faiss_cpu BLAS": f"openblas 0.3.7 {kernel}"}, frozenset(flags))
    assert judged.verdict == "spoils"
    assert kernel in judged.found
    assert variable in judged.remedy


def test_a_kernel_of_the_processor_is_fine() -> None:
    """It is named all the same."""
    judged = check_kernels({"numpy BLAS": "openblas 0.3.30 Haswell"}, frozenset({"avx2"}))
    assert (judged.verdict, judged.found) == ("fine", "numpy BLAS: openblas 0.3.30 Haswell")


@pytest.mark.parametrize(
    ("governor", "verdict"), [("performance", "fine"), ("powersave", "note"), (None, "note")]
)
def test_the_governor_is_told(governor: str | None, verdict: str) -> None:
    """One that follows the load says how to fix it; a virtual machine says nothing."""
    assert found(Machine(governor=governor))["governor"].verdict == verdict


def test_one_core_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vbench and what it measures need one each."""
    monkeypatch.setattr(checks, "usable_cores", lambda: [0])
    assert found()["one-core"].verdict == "spoils"


@pytest.mark.parametrize(
    ("text", "verdict"), [("150000 100000", "spoils"), ("9900000 100000", "fine")]
)
def test_a_share_of_cores_stops_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, verdict: str
) -> None:
    """A container's quota below the cores that it sees."""
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(checks, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(checks, "usable_cores", lambda: [0, 1, 2, 3])
    assert found()["quota"].verdict == verdict
    (tmp_path / "cpu.max").write_text("max 100000")
    assert "quota" not in found()


@pytest.mark.parametrize(("busy", "verdict"), [(0.0, "fine"), (60.0, "spoils")])
def test_other_work_is_named(monkeypatch: pytest.MonkeyPatch, busy: float, verdict: str) -> None:
    """How much of all cores it takes."""
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: busy)
    judged = found()["busy"]
    assert judged.verdict == verdict
    assert f"{busy / 100:.0%}" in judged.found


def test_full_memory_and_disk_spoil(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is swapped comes back at a bad time; a run that does not fit is not written."""
    import shutil
    from types import SimpleNamespace

    memory = SimpleNamespace(available=1 << 30, total=8 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(used=0))
    assert found()["memory"].verdict == "note"
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(used=2 << 30))
    assert found()["swap"].verdict == "spoils"
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1 << 20))
    assert found()["disk"].verdict == "spoils"


def test_threads_of_the_environment_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no effect on workers, which is a reason to say so."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_PROC_BIND"):
        monkeypatch.delenv(name, raising=False)
    assert "threads" not in found()
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert found()["threads"].found == "OMP_NUM_THREADS=7"


def test_whatever_is_not_fine_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict without a remedy helps nobody; one that is fine needs none."""
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 90.0)
    judged = [*check_machine(Machine(governor="powersave")), noise(cpu_share=0.1), noise()]
    for each in judged:
        assert bool(each.why) == bool(each.remedy) == (each.verdict != "fine")
