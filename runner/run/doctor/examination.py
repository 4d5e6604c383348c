"""One examination: what it was asked about, and what earlier checks found out for later ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from runner.core.clock import Clock
from runner.core.secrets import ApiKey
from runner.run.settings import Settings
from runner.run.wiring import Endpoint

if TYPE_CHECKING:
    from runner.core.identity import Register
    from runner.core.records import Record
    from runner.vendors.wire import Response
    from runner.views.terminal.console import Console


@dataclass(slots=True, kw_only=True)
class Examination:
    """`origins` has how each setting was given, by its name in `Settings`: its option or variable; else its default.

    `flags` lead a suggested command to the same ledger and account.
    """

    settings: Settings
    clock: Clock
    console: Console
    paths: tuple[str, ...] = ()
    policy: str | None = None
    lockfile: Path | None = None
    offline: bool = False
    flags: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)

    key: ApiKey | None = None
    endpoint: Endpoint | None = None
    family: str | None = None
    call_times: tuple[datetime, datetime] | None = None
    answer: Response | None = None
    money: Decimal | None = None
    open: tuple[Record, ...] | None = None
    register: Register | None = None
    holder: str | None = None

    def origin(self, name: str, default: str = "the default") -> str:
        return self.origins.get(name, default)

    def redact(self, text: str) -> str:
        """`text` without the key, whoever put it there."""
        return text if self.key is None else self.key.redact(text)
