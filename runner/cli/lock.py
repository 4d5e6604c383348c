"""`order-runner lock PATH...`"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options.common import (
    Output,
    ended,
    format_option,
    option,
    outputs,
    paths_argument,
    quiet_options,
    settings_of,
    vendor_options,
    write_output,
)
from runner.cli.options.words import lockfile_option, note_left_out
from runner.core.errors import ExitCode, Problem, UsageError

if TYPE_CHECKING:
    from runner.core.orders import ProductType
    from runner.core.progress import Watch
    from runner.core.vendor import Choice, Reader
    from runner.manifest import Loaded
    from runner.manifest.lock import Lockfile
    from runner.manifest.lock.changes import Reference
    from runner.manifest.reading import Words
    from runner.run.wiring import Settings
    from runner.views.lock import LockResult
    from runner.views.terminal.console import Console

FORMATS = ("text", "json", "github")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call, as the flags have it."""

    words: Words
    loaded: Loaded
    known: Lockfile | None
    settings: Settings
    console: Console
    quiet: bool
    verbose: bool


@click.command("lock")
@paths_argument()
@option("--check", is_flag=True, help="Write nothing: exit 4 where a word is not locked, not used or has moved.")
@option("--update", multiple=True, metavar="WORD", help="Lock this word anew, like FRA or '1 GB'. May be repeated.")
@lockfile_option
@format_option(*FORMATS)
@vendor_options
@quiet_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    check: bool,
    update: tuple[str, ...],
    lockfile: Path | None,
    formats: tuple[str, ...],
    **values: Any,
) -> int:
    """Look the words of PATH... up at the vendor, and write their ids into orders.lock.json.

    What is locked stays as it is, even where the vendor has moved; --update WORD takes the vendor's new id over.
    Plans and purchases use only what is locked.
    """
    from runner import manifest
    from runner.manifest.reading import Words
    from runner.views.terminal import events
    from runner.views.terminal.console import Console

    if check and update:
        raise UsageError("--check writes nothing, --update does: say one of them")
    wanted = outputs(formats, FORMATS, "text")
    settings = settings_of(ctx, **values)
    words = Words(paths=paths, named=lockfile, sandbox=settings.sandbox)
    console = Console.detect(no_color=values["no_color"])
    with events.watching(console, quiet=values["quiet"], verbose=values["verbose"]) as watch:
        loaded = manifest.load(paths, apart=words.apart, watch=watch)
    note_left_out(loaded, console)
    known, problems = _known(words)
    found = _Call(
        words=words,
        loaded=loaded,
        known=known,
        settings=settings,
        console=console,
        quiet=values["quiet"],
        verbose=values["verbose"],
    )
    written = None
    problems = (*loaded.problems, *problems)
    if not any(problem.severity == "error" for problem in problems):
        _refuse_unknown(update, loaded)
        more, written = _checked(found) if check else _locked(found, update)
        problems = (*problems, *more)
    return _show(found, wanted, problems, written)


def _known(words: Words) -> tuple[Lockfile | None, tuple[Problem, ...]]:
    """The lockfile that is there, and what is wrong with it."""
    from runner.manifest.lock.text import read

    return read(words.place) if words.place.exists() else (None, ())


def _refuse_unknown(update: tuple[str, ...], loaded: Loaded) -> None:
    used = {word for request in loaded.orders for word in request.words.values()}
    for word in update:
        if word not in used:
            from runner.manifest.phrases import did_you_mean, nearest_name

            nearest = nearest_name(word, tuple(sorted(used)))
            raise UsageError(f"no manifest here uses the word {word!r}{did_you_mean(nearest)}")


def _checked(call: _Call) -> tuple[list[Problem], None]:
    """Offline first: every word locked, no entry too many. Only then the vendor is asked what has moved."""
    from runner.manifest.lock.changes import lock, moved_problems, stale_problems
    from runner.manifest.lock.location import covers
    from runner.manifest.lock.lookup import addresses, resolve_all

    command, place = call.words.command, call.words.place
    resolved = resolve_all(call.loaded, call.known, command, str(place))
    problems = [problem for problem in resolved.problems if problem.code == "PSR304"]
    if call.known is not None and covers(call.words.paths, place):
        used = {address for request in call.loaded.orders for address in addresses(request, call.known)}
        problems += stale_problems(call.known, used, command)
    if problems or call.known is None:
        return problems, None
    with _reference(call) as reference:
        found = lock(call.loaded.orders, call.known, (), reference, "")
    return moved_problems(found, call.known.path, command), None


def _locked(call: _Call, update: tuple[str, ...]) -> tuple[list[Problem], LockResult | None]:
    """What the vendor has for every word; written where something changed and nothing is wrong."""
    from runner.core.clock import SystemClock
    from runner.manifest.lock.changes import as_warnings, kept, lock, moved_problems
    from runner.manifest.lock.location import covers
    from runner.manifest.lock.text import written
    from runner.views.lock import LockResult

    place = call.words.place
    now = f"{SystemClock().now():%Y-%m-%dT%H:%M:%SZ}"
    with _reference(call) as reference:
        found = lock(call.loaded.orders, call.known, update, reference, now)
    if found.problems:
        return list(found.problems.values()), None
    entries = kept(found, call.known, others=not covers(call.words.paths, place))
    before = call.known.entries if call.known else {}
    changed = dict(before) != entries
    if changed:
        _write(place, written(entries.values()))
    removed = [entry for address, entry in before.items() if address not in entries]
    done = LockResult(
        path=str(place), locked=len(entries), added=found.added, updated=found.updated, removed=removed, changed=changed
    )
    return as_warnings(moved_problems(found, str(place), call.words.command)), done


def _write(place: Path, text: str) -> None:
    """Replace the lockfile whole; it is for everybody who may read the manifests, not a secret."""
    from runner.core.files import replace_atomically

    try:
        mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
        replace_atomically(place, text.encode())
        place.chmod(mode)
    except OSError as error:
        raise UsageError(f"the lockfile {place} cannot be written: {error.strerror or error}") from None


@contextmanager
def _reference(call: _Call) -> Iterator[Reference]:
    """The vendor's reference lists: each asked at most once, the key and the way there only looked for if one is."""
    from runner.core.clock import SystemClock
    from runner.core.progress import listing
    from runner.run import wiring
    from runner.views.terminal import events

    lists: dict[ProductType, tuple[Choice, ...]] = {}
    with ExitStack() as stack:

        @cache
        def asked() -> tuple[Reader, Watch]:
            watch = stack.enter_context(events.watching(call.console, quiet=call.quiet, verbose=call.verbose))
            return stack.enter_context(wiring.reader(call.settings, SystemClock(), watch)), watch

        def of(product: ProductType) -> tuple[Choice, ...]:
            if product not in lists:
                reader, watch = asked()
                with listing(watch, product):
                    lists[product] = reader.reference(product)
            return lists[product]

        yield of


def _show(call: _Call, wanted: tuple[Output, ...], problems: tuple[Problem, ...], written: LockResult | None) -> int:
    from runner.cli.validate import source_line
    from runner.views import lock as view

    problems = tuple(sorted(problems, key=lambda problem: problem.order))
    for output in wanted:
        write_output(
            output,
            call.console,
            lambda fmt, target: view.render(
                problems,
                written,
                fmt=fmt,
                console=target,
                files=len(call.loaded.files),
                orders=call.loaded.count,
                source_line=source_line,
            ),
        )
    failed = any(problem.severity == "error" for problem in problems)
    return ended(ExitCode.INVALID if failed else ExitCode.OK, call.console)
