"""A report as one HTML page: nothing is loaded, nothing a vendor says can act, and it reads without JavaScript.

The page forbids itself everything but its own style and script, by their digests (Content Security Policy), so what a
hostile text might smuggle past the escaping would not run either.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from runner.views.formats.facts import Document, doubts, elsewhere
from runner.views.formats.html.order_table import table
from runner.views.formats.html.overview import alarm, ending, money, outcome
from runner.views.formats.html.pieces import code, duration, finding_fold, moment, pairs, seconds, section, text
from runner.views.formats.html.timeline import timeline

TITLES: Final = {"apply": "Purchase report", "plan": "Plan", "dry-run": "Dry run"}

ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' "
    "rx='3' fill='%231f4e8c'/%3E%3Cpath d='M4 5h8M4 8h8M4 11h5' stroke='%23fff' stroke-width='1.6'/%3E%3C/svg%3E"
)
"""Named, so that a browser asks no server for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of the page, and its digest as a policy has it."""

    content: str
    digest: str


def render(document: Mapping[str, Any]) -> str:
    """The whole page, from a report of version 1."""
    return f'<!doctype html>\n<html lang="en">\n{_head(document)}\n{_body(document)}\n</html>\n'


@cache
def asset(name: str) -> Asset:
    """`assets/NAME`, read once. Neither file may close the element it stands in."""
    content = (files("runner.views.formats") / "assets" / name).read_text(encoding="utf-8")
    return Asset(content=content, digest=f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}")


def policy() -> str:
    """The page's Content Security Policy."""
    return (
        f"default-src 'none'; style-src '{asset('report.css').digest}'; script-src '{asset('report.js').digest}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _head(document: Document) -> str:
    run = document["run"]
    ended = f"exit {run['exit']['code']} {run['exit']['name']}" if run["exit"] else "not finished"
    return f"""<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="{text(document["tool"]["name"])} {text(document["tool"]["version"])}">
<title>{_title(document)} {text(run["id"])}: {text(ended)}</title>
<link rel="icon" href="{ICON}">
<style>{asset("report.css").content}</style>
<script>{asset("report.js").content}</script>
</head>"""


def _title(document: Document) -> str:
    return text(TITLES.get(document["run"]["mode"], document["run"]["mode"]))


def _body(document: Document) -> str:
    return f"""<body>
<a class="skip" href="#orders">Skip to the orders</a>
<header class="page">
<div><h1>{_title(document)}</h1><p class="told">{_when(document)}</p></div>
<p class="tools"><button type="button" id="theme" hidden>Theme: automatic</button>
<button type="button" id="print" hidden>Print</button></p>
</header>
<main>
{money(document)}
{alarm(document)}
<div class="pair">
{ending(document)}
{outcome(document)}
</div>
{_beside(document)}
{timeline(document)}
{table(document)}
{_run(document)}
</main>
<footer><p>{text(document["tool"]["name"])} {text(document["tool"]["version"])}, run {text(document["run"]["id"])}. \
This page loads nothing and sends nothing.</p></footer>
</body>"""


def _when(document: Document) -> str:
    run = document["run"]
    began = moment(run["started_at"])
    if run["finished_at"] is None:
        return f"{began}, not finished"
    took = duration(1000 * (seconds(run["finished_at"]) - seconds(run["started_at"])))
    return f"{began}, {took} · run <code>{text(run['id'])}</code>"


def _beside(document: Document) -> str:
    """Findings about no order but those of the alarm, and what was not checked; empty where there is neither."""
    in_alarm = [*elsewhere(document), *(doubt.loss for doubt in doubts(document))]
    rest = [finding for finding in document["errors"] if finding not in in_alarm]
    findings = section("beside", "Findings about no order", finding_fold(rest)) if rest else ""
    items = "".join(f"<li>{text(one)}</li>" for one in document["not_checked"])
    return findings + (section("unchecked", "Not checked", f'<ul class="todo">{items}</ul>') if items else "")


def _run(document: Document) -> str:
    """Identifiers, times, versions, files with their digests."""
    inputs = document["inputs"]
    files = _files("Manifests", inputs["manifests"]) + _files("Policies", inputs["policies"])
    return section("run", "The run", pairs(_about(document), "facts spread") + files)


def _about(document: Document) -> Iterator[tuple[str, str]]:
    run, inputs, tool = document["run"], document["inputs"], document["tool"]
    yield "Run", code(run["id"])
    yield "Mode", text(run["mode"])
    yield "Complete", "yes" if run["complete"] else "no"
    yield "Started", moment(run["started_at"])
    yield "Finished", moment(run["finished_at"])
    for name in ("actor", "commit", "ref", "job"):
        if run[name] is not None:
            yield ("Made by" if name == "actor" else name.capitalize()), text(run[name])
    yield "Written by", f"{text(tool['name'])} {text(tool['version'])}, report {text(document['report_version'])}"
    yield "Vendor's API", f"{text(inputs['api']['version'])}, {code(inputs['api']['base_url'])}"
    yield "Ledger", code(inputs["ledger"])
    yield "Lockfile", code(inputs["lockfile"])
    yield "Policies", str(len(inputs["policies"]) or "none")


def _files(name: str, files: Sequence[Mapping[str, Any]]) -> str:
    if not files:
        return ""
    rows = "".join(f'<tr><th scope="row">{code(one["path"])}</th><td>{code(one["sha256"])}</td></tr>' for one in files)
    head = f'<thead><tr><th scope="col">{name}</th><th scope="col">SHA-256</th></tr></thead>'
    return f'<table class="files">{head}<tbody>{rows}</tbody></table>'
