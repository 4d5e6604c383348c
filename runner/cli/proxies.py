"""`order-runner proxies [PATH|KEY...]`"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from runner.cli.complete import values as completers
from runner.cli.options import common
from runner.cli.options.approval import SelectionOptions, selection_of
from runner.cli.options.command import CommandOptions, argument, define, group, option, option_class
from runner.cli.options.common import Output
from runner.cli.options.targets import Targets
from runner.cli.options.types import Duration
from runner.cli.outputs import is_plain_file
from runner.core import ci
from runner.core.errors import ExitCode, InvalidManifests, RunnerError, UsageError, worst

if TYPE_CHECKING:
    from runner.core.deliveries import Proxy, ProxyKind
    from runner.core.orders import OrderKey
    from runner.deliver.joining import OrderDelivery
    from runner.deliver.proofs import Proof
    from runner.run.delivering import Delivered
    from runner.run.settings import Settings
    from runner.views.delivery import WrittenFile
    from runner.views.terminal.console import Console

TEXT: Final = "text"
FORMATS: Final = (
    TEXT,
    "txt",
    "csv",
    "json",
    "ndjson",
    "env",
    "proxychains",
    "playwright",
    "scrapy",
    "squid",
    "haproxy",
    "3proxy",
    "clash",
    "sing-box",
)
"""The table for people, and the formats of `runner.views.proxies`."""


@option_class
class ProxiesOptions(CommandOptions):
    targets: tuple[str, ...] = argument(nargs=-1, metavar="[PATH|KEY...]", shell_complete=completers.files_or_keys)
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    output: Path | None = option(
        "--output",
        "-o",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Where the one format goes, as with -f FMT=FILE; - is stdout.",
    )
    kind: Literal["http", "socks5"] | None = option(
        "--kind",
        type=click.Choice(["http", "socks5"]),
        help="Which port to write. [socks5 if every order asked for SOCKS5, else http]",
    )
    template: str | None = option(
        "--template",
        metavar="TEXT",
        help="A line of txt, like %ip%:%port%:%login%:%password%; also %protocol%, %rotation_link%.",
    )
    logins: bool = option("--logins", is_flag=True, help="Logins, passwords and links in text, csv, json and ndjson.")
    reveal: bool = option("--reveal", is_flag=True, envvar=None, help="Logins may go to stdout; in CI only with --yes.")
    yes: bool = option("--yes", is_flag=True, help="In CI: the log may have logins.")
    partial: bool = option("--partial", is_flag=True, help="Write what there is of orders that are not whole.")
    wait: timedelta = option(
        "--wait",
        type=Duration(),
        default=timedelta(0),
        metavar="DURATION",
        help="Look again, with growing pauses, until all is delivered or this time has passed, like 15m. [one look]",
    )
    report: Path | None = option(
        "--report",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Write what was delivered as JSON, with a digest of each order's proxies in their place.",
    )
    verify: Path | None = option(
        "--verify",
        type=click.Path(path_type=Path),
        metavar="REPORT",
        help="Compare what a report proves with what the vendor shows now.",
    )
    selection: SelectionOptions = group(SelectionOptions)
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("proxies", ProxiesOptions)
def command(options: ProxiesOptions) -> int:
    """Show the proxies that were bought, or write them in the format of a program. Reads only; buys nothing.

    PATH is a manifest, KEY an order of the ledger like crawl/fr; a file comes before an order of the same name,
    patterns such as 'crawl/*' work, and without any it is every order of the account. Logins go into files, which are
    private and hold whole orders only. Exit code 11 while anything is missing.
    """
    from runner.deliver.proofs import read_proof
    from runner.run.delivering import DeliveryCall, deliver

    outputs = _outputs(options)
    settings = common.vendor_settings(options.vendor, options.origins, options.ledger)
    paths, named = _split(options.targets)
    console = options.screen.console()
    _refuse_contradiction(options, paths, outputs)
    _refuse_revealing(options, outputs)
    _refuse_places(options, outputs)
    targets = Targets(outputs, settings, [("--report", options.report)])
    targets.refuse_inputs(paths)
    targets.refuse("the report", [options.verify])
    proof, masking = read_proof(options.verify) if options.verify else None, _Masking(console, outputs)
    call = DeliveryCall(
        manifest_keys=_manifest_keys(paths, options, console) if paths else (),
        names=(*named, *(proof.keys if proof else ())),
        every=not options.targets and proof is None,
        wait=options.wait.total_seconds(),
        flags=common.flags_of(options.origins, settings),
        keep=masking.keep,
    )
    with options.screen.watching(console) as watch:
        delivered = deliver(settings, call, watch)
    if proof is not None:
        return common.exit_code(_compare(proof, delivered, console), console)
    files = _write(options, outputs, delivered, console)
    if options.report is not None:
        _write_report(options.report, delivered, files)
    _annotate(options, settings, paths, delivered, console)
    return common.exit_code(delivered.code, console)


# -- what was asked for


def _outputs(options: ProxiesOptions) -> tuple[Output, ...]:
    outputs = common.outputs_of(options.formats, FORMATS, TEXT)
    if options.output is None:
        return outputs
    if len(outputs) > 1 or outputs[0].path is not None:
        raise UsageError("--output is the file of the one format", hint="name the files like -f txt=proxies.txt")
    if not options.formats:
        raise UsageError("--output needs a format", hint=f"like -f txt; there are {', '.join(FORMATS)}")
    return outputs if str(options.output) == "-" else (Output(outputs[0].fmt, options.output),)


def _split(targets: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The manifests and the names of orders among the arguments: what is there as a file, or matches one, is a file."""
    paths = [text for text in targets if text == "-" or os.path.lexists(text) or _matches(text)]
    return tuple(paths), tuple(text for text in targets if text not in paths)


def _matches(text: str) -> bool:
    """Whether it is a pattern of files with a file that fits."""
    return has_magic(text) and bool(glob(text, recursive=True))  # noqa: PTH207 - a glob may be absolute


def _refuse_contradiction(options: ProxiesOptions, paths: tuple[str, ...], outputs: tuple[Output, ...]) -> None:
    if selection_of(options.selection) and not paths:
        raise UsageError("--only, --exclude and --label need manifests", hint="name PATH..., or the orders by KEY")
    if options.template is not None and not any(output.fmt == "txt" for output in outputs):
        raise UsageError("--template is the line of txt", hint="add -f txt")
    if options.verify is not None and (options.formats or options.targets or options.report or options.wait):
        raise UsageError("--verify takes a report alone: it names the orders itself")


def _is_secret(output: Output, options: ProxiesOptions) -> bool:
    """Whether a format will have logins in it."""
    from runner.views.proxies import is_secret

    if output.fmt == TEXT:
        return options.logins
    return is_secret(output.fmt, template=options.template if output.fmt == "txt" else None, with_logins=options.logins)


def _refuse_revealing(options: ProxiesOptions, outputs: tuple[Output, ...]) -> None:
    """UsageError for logins on stdout that nobody asked for, and in CI, where a log keeps them, that nobody meant."""
    if not any(output.path is None and _is_secret(output, options) for output in outputs):
        return
    if not options.reveal:
        raise UsageError(
            "logins and passwords would go to stdout",
            hint="write a file with --output FILE, or pass --reveal to have them on stdout",
        )
    sign = ci.sign_of(os.environ)
    if sign is not None and "yes" not in options.origins.line:  # a variable says so of purchases
        raise UsageError(
            f"{sign} is set, and logins on stdout would stay in the job's log",
            hint="write a file with --output FILE; pass --yes as well if the log may have them",
        )


def _refuse_places(options: ProxiesOptions, outputs: tuple[Output, ...]) -> None:
    from runner.core.worktree import refuse_tracked_place

    for output in outputs:
        if output.path is not None and _is_secret(output, options):
            refuse_tracked_place(output.path, f"-f {output.fmt}")


def _manifest_keys(paths: tuple[str, ...], options: ProxiesOptions, console: Console) -> tuple[OrderKey, ...]:
    """The keys of the orders that manifests want."""
    from runner import manifest

    selection = selection_of(options.selection)
    loaded = manifest.load(paths)
    common.note_left_out(loaded, console)
    if loaded.errors:
        raise InvalidManifests(loaded.problems)
    selection.check(loaded.orders)
    return tuple(order.key for order in loaded.orders if order.enabled and selection.left_out(order) is None)


# -- what goes out


@dataclass(slots=True)
class _Masking:
    """Has GitHub take logins out of every log from the moment that they are known, before anything is said of them.

    The commands go to stdout, or where a format or a file is there to stderr, which the job's runner reads as well.
    """

    console: Console
    outputs: tuple[Output, ...]
    lines: set[str] = field(default_factory=set)

    def keep(self, deliveries: Sequence[OrderDelivery]) -> None:
        """Masks what opens these proxies, each value once."""
        if os.environ.get("GITHUB_ACTIONS") != "true":
            return
        from runner.deliver.joining import proxies_of
        from runner.views.delivery import masks

        lines = [line for line in masks(list(proxies_of(deliveries))) if line not in self.lines]
        self.lines.update(lines)
        is_free = all(output.path is not None or output.fmt == TEXT for output in self.outputs)
        if is_free and not is_plain_file(sys.stdout):
            self.console.out.lines(lines)
        elif not is_plain_file(sys.stderr):
            self.console.err.lines(lines)


def _write(
    options: ProxiesOptions, outputs: tuple[Output, ...], delivered: Delivered, console: Console
) -> list[WrittenFile]:
    """Write each format, and none where one of them cannot be made; the files that were written."""
    from runner.views import delivery as view

    proxies = _handed_out(options, delivered)
    texts = {output: _text_of(options, output, proxies, console) for output in outputs if output.fmt != TEXT}
    for output in outputs:
        if output.fmt == TEXT:
            common.write_output(output, console, lambda _, to: view.render(delivered, to, with_logins=options.logins))
    is_quiet = options.screen.quiet and delivered.code is ExitCode.OK
    if all(output.fmt != TEXT for output in outputs) and not is_quiet:
        view.summarize(delivered, console.err)
    return [file for output, text in texts.items() for file in _put(output, text, len(proxies), console)]


def _annotate(
    options: ProxiesOptions, settings: Settings, paths: tuple[str, ...], delivered: Delivered, console: Console
) -> None:
    """Receipts of what can be handed out, where policies allow them; what goes wrong is a note, and no more."""
    from runner.limits.policy import over, receipts_of
    from runner.run import call
    from runner.views.terminal.safe import one_line

    policies = over(None, paths)
    style = None if policies.problems else receipts_of(policies.policies)
    keys = tuple(order.key for order in delivered.orders if order.proxies and order.renamed_from is None)
    if style is None or not keys:
        return
    notes = []
    try:
        with options.screen.watching(console) as watch:
            receipts = call.annotate(settings, watch, keys=keys, id_only=style == "id-only")
        notes += [f"receipt of {one.key}: {one.reason}" for one in receipts if one.reason]
    except RunnerError as error:
        notes.append(f"receipts were not written: {error}")
    for note in notes:
        console.note(one_line(note) + "\n")


def _handed_out(options: ProxiesOptions, delivered: Delivered) -> list[Proxy]:
    """The proxies of whole orders, with --partial all that are there."""
    orders = delivered.orders
    return [proxy for order in orders if order.whole or options.partial for proxy in order.proxies]


def _text_of(options: ProxiesOptions, output: Output, proxies: Sequence[Proxy], console: Console) -> str:
    """A format's text; empty where there is nothing to write."""
    from runner.views import proxies as formats
    from runner.views.terminal.safe import one_line

    if not proxies and (output.path is not None or output.fmt in formats.PROGRAMS):
        return ""
    kind = options.kind or _kind_of(proxies)
    template = options.template if output.fmt == "txt" else None
    for caution in formats.cautions(output.fmt, proxies, kind=kind):
        console.note(one_line(f"{output.fmt}: {caution}") + "\n")
    return formats.render(output.fmt, proxies, kind=kind, template=template, with_logins=options.logins)


def _put(output: Output, text: str, proxies: int, console: Console) -> list[WrittenFile]:
    """Hand a text over; the file that it has become, if it has. An old file stays where there is nothing to write."""
    from runner.core.secretfile import put_secret
    from runner.views.delivery import WrittenFile

    if output.path is None:
        console.write(text)
        return []
    if not text:
        console.note(f"{output.path} is not written: no order is whole\n")
        return []
    with common.writing(output.path):
        put_secret(output.path, text.encode())
    return [WrittenFile(fmt=output.fmt, path=str(output.path), proxies=proxies)]


def _kind_of(proxies: Sequence[Proxy]) -> ProxyKind:
    return "socks5" if proxies and all(proxy.protocol == "socks5" for proxy in proxies) else "http"


def _write_report(path: Path, delivered: Delivered, files: Sequence[WrittenFile]) -> None:
    from runner.core.files import replace_atomically
    from runner.views.delivery import report_text

    with common.writing(path):
        replace_atomically(path, report_text(delivered, delivered.code, files).encode())


def _compare(proof: Proof, delivered: Delivered, console: Console) -> ExitCode:
    """Say of each order of a report whether it is as it was: 5 unless all are."""
    from runner.views.delivery import compared_lines
    from runner.views.terminal.safe import one_line

    compared = list(compared_lines(proof, delivered))
    console.out.lines(one_line(line) for _, line in compared)
    codes = [failure.exit_code for failure in delivered.failures]
    return worst(*codes, ExitCode.OK if all(same for same, _ in compared) else ExitCode.REFUSED)
