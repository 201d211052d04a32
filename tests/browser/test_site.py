"""Pages of the documentation's site in headless Chromium: nothing is complained of, and no other host is asked for anything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from browser.chromium import SIZES, Browser, browser, chromium
from docs.built_site import built, needs_mkdocs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium here: apt-get install chromium"),
    needs_mkdocs,
]
PAGES = (
    "index.html",
    "tutorial.html",
    "zh/tutorial.html",
    "statistics.html",
    "how-to/what-if-a-card-dies.html",
    "reference/scenario.html",
    "lint.html",
    "repository/index.html",
)


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = built(request, tmp_path_factory.mktemp("site"))
    handler = partial(Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_as_light_or_dark_as_wished_and_asks_its_own_server_alone(
    one: Browser, address: str, name: str, request: pytest.FixtureRequest
) -> None:
    shots = request.config.getoption("--shots")
    place = PAGES.index(name)
    for width, dark in SIZES if shots else [SIZES[place % len(SIZES)]]:
        with one.page() as page:
            page.looks(width, dark=dark)
            page.call("Page.navigate", {"url": address + name})
            page.until(f"location.href === '{address + name}' && document.readyState === 'complete'")
            assert page.complaints == []
            assert [each for each in page.requests if not each.startswith((address, "data:"))] == []
            assert page.says("document.documentElement.scrollWidth") <= width
            assert page.says("document.body.dataset.mdColorScheme") == ("slate" if dark else "default")
            page.says("localStorage.clear()")  # the scheme somebody has seen is kept there
            if shots:
                page.shot(Path(shots) / f"site-{place}-{width}-{'dark' if dark else 'light'}.png")
