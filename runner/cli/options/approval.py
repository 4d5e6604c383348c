"""Which orders a call is about, and what was approved of them: the options, and the consent they become."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.options.common import option
from runner.cli.options.types import Duration, flags_of
from runner.core.errors import UsageError

if TYPE_CHECKING:
    from runner.manifest.selection import Selection
    from runner.plan.approval.document import Kept
    from runner.plan.task import Consent
    from runner.run.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def selection_options(command: F) -> F:
    """Which orders of the manifests."""
    command = option(
        "--label",
        "labels",
        multiple=True,
        metavar="NAME=VALUE",
        help="Only orders with this label; all of them, if several.",
    )(command)
    command = option(
        "--exclude", multiple=True, metavar="NAME|KEY", help="Leave these orders out; a pattern like fr-* will do."
    )(command)
    return option("--only", multiple=True, metavar="NAME|KEY", help="Only these orders; a pattern like fr-* will do.")(
        command
    )


def approval_options(command: F) -> F:
    """What was approved."""
    command = option(
        "--max-age",
        type=Duration(),
        default=timedelta(hours=24),
        metavar="DURATION",
        help="How old a plan that is applied may be, like 90s, 15m, 4h or 7d. [24h]",
    )(command)
    return option(
        "--approve", metavar="DIGEST", help="Buy exactly what `plan` gave this digest, without asking: sha256:…"
    )(command)


def selection_of(values: dict[str, Any]) -> Selection:
    """UsageError for a label that is none."""
    from runner.manifest.selection import Selection, label_of

    return Selection(only=values["only"], exclude=values["exclude"], labels=tuple(map(label_of, values["labels"])))


def consent_of(settings: Settings, values: dict[str, Any], *, nothing: bool = False) -> Consent:
    """What a call is about, with nothing approved."""
    from dataclasses import replace

    from runner.run import call

    return replace(call.consent_of(settings), selection=selection_of(values), nothing=nothing)


def approved_of(
    ctx: click.Context, settings: Settings, paths: tuple[str, ...], values: dict[str, Any]
) -> tuple[tuple[str, ...], Consent]:
    """The manifests to buy from and what may be bought of them; a plan document stands for its own manifests."""
    from dataclasses import replace

    from runner.plan.approval import document
    from runner.plan.approval.terms import Approval

    consent, digest = consent_of(settings, values), _digest(values["approve"])
    kept = document.read(paths[0]) if len(paths) == 1 else None
    if kept is not None:
        approval = Approval(digest=digest or kept.document.digest, document=kept.document, max_age=values["max_age"])
        return kept.paths, replace(consent, approval=approval, selection=_same(consent.selection, kept))
    if ctx.get_parameter_source("max_age") is click.core.ParameterSource.COMMANDLINE:
        raise UsageError(
            "--max-age needs a plan document: a digest does not say when it was made",
            hint="write one with `order-runner plan --out plan.json`, and apply that",
        )
    return paths, replace(consent, approval=Approval(digest=digest)) if digest else consent


def _digest(text: str | None) -> str | None:
    from runner.plan.approval.terms import DIGEST

    if text is not None and not DIGEST.fullmatch(text):
        raise UsageError(
            f"--approve {text} is no digest", hint="give the one that `order-runner plan` prints: sha256: and 64 digits"
        )
    return text


def _same(asked: Selection, kept: Kept) -> Selection:
    if asked and asked != kept.selection:
        raise UsageError(
            "a plan document has a selection of its own",
            hint="leave --only, --exclude and --label out, or make the plan again with them",
        )
    return kept.selection


def command_of(ctx: click.Context, settings: Settings, paths: tuple[str, ...], values: dict[str, Any]) -> str:
    """The command that buys what a plan of these paths shows, but for its digest: the document, where there is one."""
    from runner.core.files import relative

    words = ["order-runner", "apply"]
    if values["out"] is not None:
        return shlex.join((*words, str(relative(str(values["out"]))))) + flags_of(ctx, settings)
    words += [str(relative(path)) for path in paths]
    for name in ("only", "exclude", "labels"):
        words += [word for text in values[name] for word in (f"--{name.removesuffix('s')}", text)]
    return shlex.join(words) + flags_of(ctx, settings)
