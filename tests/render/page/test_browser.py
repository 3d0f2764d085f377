"""Tests of the page in a real browser: Debian's chromium, driven by Playwright.

Screenshots of every section are left in `build/report-screenshots` for people to look at.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from render.made_run import ODD_NAMES, make_run
from render.stored import store_comparisons, store_ranking
from run_folder import answered

from vbench import numbers
from vbench._document import Interval
from vbench.analysis.gather import gather, nearest
from vbench.render.page.page import write
from vbench.runs.run import Run
from vbench.runs.schema import View, Warn

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("no chromium on this machine: apt-get install chromium", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
POSITIONS = (0, 1, 7, 14, 28, 50, 55, 56, 90, 100)
DRAWN = "document.body.dataset.drawn === 'yes'"
IDLE = (
    "Promise.all([...document.querySelectorAll('figure.chart')].map((f) => f.view.runAsync()))"
    ".then(() => null)"
)

RESET = """for (const control of document.querySelectorAll("input[data-set], select[data-set]")) {
    if (control.type === "range") control.value = control.defaultValue;
    else control.value = [...control.options].find((one) => one.defaultSelected)?.value
        ?? control.options[0].value;
    control.dispatchEvent(new Event("input", { bubbles: true }));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two datasets' worth of settings, with everything that a run may hold."""
    folder = tmp_path_factory.mktemp("run")
    made = make_run(
        folder,
        names=("hnsw", "ivf-flat", "nsg"),
        settings=4,
        m=300,
        ks=(10, 100),
        hardness=True,
        warnings=[Warn("busy machine", "1 of 72 trials was disturbed", "speed", "run again")],
    )
    store_comparisons(folder)
    store_ranking(folder)
    return made


@pytest.fixture(scope="module")
def page_file(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(run, tmp_path_factory.mktemp("page") / "report.html")


class Opened:
    """A page that is open, with what it complained of and asked for."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **context}
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_function(DRAWN, timeout=20_000)

    def set(self, name: str, value: str) -> None:
        """Move a slider or choose from a list, as a person's hand would."""
        self.page.eval_on_selector(
            f"[data-set={name}]",
            "(control, value) => { control.value = value;"
            " control.dispatchEvent(new Event('input', { bubbles: true })); }",
            value,
        )
        self.page.evaluate(IDLE)

    def rows(self, chart: str, field: str) -> list[dict[str, Any]]:
        """The rows that a chart draws, of the data set that was last computed with `field`."""
        return self.page.evaluate(  # type: ignore[no-any-return]
            """([chart, field]) => {
                const view = document.getElementById(chart).view;
                const all = view.getState({ data: () => true, signals: () => false }).data;
                const names = Object.keys(all).filter((name) => /^data_/.test(name));
                const fitting = names.filter((name) => view.data(name)[0]?.[field] !== undefined);
                return view.data(fitting.at(-1)).map((row) => ({ ...row }));
            }""",
            [chart, field],
        )


@pytest.fixture(scope="module")
def shared(browser: Any, page_file: Path) -> Iterator[Opened]:
    made = Opened(browser, page_file)
    yield made
    made.context.close()


@pytest.fixture
def opened(shared: Opened) -> Opened:
    """The page as it opens: every control where it stood, nothing picked."""
    shared.page.keyboard.press("Escape")
    shared.page.evaluate(RESET)
    shared.page.evaluate(IDLE)
    return shared


def test_no_complaint_and_no_request(opened: Opened, page_file: Path) -> None:
    """The console stays silent, and nothing is asked for but the file itself."""
    assert opened.complaints == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [page_file.as_uri()]


@pytest.mark.parametrize("panel", ["p0", "p1"])
def test_the_slider_shows_the_numbers_of_the_library(opened: Opened, run: Run, panel: str) -> None:
    """Bars and table hold what `Run.measure` says, at every position tried."""
    shown_panel = next(each for each in gather(run).panels if each.id == panel)
    opened.set("panel", panel)
    level = float(opened.page.input_value("[data-set=level]")) / 100
    chosen = nearest(shown_panel, level)
    for position in POSITIONS:
        opened.set("delta", str(position))
        measured = run.measure(f"Robustness(delta={position / 100})@{shown_panel.k}")
        expected = dict(
            zip(
                [each.id for each in shown_panel.settings],
                measured.select("value", "low", "high").rows(),
                strict=True,
            )
        )
        drawn = {row["id"]: row for row in opened.rows("bars", "nearness")}
        assert drawn.keys() == {each.id for each in chosen.values()}
        for identity, row in drawn.items():
            value, low, high = expected[identity]
            assert row["robustness"] == pytest.approx(value, abs=1e-9)
            assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-6)
        for identity, (value, low, high) in expected.items():
            for cell in opened.page.query_selector_all(f"tr[data-row={identity}] td[data-live]"):
                shown = cell.query_selector(".cell").text_content()
                assert shown.strip() == numbers.write(value, "share")
                if small := cell.query_selector("small"):
                    interval = Interval(value, low, high)
                    assert small.text_content() == numbers.write_ends(interval, "share")


def test_thresholds_are_said_in_words(opened: Opened) -> None:
    """δ = 0.85 at K = 10 means nine neighbors."""
    opened.set("delta", "85")
    assert "at least 9 of its 10" in (opened.page.text_content(".meaning") or "")


def test_the_level_of_recall_chooses_the_settings(opened: Opened, run: Run) -> None:
    """Each index shows the setting that Python calls nearest."""
    panel = gather(run).panels[0]
    for level in (70, 85, 97.5):
        opened.set("level", str(level))
        drawn = {row["id"] for row in opened.rows("bars", "nearness")}
        assert drawn == {each.id for each in nearest(panel, level / 100).values()}


def test_picking_is_linked_everywhere(opened: Opened) -> None:
    """An index picked by its button is picked in every chart and in the tables; Escape ends it."""
    opened.page.click(".chip >> text=ivf-flat")
    signals = opened.page.evaluate(
        "[...document.querySelectorAll('figure.chart')].map((f) => f.view.signal('pick'))"
    )
    assert set(signals) == {"ivf-flat"}
    picked = opened.page.locator("#settings-p0 tr.picked")
    assert picked.count() == 4
    opened.page.keyboard.press("Escape")
    assert picked.count() == 0


def test_a_mark_that_is_clicked_is_picked(opened: Opened) -> None:
    """A click on a bar picks its setting, in the table too; again, and it is let go."""
    bar = opened.page.locator("#bars .mark-rect path").first
    bar.click()
    row = opened.page.locator("#settings-p0 tr.picked")
    assert row.count() == 1
    opened.page.locator("#bars .mark-rect path").first.click()
    assert row.count() == 0


def test_a_row_that_is_clicked_is_picked(opened: Opened) -> None:
    """A setting away from the level appears beside the chosen ones."""
    before = len(opened.rows("bars", "nearness"))
    opened.page.click("#settings-p0 tbody tr:first-child td:nth-child(3)")
    opened.page.evaluate(IDLE)
    assert len(opened.rows("bars", "nearness")) == before + 1


def test_tables_sort_by_any_heading(opened: Opened) -> None:
    """Numbers from the largest first, and the other way at the next click."""
    heading = opened.page.locator("#settings-p0 th", has_text="mean recall").locator("button")
    column = opened.page.locator("#settings-p0 tbody tr td:nth-child(4)")
    heading.click()
    values = [float(text) for text in column.all_text_contents()]
    assert values == sorted(values, reverse=True)
    heading.click()
    values = [float(text) for text in column.all_text_contents()]
    assert values == sorted(values)


def test_tables_filter_by_words(opened: Opened) -> None:
    """Only rows with all the words stay."""
    opened.page.fill("[data-filter=settings-p0]", "nsg ef=16")
    visible = opened.page.locator("#settings-p0 tbody tr:visible")
    assert visible.count() == 1
    opened.page.fill("[data-filter=settings-p0]", "")
    assert visible.count() == 12


def test_the_front_holds_what_nothing_beats(opened: Opened) -> None:
    """No setting is better in both quantities than one on the front."""
    rows = opened.rows("trade-off", "sx")
    front = opened.rows("trade-off", "so_far")
    assert front
    for one in front:
        assert not any(row["sx"] > one["sx"] and row["sy"] > one["sy"] for row in rows)


def test_a_floor_keeps_what_holds_it(opened: Opened) -> None:
    """The highest floor leaves the best setting of its quantity alone."""
    opened.set("floor", "100")
    kept = [row for row in opened.rows("trade-off", "sx") if row["kept"]]
    assert len(kept) == 1
    assert kept[0]["recall"] == max(row["recall"] for row in opened.rows("trade-off", "sx"))


def test_axes_can_be_chosen(opened: Opened) -> None:
    """Every quantity can be drawn against every other, without a complaint."""
    options = opened.page.eval_on_selector_all(
        "#trade-off [data-set=x] option", "all => all.map((option) => option.value)"
    )
    for key in options:
        opened.set("x", key)
        assert len(opened.rows("trade-off", "sx")) == 12
    assert opened.complaints == []


@pytest.mark.parametrize("key", ["qps", "p99_latency", "work", "size", "recall"])
def test_axes_are_marked_at_round_values(opened: Opened, key: str) -> None:
    """Three digits are enough for every mark of both axes, and there are several."""
    opened.set("x", key)
    axes = opened.page.evaluate(
        """[...document.querySelectorAll('#trade-off .role-axis-label')]
            .map((axis) => [...axis.querySelectorAll('text')].map((text) => text.textContent))"""
    )
    assert len(axes) == 2
    for labels in axes:
        assert len(labels) >= 2
        for label in labels:
            assert len(re.sub(r"\D", "", label).strip("0")) <= 3, label


def test_everything_can_be_reached_by_keyboard(opened: Opened) -> None:
    """The slider moves by arrow keys, and what it means is announced."""
    opened.page.focus("[data-set=delta]")
    opened.page.keyboard.press("ArrowRight")
    assert "0.91" in (opened.page.text_content("form.controls label") or "")
    for drawing in opened.page.locator(".drawing").all():
        assert drawing.get_attribute("aria-labelledby")


def test_without_scripts_the_tables_can_be_read(browser: Any, page_file: Path) -> None:
    """Verdict and settings are there, with numbers in every cell."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("#verdict-p0 tbody tr").count() == 3
    assert "%" in (page.text_content("#settings-p1 td[data-live]") or "")
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_width_makes_the_page_scroll_sideways(browser: Any, page_file: Path, width: int) -> None:
    """On a telephone too only tables scroll, each within itself."""
    opened = Opened(browser, page_file, viewport={"width": width, "height": 800})
    overflow = opened.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    opened.context.close()
    assert overflow <= 0


@pytest.mark.parametrize("kind", ["light", "dark", "narrow", "print"])
def test_screenshots_of_every_section(
    browser: Any, page_file: Path, pytestconfig: pytest.Config, kind: str
) -> None:
    """No two parts of the page overlap; pictures of all of them are kept to be looked at."""
    folder = pytestconfig.rootpath / "build" / "report-screenshots" / kind
    folder.mkdir(parents=True, exist_ok=True)
    size = {"width": 380 if kind == "narrow" else 1280, "height": 900}
    scheme = "dark" if kind == "dark" else "light"
    opened = Opened(browser, page_file, viewport=size, color_scheme=scheme)
    if kind == "print":
        opened.page.emulate_media(media="print")
        opened.page.pdf(path=str(folder / "page.pdf"), format="A4", print_background=True)
    parts = opened.page.evaluate(
        """[...document.querySelectorAll('.parts > :not([hidden])')].map((part) => {
            const box = part.getBoundingClientRect();
            return { id: part.id, top: box.top, bottom: box.bottom, left: box.left };
        })"""
    )
    for above, below in itertools.pairwise(parts):
        beside = abs(above["top"] - below["top"]) < 1 and above["left"] < below["left"]
        assert beside or below["top"] >= above["bottom"] - 1, (above, below)
    # What follows the scroll would lie over what is photographed.
    opened.page.add_style_tag(content=".controls { position: static !important; }")
    for name in (".top", ".controls", *(f"#{each}" for each in ("evenness", "price", "tail"))):
        opened.page.locator(name).screenshot(path=folder / f"{name.strip('.#')}.png")
    for name in ("hardness", "compared", "ranking", "method", "data"):
        opened.page.locator(f"#{name}").screenshot(path=folder / f"{name}.png")
    assert opened.complaints == []
    opened.context.close()


@pytest.mark.parametrize(
    "kind",
    [
        {"names": ODD_NAMES},
        {"names": tuple(f"index {number}" for number in range(30)), "builds": 1},
        {"names": ("one",), "segments": False, "latency": False},
        {"failed": (0,), "pending": 2},
        {"pending": 12},
    ],
    ids=["odd names", "thirty", "one, no segments, no latency", "failed", "nothing finished"],
)
def test_every_run_draws_without_a_complaint(
    browser: Any, tmp_path: Path, kind: dict[str, Any]
) -> None:
    """Whatever the run holds, all charts are drawn and the console stays silent."""
    run = make_run(tmp_path, **{"m": 40, "settings": 2, **kind})
    opened = Opened(browser, write(run, tmp_path / "report.html"))
    assert opened.complaints == []
    drawings = opened.page.locator(".drawing")
    assert drawings.count() == opened.page.locator(".drawing svg").count()
    opened.context.close()


def test_the_address_keeps_the_position(browser: Any, page_file: Path) -> None:
    """What is set stands in it, is there again, and wrong values are left out."""
    made = Opened(browser, page_file)
    made.set("delta", "80")
    made.set("panel", "p1")
    made.page.locator(".chip").nth(1).click()
    address = made.page.url
    assert address.endswith("#delta=80&panel=p1&pick=ivf-flat")
    again = Opened(browser, page_file)
    again.page.goto("about:blank")
    again.page.goto(address)
    again.page.wait_for_function(DRAWN, timeout=20_000)
    assert again.page.input_value("[data-set=delta]") == "80"
    assert again.page.text_content("[data-show=delta]") == "0.80"
    assert again.page.locator(".chip[aria-pressed=true]").count() == 1
    drawn = {row["id"] for row in again.rows("bars", "nearness")}
    assert drawn == {row["id"] for row in made.rows("bars", "nearness")}
    again.page.goto("about:blank")
    again.page.goto(f"{page_file.as_uri()}#panel=none&delta=x&other=1")
    again.page.wait_for_function(DRAWN, timeout=20_000)
    assert again.page.input_value("[data-set=panel]") == "p0"
    assert again.complaints == made.complaints == []
    for each in (made, again):
        each.context.close()


def test_the_explanation_is_open_until_it_was_closed(browser: Any, page_file: Path) -> None:
    """The browser remembers."""
    made = Opened(browser, page_file)
    assert made.page.evaluate("document.querySelector('.primer').open")
    made.page.click(".primer summary")
    made.page.wait_for_function("localStorage.getItem('vbench-primer') === 'closed'")
    made.page.reload()
    made.page.wait_for_function(DRAWN, timeout=20_000)
    assert not made.page.evaluate("document.querySelector('.primer').open")
    made.context.close()


def test_tables_that_scroll_say_so(browser: Any, page_file: Path) -> None:
    """Where there is more than is seen, and nowhere else."""
    made = Opened(browser, page_file, viewport={"width": 420, "height": 900})
    said = made.page.evaluate(
        """[...document.querySelectorAll(".table:not([hidden])")].map((table) => {
            const scroll = table.querySelector(".scroll");
            return [scroll.scrollWidth > scroll.clientWidth + 1,
                    table.querySelector(".more:not([hidden])")?.textContent ?? ""];
        })"""
    )
    assert any(across for across, _ in said)
    assert all(across == ("→" in text) for across, text in said)
    made.context.close()


def test_what_is_off_the_level_is_faded_and_says_so(browser: Any, tmp_path: Path) -> None:
    """In the first table, and by name and opacity in charts; what is picked is not faded."""
    made = Opened(browser, write(off_the_level(tmp_path / "run"), tmp_path / "report.html"))
    row = made.page.locator("#verdict-p0 tr.off")
    assert "c ef=3" in re.sub(r"\s+", " ", row.text_content().replace("c", "c ", 1))
    assert "not comparable: recall 0.600" in row.text_content()
    assert "faded: no setting there" in made.page.text_content("#verdict-p0 h3")
    bars = {each["index"]: each for each in made.rows("bars", "nearness")}
    assert [bars[name]["off"] for name in ("a", "b", "c")] == [False, False, True]
    assert bars["c"]["name"] == "c ef=3 (recall 0.600)"
    row.click()
    made.page.evaluate(IDLE)
    assert not any(each["off"] for each in made.rows("bars", "nearness"))
    made.context.close()


def off_the_level(folder: Path) -> Run:
    """Two indexes with a mean recall of 0.9, and one with 0.6."""
    hits = {name: np.full((2, 40), recall) for name, recall in (("a", 9), ("b", 9), ("c", 6))}
    return answered(folder, {name: {ef: hits[name]} for ef, name in enumerate("abc", 1)})


def test_a_page_of_several_datasets_goes_from_one_to_another(browser: Any, tmp_path: Path) -> None:
    """Also where only one of them was searched at ages, or under filters; nothing complains."""
    fresh = np.full((2, 40), 9)
    views = {
        View(key="v2", step=2, workload="churn", live=1000, replaced=500): {"a": {1: fresh}},
        View(key="old", filter="year < 1990", kind="expr", allowed=100): {"a": {1: fresh}},
    }
    aged = answered(tmp_path / "aged", {"a": {1: fresh}}, views=views)
    plain = answered(tmp_path / "plain", {"b": {1: fresh}}, fingerprint="0" * 64)
    made = Opened(browser, write([aged, plain], tmp_path / "report.html"))
    for panel in ("p1", "p0", "p1"):
        made.set("panel", panel)
        shown = made.page.locator(".verdict:not([hidden])")
        assert shown.count() == 1
        assert shown.get_attribute("data-panel") == panel
    for chart in ("ages", "filters"):
        made.page.locator(f"figure#{chart}").scroll_into_view_if_needed()
        made.page.evaluate(IDLE)
    assert made.complaints == []
    made.context.close()
