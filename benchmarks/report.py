"""The report of a large run: time to make, size, time to draw, a step of the slider."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _print import figure
from _run_folder import make_run

VBENCH = str(Path(sys.executable).with_name("vbench"))
NAMES = [f"index {number}" for number in range(8)]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STEP = """async (percent) => {
    const control = document.querySelector("[data-set=delta]");
    const start = performance.now();
    control.value = percent;
    control.dispatchEvent(new Event("input", { bubbles: true }));
    await Promise.all([...document.querySelectorAll("figure.chart")].map((f) => f.view.runAsync()));
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
}"""


def make(folder: Path) -> Path:
    """Time the command on a run that a process of its own reads."""
    make_run(folder / "run", names=NAMES, settings=10, builds=3, m=10_000, hardness=True)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        subprocess.run([VBENCH, "report", str(folder / "run")], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    page = folder / "run" / "report.html"
    figure("vbench report, 8 × 10 × 3 × 10,000", min(times), 5, "s")
    figure("its size", page.stat().st_size / 1e6, 4, "MB")
    return page


def draw(page: Path) -> None:
    """Time chromium from opening the file to the last chart, and steps of the slider."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("drawing not measured: pip install playwright")
        return
    chromium = shutil.which("chromium")
    if chromium is None:
        print("drawing not measured: no chromium on this machine")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        times = []
        for _ in range(3):
            shown = browser.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            shown.goto(page.as_uri())
            shown.wait_for_function("document.body.dataset.drawn === 'yes'")
            times.append(time.perf_counter() - start)
        steps = [shown.evaluate(STEP, percent) for percent in range(50, 100, 5)]
        browser.close()
    figure("drawn in chromium, all charts", min(times), 2, "s")
    figure("a step of the slider, all charts, median", statistics.median(steps), 100, "ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        draw(make(Path(name)))
