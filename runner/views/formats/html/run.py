"""What the run worked from, and findings that belong to no order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.views.formats.html.findings import folded
from runner.views.formats.html.text import Document, code, facts, moment, section, text
from runner.views.formats.html.top import elsewhere


def beside(document: Document) -> str:
    """Findings of no order but those of the alarm, and what was not checked; empty where there is neither."""
    said = elsewhere(document)
    errors = [one for one in document["errors"] if one not in said]
    found = section("beside", "Findings of no order", folded(errors)) if errors else ""
    told = "".join(f"<li>{text(one)}</li>" for one in document["not_checked"])
    return found + (section("unchecked", "Not checked", f'<ul class="todo">{told}</ul>') if told else "")


def about(document: Document) -> str:
    """Identifiers, times, versions, files with their digests."""
    inputs = document["inputs"]
    files = _files("Manifests", inputs["manifests"]) + _files("Policies", inputs["policies"])
    return section("run", "The run", facts(_facts(document), "facts spread") + files)


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    run, inputs, tool = document["run"], document["inputs"], document["tool"]
    yield "Run", code(run["id"])
    yield "Mode", text(run["mode"])
    yield "Complete", "yes" if run["complete"] else "no"
    yield "Started", moment(run["started_at"])
    yield "Finished", moment(run["finished_at"])
    yield "Written by", f"{text(tool['name'])} {text(tool['version'])}, report {text(document['report_version'])}"
    yield "Vendor's API", f"{text(inputs['api']['version'])}, {code(inputs['api']['base_url'])}"
    yield "Ledger", code(inputs["ledger"])
    yield "Lockfile", code(inputs["lockfile"])


def _files(name: str, files: Sequence[Document]) -> str:
    if not files:
        return ""
    rows = "".join(f'<tr><th scope="row">{code(one["path"])}</th><td>{code(one["sha256"])}</td></tr>' for one in files)
    head = f'<thead><tr><th scope="col">{name}</th><th scope="col">SHA-256</th></tr></thead>'
    return f'<table class="files">{head}<tbody>{rows}</tbody></table>'
