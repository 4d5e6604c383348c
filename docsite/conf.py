"""Sphinx reads its settings here."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from docsite.links import summary
from runner._version import __version__

project = "order-runner"
author = "order-runner"
release = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "order-runner"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
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


def described(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """The first paragraph of a page is what a search engine shows of it."""
    del template
    if doctree is not None:
        text = summary((Path(app.srcdir) / f"{page}.md").read_text(encoding="utf-8"))
        context["metatags"] = context.get("metatags", "") + f'<meta name="description" content="{escape(text)}">'


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", described)
