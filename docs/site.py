"""A hook of MkDocs: pages and files outside of this folder that pages lead to are part of the site."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
OUTSIDE = ("SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
MOVED = {"README.md": "index.md", "examples/dbt/README.md": "dbt-example.md", "tests/facts/README.md": "facts.md"}
"""Pages of the repository, and what they are in the site."""
LINK = re.compile(r"(\[[^\[\]]*\])\(([^)\s#:]+)(#[^)\s]+)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages outside, and each file of code that a page leads to as text."""
    for name, page in (*((name, name) for name in OUTSIDE), *MOVED.items()):
        if page != "index.md":
            files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    pages = [(file.src_uri, file.content_string) for file in files if file.src_uri.endswith(".md")]
    found = {target for uri, text in pages for _, link, _ in LINK.findall(text) if (target := _target(uri, link))}
    for target in sorted(found):
        if (ROOT / target).is_file() and not _in_site(target):
            files.append(File.generated(config, _place(target), abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links of the repository into those of the site; a folder has no page, so only its name stays."""
    uri = page.file.src_uri

    def linked(link: re.Match[str]) -> str:
        target = _target(uri, link[2])
        if target is None or not (ROOT / target).exists():
            return link[0]  # MkDocs reports what does not exist
        if (ROOT / target).is_dir():
            return link[1][1:-1]
        return f"{link[1]}({posixpath.relpath(_place(target), posixpath.dirname(uri) or '.')}{link[3] or ''})"

    return LINK.sub(linked, markdown.replace("```yaml fragment\n", "```yaml\n"))


def _target(uri: str, link: str) -> str | None:
    """Return the path in the repository that a link of a page leads to."""
    at = {page: name for name, page in MOVED.items() if page != "index.md"}.get(uri) or (
        uri if uri in OUTSIDE else f"docs/{uri}"
    )
    target = posixpath.normpath(posixpath.join(posixpath.dirname(at), link))
    return None if target.startswith("..") else target


def _in_site(target: str) -> bool:
    return target.startswith("docs/") or target in OUTSIDE or target in MOVED


def _place(target: str) -> str:
    """Return where the site has a file of the repository."""
    if target in OUTSIDE:
        return target
    if _in_site(target):
        return MOVED.get(target) or target.removeprefix("docs/")
    return f"code/{target.removeprefix('.')}.txt"
