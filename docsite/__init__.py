"""The documentation site, built from `docs/`: `python -m docsite`. Not shipped with the program.

`staging` copies the pages and makes their links lead to where the site has things; `commands` and `fields` write the
reference pages from click and from the JSON schemas; `contents` finds every page its place; Sphinx makes the HTML;
`check` reads that HTML again, as a browser would. Why Sphinx: docs/decisions/0019-documentation-site.md.
"""
