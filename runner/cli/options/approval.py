"""Which orders a call is about, and what was approved of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from runner.cli.options.command import Origins, option, option_class
from runner.cli.options.types import Duration
from runner.core.errors import UsageError

if TYPE_CHECKING:
    from runner.core.selection import Selection
    from runner.plan.approval.document import Kept
    from runner.plan.task import Consent


@option_class
class SelectionOptions:
    """Which orders of the manifests."""

    only: tuple[str, ...] = option(
        "--only", multiple=True, metavar="NAME|KEY", help="Only these orders; patterns such as fr-* work."
    )
    exclude: tuple[str, ...] = option(
        "--exclude", multiple=True, metavar="NAME|KEY", help="Leave these orders out; patterns such as fr-* work."
    )
    labels: tuple[str, ...] = option(
        "--label",
        multiple=True,
        metavar="NAME=VALUE",
        help="Only orders with this label; with every one of them, if several are given.",
    )


@option_class
class ApprovalOptions:
    """What was approved, and how long ago that may be."""

    approve: str | None = option(
        "--approve", metavar="DIGEST", help="Buy exactly what `plan` gave this digest, without asking: sha256:…"
    )
    max_age: timedelta = option(
        "--max-age",
        type=Duration(),
        default=timedelta(hours=24),
        metavar="DURATION",
        help="How old an applied plan may be, like 90s, 15m, 4h or 7d. [24h]",
    )


def selection_of(options: SelectionOptions) -> Selection:
    """UsageError for a label that is none."""
    from runner.core.selection import Selection, label_of

    return Selection(only=options.only, exclude=options.exclude, labels=tuple(map(label_of, options.labels)))


def approved_of(
    options: ApprovalOptions, origins: Origins, paths: tuple[str, ...], consent: Consent
) -> tuple[tuple[str, ...], Consent]:
    """The manifests to buy from and what may be bought of them; a plan document stands for its own manifests."""
    from runner.plan.approval import document
    from runner.plan.approval.terms import Approval
    from runner.run.confirm import digest_of

    digest = options.approve
    if digest is not None:
        digest_of(digest, name=f"--approve {digest}", source="that `order-runner plan` prints")
    kept = document.read(paths[0]) if len(paths) == 1 else None
    if kept is not None:
        approval = Approval(digest=digest or kept.document.digest, document=kept.document, max_age=options.max_age)
        return kept.paths, replace(consent, approval=approval, selection=_same(consent.selection, kept))
    if "max_age" in origins.line:
        raise UsageError(
            "--max-age needs a plan document: a digest does not say when it was made",
            hint="write one with `order-runner plan --out plan.json`, and apply that",
        )
    return paths, replace(consent, approval=Approval(digest=digest)) if digest else consent


def _same(selection: Selection, kept: Kept) -> Selection:
    if selection and selection != kept.selection:
        raise UsageError(
            "a plan document has its own selection",
            hint="leave --only, --exclude and --label out, or make the plan again with them",
        )
    return kept.selection
