"""Pages in headless Chromium: nothing is complained of, nothing asked for, and what is there can be reached and used.

With `--shots DIR` a picture of each page is kept there, at the width of a phone and of a screen, light and dark: whoever
changes how pages look, looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from browser.chromium import SIZES, Browser, Page, browser, chromium
from command_line import ROOT, sim
from field.user import User, asking, kubeinfer
from kubectl_listings import listed

from kubeinfer_sim import load_scenario

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium here: apt-get install chromium"),
]
pytest.importorskip("plotly", reason="pages need the extra [report]")

SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("*.yaml"))
OLD, NEW = f"{ROOT}/docs/examples/qwen3.yaml", f"{ROOT}/docs/examples/qwen3-next.yaml"
S = f"{ROOT}/scenarios"
#: A page of every command that makes one, and of every form it has.
COMMANDS = {
    "rollout": f"rollout {OLD} {NEW} --nodes 60x8",
    "run -n": f"run {S}/up-first.yaml --timings range -n 12 --workers 1",
    "run -n, faults": f"run {S}/rare-outage.yaml -n 3 --workers 1",
    "compare": f"compare {S}/rolling-update-2p1d.yaml --vary maxUnavailable=1,2 --workers 1",
    "compare, many": f"compare {S}/rolling-update-2p1d.yaml --vary maxUnavailable=1,2 --vary nodes=28..32 --workers 1",
    "plan": f"plan {S}/rolling-update-2p1d.yaml --vary nodes=14..17 --vary maxSurge=0,1 -n 20 --workers 1",
    "sweep": f"sweep {S}/rolling-update-2p1d.yaml --vary nodes=15..17 --vary maxSurge=0,1 -n 1 --workers 1",
    "sweep, cliff": f"sweep {S}/rolling-update-2p1d.yaml --cliff startupProbe.failureThreshold=80..130 -n 1 --workers 1",
    "sensitivity": f"sensitivity {S}/down-first.yaml --workers 1",
    "recommend": "recommend full.yaml --nodes 3x8 --min-ready 2 --completes --workers 1",
    "backtest": "backtest update.yaml 0.json 1.json 2.json -n 39",
    "fuzz": f"fuzz {S}/up-first.yaml --max-examples 6",
    "fuzz, one": f"fuzz {S}/up-first.yaml --any-single-fault --faults NodeDeath,LinkDown --max-examples 12 --workers 1",
    "fuzz, two": f"fuzz {S}/up-first.yaml --any-two-faults --faults NodeDeath,LinkDown --max-examples 12 --workers 1",
}
#: Those whose pictures are of many combinations or inputs.
DECISIONS = ("plan", "sweep", "sweep, cliff", "sensitivity", "recommend", "backtest")
EVIL = "</script><img src=x onerror=alert(1)><a href=//x.test>&lt;b"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def looked_at(one: Browser, file: Path, place: int, name: str, request: pytest.FixtureRequest) -> None:
    """A page at one width in one scheme, another one each time; with --shots at all."""
    shots = request.config.getoption("--shots")
    for width, dark in SIZES if shots else [SIZES[place % len(SIZES)]]:
        with one.page() as page:
            page.opens(file, width, dark=dark)
            assert page.complaints == []
            assert page.requests == [file.resolve().as_uri()]
            assert page.says("document.documentElement.scrollWidth") <= width
            drawn = page.says(
                "[...document.querySelectorAll('.picture')].every((each) => each.querySelector('.main-svg'))"
            )
            assert drawn
            if shots:
                page.shot(Path(shots) / f"{name}-{width}-{'dark' if dark else 'light'}.png")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_page_of_each_shipped_scenario_opens_without_a_complaint_and_asks_for_nothing(
    one: Browser, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "report.html"
    assert sim("run", f"scenarios/{name}.yaml", "-q", "--html", str(file)).returncode in (0, 1)
    looked_at(one, file, SCENARIOS.index(name), name, request)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_each_command_opens_without_a_complaint_and_asks_for_nothing(
    one: Browser, name: str, pages: Callable[[str], Path], request: pytest.FixtureRequest
) -> None:
    looked_at(one, pages(name), list(COMMANDS).index(name), name.replace(" ", "-"), request)


def files_of_an_update(folder: Path) -> None:
    """One in, one out on a full cluster, its scenario, and how kubectl listed it before, in its middle and after it."""
    user = User(folder)
    made = kubeinfer(asking(npu=8), replicas=3, terminationGracePeriodSeconds=30)
    lengths = {"profile": "zero", "create": {"uniform": {"low": "20s", "high": "60s"}}}
    user.plans(made, cluster="3x8", timings=lengths, update={"newRevision": True})
    (folder / "scenario.yaml").rename(folder / "update.yaml")
    scenario = load_scenario(str(folder / "update.yaml"))
    for place, at in enumerate((-1, 70_000, 3_600_000)):
        user.has(f"{place}.json", listed(scenario, at, seed=1_000_000, events=True))
    user.has("full.yaml", kubeinfer(asking(npu=8), replicas=3, surge=1))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of each command, made once."""

    @cache
    def made(name: str) -> Path:
        folder = tmp_path_factory.mktemp("page")
        if name in ("recommend", "backtest"):
            files_of_an_update(folder)
        done = sim(*COMMANDS[name].split(), "--html", "report.html", cwd=folder)
        assert done.returncode in (0, 1, 4), done.stderr
        return folder / "report.html"

    return made


@pytest.mark.parametrize("name", DECISIONS)
def test_mouse_and_keyboard_say_the_same_of_a_mark_on_the_page_of_each_decision(
    one: Browser, pages: Callable[[str], Path], name: str
) -> None:
    with one.page() as page:
        page.opens(pages(name))
        page.says("document.querySelector('.picture').scrollIntoView({block: 'center'})")
        page.says("document.querySelector('.picture').focus()")
        page.presses("ArrowRight")
        said = page.says("document.getElementById('said').textContent")
        shown = "[...document.querySelectorAll('.hoverlayer .hovertext')].map((each) => each.textContent).join('')"
        assert said
        assert said.replace(" ", "") == page.says(shown).replace(" ", "")
        page.says("document.activeElement.blur()")
        page.until("document.querySelector('.hoverlayer .hovertext') === null")
        [x, y] = page.says(
            "(() => { const box = document.querySelector('.picture .scatterlayer .point, .picture .barlayer .point')"
            ".getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        page.points_at(x, y)
        page.until("document.querySelector('.hoverlayer .hovertext') !== null")
        assert page.complaints == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_legend_shows_the_mark_dash_and_pattern_of_each_kind(
    one: Browser, pages: Callable[[str], Path], name: str
) -> None:
    """What is drawn and what stands under it: colour, symbol, dashes, hatching."""
    with one.page() as page:
        page.opens(pages(name))
        kinds = page.says(
            "[...document.querySelectorAll('.picture')].flatMap((picture) => {"
            " const shown = picture.data.filter((each) => each.name && each.showlegend !== false);"
            " const keys = [...(picture.parentElement.querySelectorAll('.legend .swatch') ?? [])];"
            " return picture.data.length > 1 ? shown.map((each, place) => [each.mode === 'markers' ? each.marker.symbol"
            " ?? 'circle' : '', each.marker?.pattern?.shape ?? each.fillpattern?.shape ?? '',"
            " each.mode === 'lines' && !each.stackgroup && !each.fill ? each.line.dash ?? 'solid' : '',"
            " keys[place].outerHTML]) : []; })"
        )
        for symbol, pattern, dash, key in kinds:
            assert not symbol or f'data-mark="{symbol}"' in key
            assert ("<rect" in key and "<path" in key) == bool(pattern)
            assert ("stroke-dasharray" in key) == (dash in ("dash", "dot", "longdash", "dashdot"))
        assert kinds or name not in ("rollout", "plan", "sweep", "sensitivity", "backtest")


def test_a_table_beyond_the_edge_of_a_phone_says_how_many_columns_are_to_the_right(
    one: Browser, pages: Callable[[str], Path]
) -> None:
    hint = "[...document.querySelectorAll('.edge')].map((each) => each.textContent).filter(Boolean)"
    with one.page() as page:
        page.opens(pages("sweep"), 380)
        assert all("to the right: scroll" in each for each in page.says(hint))
        before = page.says(hint)
        assert before
        page.says("document.querySelectorAll('.table').forEach((each) => { each.scrollLeft = 10000; })")
        page.until(f"{hint}.length === 0")
        page.opens(pages("sweep"), 1400)
        assert page.says(hint) == []


@pytest.fixture
def story(one: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page with several workloads, on a screen."""
    file = tmp_path / "report.html"
    sim("run", "scenarios/router-beside-kubeinfer.yaml", "-q", "--html", str(file))
    with one.page() as page:
        page.opens(file)
        yield page


def test_the_mouse_on_a_mark_says_what_happened_there(story: Page) -> None:
    [x, y] = story.says(
        "(() => { const mark = [...document.querySelectorAll('.picture')[0].querySelectorAll('.scatterlayer .point')].at(-2);"
        " mark.scrollIntoView({block: 'center'}); const box = mark.getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    story.points_at(x, y)
    story.until("document.querySelector('.hoverlayer .hovertext') !== null")
    assert "drain node-0" in story.says("document.querySelector('.hoverlayer').textContent")


def test_the_keyboard_walks_along_a_picture_and_what_is_there_is_read_out(story: Page) -> None:
    story.says("document.querySelector('.picture').focus()")
    said = "document.getElementById('said').textContent"
    told = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        story.presses(key)
        told.append(story.says(said))
    assert "template changed" in told[0]
    assert "drain node-0" in told[1]
    assert told[3] == told[1] != told[2]
    assert story.says("document.querySelector('.hoverlayer').textContent") != ""
    # Tab leaves it, for the kinds under it.
    story.presses("Tab")
    assert story.says("document.activeElement.closest('.legend') !== null")
    story.presses("Enter")
    assert story.says("document.activeElement.getAttribute('aria-pressed')") == "false"
    assert story.says("document.querySelector('.picture').data[0].visible") is False


def test_enter_on_a_head_sorts_the_table_by_numbers_and_back(story: Page) -> None:
    story.says(
        "window.head = [...document.querySelectorAll('th')].find((th) => th.textContent.startsWith('created'));"
        " head.firstChild.focus()"
    )
    column = "[...head.closest('table').tBodies[0].rows].map((row) => Number(row.cells[head.cellIndex].dataset.sort))"
    for direction in ("ascending", "descending"):
        story.presses("Enter")
        assert story.says("head.getAttribute('aria-sort')") == direction
        assert story.says(column) == sorted(story.says(column), reverse=direction == "descending")
    assert story.says("getComputedStyle(head.firstChild).outlineStyle") == "solid"  # it is seen where one is


def test_dark_light_and_paper_change_the_pictures_too(story: Page) -> None:
    colour = "document.querySelector('.picture').layout.font.color"
    light = story.says(colour)
    story.call(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    story.until(f"{colour} !== '{light}'")
    story.call(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    story.until(f"{colour} === '#000000'")
    assert story.complaints == []


def test_no_name_acts_in_a_browser_either(one: Browser, tmp_path: Path) -> None:
    user, file = User(tmp_path), tmp_path / "report.html"
    user.plans(
        kubeinfer({"env": [{"name": "A", "value": "${A}"}], **asking(npu=8)}),
        cluster="3x8",
        initial="running",
        manifest={"path": "manifest.yaml", "set": {"A": "x"}},
        update={"set": {"A": EVIL}},
        timings={"profile": "zero", "create": "10s"},
    )
    scenario = tmp_path / "scenario.yaml"
    document = yaml.safe_load(scenario.read_text(encoding="utf-8"))
    document["metadata"].update(name=EVIL, description=EVIL)
    scenario.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert user.types("run", "scenario.yaml", "-q", "--html", str(file)).returncode in (0, 1)
    with one.page() as page:
        page.opens(file)
        assert page.says("document.querySelectorAll('img, a[href]:not(.skip)').length") == 0
        assert EVIL in page.says("document.body.textContent")
        page.says("document.querySelector('.picture').focus()")
        page.presses("ArrowRight")
        assert EVIL[:13] in page.says("document.getElementById('said').textContent")
        assert EVIL[:13] in page.says("document.querySelector('.hoverlayer').textContent")
        assert page.says("document.querySelectorAll('.hoverlayer a, .hoverlayer img').length") == 0
        assert (page.complaints, page.requests) == ([], [file.resolve().as_uri()])
