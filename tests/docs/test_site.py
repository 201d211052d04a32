"""The documentation as a site: all pages are in it, every link leads somewhere, and no page asks another host for anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from command_line import ROOT
from docs.built_site import built, needs_mkdocs

pytestmark = [needs_mkdocs, pytest.mark.any_version]
#: Elements that a browser follows by itself, and by what.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "link": "href"}


class Read(HTMLParser):
    """What a page fetches, where it leads, and what can be linked to in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.anchors |= {told.get("id") or "", told.get("name") or ""}
        if target := told.get(FETCHED.get(tag, "")):
            self.fetched.append(target)
        if tag == "a" and (href := told.get("href")):
            self.links.append(href)


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Read]:
    folder = built(request, tmp_path_factory.mktemp("site"))
    return {page: Read(page) for page in sorted(folder.rglob("*.html"))}


def test_every_document_is_a_page(site: dict[Path, Read]) -> None:
    (top,) = {page.parent for page in site if page.name == "404.html"}
    pages = {page.relative_to(top).as_posix() for page in site}
    documents = {
        page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        for page in (ROOT / "docs").rglob("*.md")
    }
    of_repository = {"index.html", "README.zh.html", "CHANGELOG.html", "CONTRIBUTING.html"}
    assert pages - {"404.html"} == documents | {f"repository/{each}" for each in of_repository}


def test_no_page_asks_another_host_for_anything(site: dict[Path, Read]) -> None:
    assert {each for read in site.values() for each in read.fetched if re.match(r"(\w+:)?//", each)} == set()
    (top,) = {page.parent for page in site if page.name == "404.html"}
    styles = [each.read_text(encoding="utf-8") for each in top.rglob("*.css")]
    assert styles
    assert [
        each for text in styles for each in re.findall(r"(?:url\(|@import)\s*[\"']?(?:\w+:)?//[^)]*", text)
    ] == []


def test_every_link_between_pages_leads_to_a_page_and_to_a_place_on_it(site: dict[Path, Read]) -> None:
    lost = []
    for page, read in site.items():
        if page.name == "404.html":
            continue  # is shown at any address
        for link in read.links:
            path, _, anchor = unquote(link).partition("#")
            if re.match(r"\w+:", path):
                continue
            there = (page.parent / path).resolve() if path else page
            if not there.exists() or (anchor and there in site and anchor not in site[there].anchors):
                lost.append(f"{page.name}: {link}")
    assert lost == []
