"""Sphinx reads its settings here."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from runner._version import __version__

project = "order-runner"
author = "order-runner"
release = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "order-runner"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["copy.js"]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_permalinks_icon = "#"
html_last_updated_fmt = None
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme_options = {
    "sidebar_hide_name": False,
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#0b6e5f",
        "color-brand-content": "#0b6e5f",
        "color-brand-visited": "#0b6e5f",
        "color-sidebar-link-text--top-level": "#33404a",
        "color-sidebar-link-text": "#4a5761",
    },
    "dark_css_variables": {
        "color-brand-primary": "#4fd1b5",
        "color-brand-content": "#4fd1b5",
        "color-brand-visited": "#4fd1b5",
        "color-sidebar-link-text--top-level": "#c9d1d9",
        "color-sidebar-link-text": "#a9b4be",
    },
}

# The pages are written for GitHub: the same anchors, and none of MyST's own syntax, which would be text there.
myst_heading_anchors = 6
myst_disable_syntax = ["myst_line_comment", "myst_block_break", "myst_target", "myst_role"]
nitpicky = True
smartquotes = False  # they would make one dash of the two before an option

LONGEST = 200


def described(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """The first paragraph of a page is its description."""
    del app, page, template
    if doctree is None:
        return
    found = doctree.next_node(lambda node: isinstance(node, nodes.paragraph) and len(node.astext()) > 1)
    text = " ".join(found.astext().split()) if found is not None else ""
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(" ")[0] + "…"
    context["metatags"] = context.get("metatags", "") + f'<meta name="description" content="{quoted(text)}">'


def quoted(text: str) -> str:
    from html import escape

    return escape(text, quote=True)


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", described)
