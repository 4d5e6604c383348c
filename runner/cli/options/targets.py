"""The files that a call writes, held against each other and against the files that it lives on."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.core.errors import UsageError

if TYPE_CHECKING:
    from runner.cli.options.common import Output
    from runner.run.settings import Settings

Others = Iterable[tuple[str, Path | None]]

STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
STEP_OUTPUT: Final = "GITHUB_OUTPUT"
JOB_FILES: Final = (STEP_SUMMARY, STEP_OUTPUT)
"""Variables by which GitHub names the files of a step, which `-f github` adds to."""

_STREAMS: Final = {1: "stdout", 2: "stderr"}


class Targets:
    """Where a call writes: every file can be replaced, no two are one, and none is a ledger or holds the key.

    UsageError for anything else, before anything is written. Files are told by what they are, not by their names.
    """

    def __init__(self, outputs: Collection[Output] = (), settings: Settings | None = None, others: Others = ()) -> None:
        """`others` are files beside the formats, by option. Without `settings` the environment names the ledger."""
        self._settings = settings
        self._written = dict(_plain_streams())
        for output in outputs:
            if output.path is not None:
                self.add(f"-f {output.fmt}", output.path)
        for option, path in others:
            if path is not None:
                self.add(option, path)
        if any(output.fmt == "github" and output.path is None for output in outputs):
            self._add_job_files()
        self._refuse_precious()

    def _add_job_files(self) -> None:
        """The files by which a step on GitHub tells its job something; devices and pipes take any number of writers."""
        for name in JOB_FILES:
            path = Path(os.environ.get(name) or os.devnull)
            if path.is_file() or not path.exists():
                self.add(name, path, replaced=False)

    def add(self, what: str, path: Path, *, replaced: bool = True) -> None:
        """One more file, in words and its path; not `replaced` where it may stay as it is, or is added to."""
        from runner.cli.options.common import writing
        from runner.core.outfiles import identity_of, refuse_irreplaceable
        from runner.ledger.recognise import ledger_of

        if (ledger := ledger_of(path)) is not None:
            owner = "it is a ledger" if ledger == path else f"it is a part of the ledger {ledger}"
            raise UsageError(f"{what} cannot be {path}: {owner}", hint=_HINT)
        with writing(path):
            if replaced:
                refuse_irreplaceable(path)
            identity = identity_of(path)
        if other := self._written.get(identity):
            raise UsageError(f"{what} {path} and {other} are one file", hint=_HINT)
        self._written[identity] = f"{what} {path}"
        if not replaced:
            self._refuse_precious()

    def refuse(self, what: str, paths: Iterable[Path | str | None]) -> None:
        """UsageError where one of these files, each of which is `what`, is also written."""
        from runner.core.outfiles import identity_of, identity_of_descriptor

        for path in paths if self._written else ():
            with suppress(OSError):
                identity = identity_of_descriptor(0) if path == "-" else identity_of(Path(path)) if path else None
                if written := self._written.get(identity):
                    raise UsageError(f"{written} would be written over {what} {path}", hint=_HINT)

    def refuse_inputs(self, paths: tuple[str, ...], *, policy: str | None = None, lockfile: Path | None = None) -> None:
        """The same for everything that is read to know what is wanted: manifests, policies, lockfile."""
        if not self._written:
            return
        from runner import manifest
        from runner.limits.policy import over
        from runner.manifest.lock.location import place_of

        found = manifest.discover(paths, apart=False).paths
        self.refuse("the manifest", found)
        policies = over(policy, found)
        self.refuse("the policy", [each.path for each in policies.policies] + [each.path for each in policies.problems])
        if paths:
            self.refuse("the lockfile", [place_of(paths, lockfile)])

    def _refuse_precious(self) -> None:
        for what, paths in _precious(self._settings) if self._written else ():
            self.refuse(what, paths)


_HINT: Final = "name another file"


def _plain_streams() -> Iterator[tuple[object, str]]:
    """The standard streams that a shell sent to a plain file."""
    from runner.core.outfiles import identity_of_descriptor

    for descriptor, name in _STREAMS.items():
        if (identity := identity_of_descriptor(descriptor)) is not None:
            yield identity, name


def _precious(settings: Settings | None) -> Iterator[tuple[str, Iterable[Path | str]]]:
    """What no output may replace, whatever the call is about: ledger and key."""
    from runner.run.settings import KEY_FILE_VARIABLE, LEDGER_VARIABLE, Settings

    if settings is None and (ledger := os.environ.get(LEDGER_VARIABLE)):
        settings = Settings(ledger=ledger)
    keys = [settings.api_key_file if settings else None, os.environ.get(KEY_FILE_VARIABLE)]
    yield "the API key file", [key for key in keys if key]
    if settings is not None:
        yield "a file of the ledger", _ledger_files(settings)


def _ledger_files(settings: Settings) -> list[Path]:
    from runner.ledger.recognise import files_of
    from runner.run.settings import locate, sandbox_folder

    try:
        place = locate(settings)
        if place.url is not None:
            return list(place.path.glob("*"))
        own = [sandbox_folder(settings) / "account.jsonl"] if settings.sandbox else []
        return [*files_of(place.path, place.account), *own]
    except (UsageError, ValueError):  # names of ledger or account that whoever opens it refuses
        return []
