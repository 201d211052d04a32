"""What MkDocs has to know of this repository: pages link to files beside `docs/`, as a code host shows them.

Whatever a page links to outside `docs/` comes along under `repository/`; every link is written anew to where its file
is on the site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
#: The target of a link, or of a picture, in Markdown or HTML; addresses of other hosts and anchors have none.
LINK = re.compile(r'(?<=\]\()[^)#:\s]+|(?<=src=")[^"#:]+|(?<=srcset=")[^"#:]+')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files that pages link to outside `docs/`, and those that these link to."""
    pages = [Path(each.abs_src_path) for each in files.documentation_pages() if each.abs_src_path]
    there = {each.src_uri for each in files}
    for page in pages:  # grows
        for target in _targets(page):
            uri = _uri(target)
            if uri not in there and target.is_file():
                there.add(uri)
                files.append(File.generated(config, uri, abs_src_path=str(target)))
                if target.suffix == ".md":
                    pages.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page, which lead through the repository, into links through the site."""
    source, folder = Path(page.file.abs_src_path or ""), posixpath.dirname(page.file.src_uri)
    return LINK.sub(
        lambda link: posixpath.relpath(_uri((source.parent / link[0]).resolve()), folder), markdown
    )


def _targets(page: Path) -> Iterator[Path]:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        yield (page.parent / link).resolve()


def _uri(target: Path) -> str:
    """Where a file of the repository is on the site, from its top."""
    if target.is_relative_to(DOCS):
        return target.relative_to(DOCS).as_posix()
    return posixpath.join("repository", target.relative_to(ROOT).as_posix())
