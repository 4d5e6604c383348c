"""A plan as a document: what is written beside its orders, and reading one back to buy what it says."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from runner._version import __version__
from runner.core import schemas
from runner.core.clock import rfc3339
from runner.core.errors import UsageError
from runner.core.files import relative
from runner.core.orders import Body, OrderKey
from runner.core.selection import EVERYTHING, Selection, label_of
from runner.plan.approval.terms import ApprovedOrder, PlanDocument, Terms
from runner.plan.inputs import Inputs

PLAN_VERSION: Final = "1.0"
MARK: Final = "plan_version"
"""The key by which a plan is known among manifests, whatever its file is called."""

MAX_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands in a plan document beside its orders. `terms` None: not every order has a price.

    `bodies` has what would be sent for each order. `command` buys what the plan shows, but for the digest.
    """

    made_at: datetime
    account: str
    inputs: Inputs
    api: str | None = None
    selection: Selection = EVERYTHING
    terms: Terms | None = None
    bodies: Mapping[OrderKey, Body] = field(default_factory=dict)
    command: str | None = None

    @property
    def digest(self) -> str | None:
        return self.terms.digest if self.terms else None

    def as_json(self) -> Mapping[str, object]:
        """The document's head."""
        inputs = dict(self.inputs.as_json())
        if self.inputs.lockfile is not None:
            path, sha256 = self.inputs.lockfile
            inputs["lockfile"] = {"path": relative(path), "sha256": sha256}
        inputs["api"] = {"base_url": self.api or self.inputs.base_url, "version": self.inputs.api_version}
        limits = self.terms.limits if self.terms else {}
        return {
            MARK: PLAN_VERSION,
            "tool": {"name": "order-runner", "version": __version__},
            "made_at": rfc3339(self.made_at),
            "account": self.account,
            "digest": self.digest,
            "inputs": inputs,
            "selection": self.selection.as_json(),
            "limits": [{"batch": name, **values} for name, values in sorted(limits.items())],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A plan document that was read: what it approves, and what to make the plan from again."""

    document: PlanDocument
    paths: tuple[str, ...]
    selection: Selection


def read(path: str) -> Kept | None:
    """The plan document at a path; None where there is something else.

    UsageError for one that cannot be used: of another version, not by the schema, never priced, made from stdin, or of
    manifests that are not here.
    """
    data = _object(path)
    if data is None or MARK not in data:
        return None
    version = str(data[MARK])
    if version.partition(".")[0] != PLAN_VERSION.partition(".")[0]:
        raise UsageError(f"{path} is a plan of version {version}; this program reads {PLAN_VERSION}")
    wrong = schemas.explain("plan", data)
    if wrong:
        place = ".".join(map(str, wrong[0].at)) or "its top"
        raise UsageError(
            f"{path} is not a complete plan: {place} violates `{wrong[0].keyword}` of the schema", hint=_AGAIN
        )
    if data["digest"] is None:
        raise UsageError(f"{path} approves nothing: it was written before every order had a price", hint=_AGAIN)
    paths = tuple(entry["path"] for entry in data["inputs"]["manifests"])
    for manifest in paths:
        if manifest == "-":
            raise UsageError(
                f"{path} was made from stdin, which cannot be read again", hint="make the plan from files, not from `-`"
            )
        if not Path(manifest).is_file():
            hint = "apply a plan in the folder it was made in; its paths are relative to it"
            raise UsageError(f"{path} was made from {manifest}, which does not exist here", hint=hint)
    try:
        return Kept(document=_document(data), paths=paths, selection=_selection(data["selection"]))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path} is not a complete plan: {error}", hint=_AGAIN) from None


_AGAIN: Final = "make it again with `order-runner plan --out`"


def _object(path: str) -> dict[str, Any] | None:
    """The JSON object in a file; None for anything else, which is for others to judge."""
    try:
        if path == "-" or not Path(path).is_file() or Path(path).stat().st_size > MAX_BYTES:
            return None
        with Path(path).open("rb") as stream:
            head = stream.read(64)
            if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
                return None
            data = json.loads((head + stream.read()).removeprefix(codecs.BOM_UTF8).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _document(data: Mapping[str, Any]) -> PlanDocument:
    planned = [order for order in data["orders"] if order["status"] == "planned"]
    lines = {
        order["key"]: ApprovedOrder(type=order["type"], fields=order["fields"], ceiling=Decimal(order["ceiling"]))
        for order in planned
    }
    inputs = data["inputs"]
    terms = Terms(
        account=data["account"],
        base_url=inputs["api"]["base_url"],
        api_version=inputs["api"]["version"],
        limits={entry["batch"]: {k: v for k, v in entry.items() if k != "batch"} for entry in data["limits"]},
        lines=lines,
        renames={order["key"]: order["renamed_from"] for order in data["orders"] if "renamed_from" in order},
    )
    return PlanDocument(
        terms=terms,
        digest=data["digest"],
        made_at=datetime.fromisoformat(data["made_at"]),
        standing={order["key"]: (order["status"], order["reason"]) for order in data["orders"]},
        prices={order["key"]: Decimal(order["quote"]["total"]) for order in planned},
        manifests={entry["path"]: entry["sha256"] for entry in inputs["manifests"]},
        lockfile=inputs["lockfile"]["sha256"] if inputs["lockfile"] else None,
    )


def _selection(data: Mapping[str, Any]) -> Selection:
    return Selection(
        only=tuple(data["only"]),
        exclude=tuple(data["exclude"]),
        labels=tuple(map(label_of, data["labels"])),
    )
