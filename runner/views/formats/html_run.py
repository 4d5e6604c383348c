"""What the run worked from, and findings that belong to no order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.views.formats.html_findings import findings
from runner.views.formats.html_text import Document, code, facts, moment, text


def beside(document: Document) -> str:
    """Findings of no order and what was not checked; empty where there is neither."""
    found, unchecked = document["errors"], document["not_checked"]
    if not (found or unchecked):
        return ""
    told = "".join(f"<li>{text(one)}</li>" for one in unchecked)
    missing = f'<h3>Not checked</h3><ul class="todo">{told}</ul>' if unchecked else ""
    return (
        '<section class="panel" aria-labelledby="beside"><h2 id="beside">Beside the orders</h2>'
        f"{findings(found)}{missing}</section>"
    )


def about(document: Document) -> str:
    """Identifiers, times, versions, files with their digests."""
    inputs = document["inputs"]
    return (
        '<section class="panel" aria-labelledby="run"><h2 id="run">The run</h2>'
        f"{facts(_facts(document), 'facts spread')}"
        f"{_files('Manifests', inputs['manifests'])}{_files('Policies', inputs['policies'])}</section>"
    )


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    run, inputs, tool = document["run"], document["inputs"], document["tool"]
    yield "Run", code(run["id"])
    yield "Mode", text(run["mode"])
    yield "Complete", "yes" if run["complete"] else "no"
    yield "Started", moment(run["started_at"])
    yield "Finished", moment(run["finished_at"])
    yield "Written by", f"{text(tool['name'])} {text(tool['version'])}, report {text(document['report_version'])}"
    yield "Vendor’s API", f"{text(inputs['api']['version'])}, {code(inputs['api']['base_url'])}"
    yield "Ledger", code(inputs["ledger"])
    yield "Lockfile", code(inputs["lockfile"])


def _files(name: str, files: Sequence[Document]) -> str:
    if not files:
        return ""
    rows = "".join(f'<tr><th scope="row">{code(one["path"])}</th><td>{code(one["sha256"])}</td></tr>' for one in files)
    head = f'<thead><tr><th scope="col">{name}</th><th scope="col">SHA-256</th></tr></thead>'
    return f'<table class="files">{head}<tbody>{rows}</tbody></table>'
