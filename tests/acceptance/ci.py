"""The workflows of `init` as three CI systems would run them: their shell steps, word for word, on this machine.

What the systems do is played: events, secrets, outputs, conditions, and `pip`, `gh` and `python3 -m venv` as programs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import tree_sitter
import tree_sitter_groovy
import yaml
from harness import CANARY, REPO, World

from runner.starter import SYSTEMS, Wish, files

ME_AT_GITLAB: Final = 5
HERE: Final = Path(__file__).parent
CHOICE: Final = Wish(types=("ipv4", "resident"), systems=tuple(SYSTEMS), pre_commit=True, vscode=True)
FILES: Final = files(CHOICE)
GITHUB: Final[dict[str, Any]] = yaml.load(FILES[SYSTEMS["github"]], Loader=yaml.BaseLoader)
GITLAB: Final[dict[str, Any]] = yaml.load(FILES[SYSTEMS["gitlab"]], Loader=yaml.BaseLoader)
JENKINSFILE: Final = FILES[SYSTEMS["jenkins"]]

ASKED: Final = tuple(
    (command, *asked)
    for system in SYSTEMS.values()
    for command, rest in re.findall(r"order-runner (\w+) ([^\n]*)", FILES[system].replace("\\\n", " "))
    for asked in re.findall(r"-f (\w+)(?:=(\S+))?", rest)
)
"""Every format that the workflows ask for: command, format, and the file it goes to, if it does."""

FORMATS: Final = frozenset((command, fmt) for command, fmt, _ in ASKED)
KNOWN: Final = {
    command: set(re.findall(r"`(\w+)`", formats))
    for command, formats in re.findall(
        r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", (REPO / "docs" / "cli.md").read_text(), re.MULTILINE
    )
}
LATER: Final = frozenset((command, fmt) for command, fmt in FORMATS if fmt not in KNOWN.get(command, set()))
"""Formats that this build does not have yet: played steps leave them out."""

LATER_FILES: Final = frozenset(path for command, fmt, path in ASKED if (command, fmt) in LATER)

SHIM: Final = """\
#!/bin/sh
command=$1 count=$#
while [ "$count" -gt 0 ]; do
  word=$1 && shift && count=$((count - 1))
  if [ "$word" = -f ]; then
    case " @LATER@ " in *" $command/${1%%=*} "*) shift; count=$((count - 1)); continue ;; esac
  fi
  if [ "$word" = 15m ]; then word=0s; fi
  set -- "$@" "$word"
done
exec "@PYTHON@" -m runner "$@"
"""
"""Our command on PATH. Nobody waits a quarter of an hour for the vendor of the tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A script and how it is run. `always`: also after a failure; `needs`: only with that file."""

    name: str
    script: str
    shell: tuple[str, ...] = ("bash", "-c")
    env: Mapping[str, str] = field(default_factory=dict)
    always: bool = False
    needs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Steps in order, and what is kept of them, whatever happens: patterns of files."""

    steps: tuple[Step, ...]
    env: Mapping[str, str]
    keeps: tuple[str, ...]


# -- GitHub Actions


def github(name: str) -> Job:
    """A job of the workflow; its upload must be unconditional."""
    job = GITHUB["jobs"][name]
    (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "always()"
    steps = []
    for step in job["steps"]:
        condition = step.get("if", "")
        named = re.search(r"hashFiles\('([^']+)'\)", condition)
        if "run" in step:
            steps.append(
                Step(
                    name=step.get("id", step["name"]),
                    script=step["run"],
                    shell=("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"),
                    env=step.get("env", {}),
                    always="always()" in condition,
                    needs=named and named[1],
                )
            )
    return Job(
        steps=tuple(steps),
        env={**GITHUB["env"], **job.get("env", {})},
        keeps=tuple(upload["with"]["path"].split()),
    )


# -- GitLab CI


def gitlab(name: str) -> Job:
    """A job of the pipeline: one script, as the runner puts it together."""
    job = GITLAB[name]
    assert job["artifacts"]["when"] == "always"
    script = "\n".join(["set -eo pipefail", *GITLAB["default"]["before_script"], *job["script"]])
    keeps = (*job["artifacts"].get("paths", ()), job["artifacts"]["reports"]["junit"])
    secret = {"ORDER_RUNNER_LEDGER": "secret", "PROXY_SELLER_API_KEY": "secret", "COMMENT_TOKEN": "secret"}
    return Job(
        steps=(Step(name=name, script=script),),
        env={**GITLAB["variables"], **(secret if "environment" in job else {})},
        keeps=keeps,
    )


# -- Jenkins


def groovy() -> tree_sitter.Tree:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_groovy.language()))
    return parser.parse(JENKINSFILE.encode())


def text_of(node: tree_sitter.Node) -> str:
    """The value of a Groovy string as Groovy reads it: these files know two escapes."""
    found = (node.text or b"").decode()
    inner = found[3:-3] if found.startswith("'''") else found[1:-1]
    return re.sub(r"\\(.|\n)", lambda escape: "" if escape[1] == "\n" else escape[1], inner)


def called(node: tree_sitter.Node, name: str) -> Iterator[tree_sitter.Node]:
    """Calls of `name` anywhere below, in order, with what they are given."""
    first = node.children[0] if node.children else None
    if node.type in ("juxt_function_call", "method_invocation") and first is not None and first.text == name.encode():
        yield node
    for child in node.children:
        yield from called(child, name)


def strings(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    if node.type in ("string_literal", "character_literal"):
        yield node
        return
    for child in node.children:
        yield from strings(child)


def stage(name: str) -> tree_sitter.Node:
    (block,) = called(groovy().root_node, "stages")
    (found,) = [node for node in called(block, "stage") if text_of(next(strings(node))) == name]
    return found


def jenkins(name: str) -> Job:
    """A stage, after the stage that installs; a failing step ends the stage, and `post` keeps what there is."""
    scripts = [text_of(next(strings(node))) for part in ("install", name) for node in called(stage(part), "sh")]
    (post,) = called(groovy().root_node, "post")
    (always,) = called(post, "always")
    keeps = [text_of(node) for call in ("junit", "archiveArtifacts") for node in strings(next(called(always, call)))]
    source = (stage(name).text or b"").decode()
    variables = dict(re.findall(r"^ +([A-Z_]+) = '([^']*)'", JENKINSFILE, re.MULTILINE))
    secret = dict.fromkeys(re.findall(r"([A-Z_]+) = credentials\(", source), "secret")
    return Job(
        steps=tuple(Step(name=name, script=script, shell=("sh", "-xec")) for script in scripts),
        env={**variables, **secret},
        keeps=tuple(pattern.strip() for text in keeps for pattern in text.split(",")),
    )


JOBS: Final = {"github": github, "gitlab": gitlab, "jenkins": jenkins}


# -- running them


@dataclass(slots=True, kw_only=True)
class Machine:
    """Runs jobs in the folder of a world. `log` is all that was said, `kept` what the last job left to look at."""

    world: World
    bin: Path
    system: str
    extra: Mapping[str, str] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    said: str = ""
    kept: set[str] = field(default_factory=set)

    def set_up(self) -> None:
        """The programs of a CI machine; and the ledger, which a person makes once."""
        self.world.make_ledger("--account", "main")
        self.bin.mkdir()
        later = " ".join(f"{command}/{fmt}" for command, fmt in LATER)
        (self.bin / "order-runner").write_text(SHIM.replace("@LATER@", later).replace("@PYTHON@", sys.executable))
        self._program("gh", [sys.executable, str(HERE / "played_gh.py"), str(self.bin / "gh.json")])
        self._program("python", [sys.executable])
        (self.bin / "pip").write_text(f'#!/bin/sh\necho "$*" >> "{self.bin}/pip.txt"\n')
        (self.bin / "python3").write_text(
            f'#!/bin/sh\nif [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin" && '
            f'ln -sf "{self.bin}/pip" "{self.bin}/order-runner" "$3/bin"; else exec "{sys.executable}" "$@"; fi\n'
        )
        for name in ("order-runner", "pip", "python3"):
            (self.bin / name).chmod(0o755)

    def _program(self, name: str, command: list[str]) -> None:
        (self.bin / name).write_text("#!/bin/sh\nexec " + " ".join(f'"{word}"' for word in command) + ' "$@"\n')
        (self.bin / name).chmod(0o755)

    @property
    def gh(self) -> Any:
        """What is on GitHub."""
        return json.loads((self.bin / "gh.json").read_text())

    @property
    def comments(self) -> list[str]:
        """What the workflow has written under the pull request, and nobody else has."""
        if self.system == "gitlab":
            return [note["body"] for note in self.notes if note["author"]["id"] == ME_AT_GITLAB]
        return [comment["body"] for comment in self.gh["comments"]]

    def job(self, name: str) -> bool:
        """Whether every step of it ended well. After a failure only those are run that always are."""
        job = JOBS[self.system](name)
        good, before, self.said = True, self._files(), ""
        for step in job.steps:
            if (good or step.always) and (step.needs is None or (self.world.root / step.needs).exists()):
                good = self._step(job, step) and good
        now = {path for path, stamp in self._files().items() if before.get(path) != stamp}
        self.kept = {path for path in now if any(fnmatch(path, pattern) for pattern in job.keeps)}
        self.log += self.said
        return good

    def _files(self) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in self.world.root.iterdir() if path.is_file()}

    def _step(self, job: Job, step: Step) -> bool:
        output, summary = self.bin / "output", self.bin / "summary.md"
        output.write_text("")
        summary.touch()
        changes: dict[str, str | None] = {"PROXY_SELLER_API_KEY": None, "ORDER_RUNNER_LEDGER": None, "CI": "true"}
        changes |= {name: self._value(name, value) for name, value in {**job.env, **step.env}.items()}
        changes["PATH"] = os.pathsep.join((str(self.bin), os.environ["PATH"]))
        if self.system == "github":
            changes |= {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        done = subprocess.run(
            [*step.shell, step.script],
            cwd=self.world.root,
            env=self.world.environment(**changes) | dict(self.extra),
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        self.said += f"-- {step.name}: {done.returncode}\n{done.stdout}{done.stderr}"
        for name, _, value in (line.partition("=") for line in output.read_text().splitlines()):
            self.outputs[f"steps.{step.name}.outputs.{name}"] = value
        return done.returncode == 0

    def _value(self, name: str, text: str) -> str:
        """A value with secrets and expressions filled in; KeyError for one that nobody plays."""
        secrets = {"PROXY_SELLER_API_KEY": CANARY, "ORDER_RUNNER_LEDGER": str(self.world.ledger)}
        if text == "secret":
            return secrets.get(name, "token")
        variables = {
            **{f"secrets.{secret}": value for secret, value in secrets.items()},
            "github.token": "token",
            "github.repository": "example/orders",
            "github.server_url": "https://github.com",
            "github.run_id": "1",
            "github.event.pull_request.number": "7",
            **self.outputs,
        }
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: variables.get(found[1], ""), text)
