"""The workflows of `init` as three CI systems would run them: their shell steps, word for word, on this machine.

What the systems do is played: events, secrets, outputs, conditions, and `pip`, `gh` and `python3 -m venv` as programs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
exec "@PYTHON@" "@COMMAND@" "$@"
"""
"""Our command on PATH. Nobody waits a quarter of an hour for the vendor of the tests."""

COMMAND: Final = "import sys\nfrom runner.__main__ import main\nsys.exit(main())\n"
"""The command as pip installs it: a script, so that Python looks for modules where the script is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A script and how it is run. `always`: also after a failure; `condition`: more that must hold, on GitHub."""

    name: str
    script: str
    shell: tuple[str, ...] = ("bash", "-c")
    env: Mapping[str, str] = field(default_factory=dict)
    always: bool = False
    condition: str = ""
    folder: str = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Steps in order, and what is kept of them, whatever happens: patterns of files, from the checkout."""

    steps: tuple[Step, ...]
    env: Mapping[str, str]
    keeps: tuple[str, ...]


# -- GitHub Actions


def github(name: str) -> Job:
    """A job of the workflow; its upload must be unconditional."""
    job = GITHUB["jobs"][name]
    (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "always()"
    steps = [
        Step(
            name=step.get("id", step["name"]),
            script=step["run"],
            shell=("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"),
            env=step.get("env", {}),
            always="always()" in step.get("if", ""),
            condition=step.get("if", "").removeprefix("always()").removeprefix(" && "),
            folder=step.get("working-directory", "."),
        )
        for step in job["steps"]
        if "run" in step
    ]
    return Job(
        steps=tuple(steps),
        env={**GITHUB["env"], **job.get("env", {})},
        keeps=tuple(f"{path}/*" for path in upload["with"]["path"].split("\n")),
    )


def holds(condition: str, outputs: Mapping[str, str]) -> bool:
    """Whether a step's output is one of those that a condition lists; AssertionError for another condition."""
    if not condition:
        return True
    asked = re.fullmatch(r"contains\(fromJSON\('(\[[^']+\])'\), ([\w.]+)\)", condition)
    assert asked, f"a condition that is not played: {condition}"
    return outputs.get(asked[2]) in json.loads(asked[1])


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
    block = next(called(groovy().root_node, "stages"))
    (found,) = [node for node in called(block, "stage") if text_of(next(strings(node))) == name]
    return found


def parts(name: str) -> list[str]:
    """The stages inside of a stage."""
    return [text_of(next(strings(node))) for node in called(stage(name), "stage")][1:]


def steps_of(name: str) -> Iterator[Step]:
    """The shell steps of a stage without stages, each with the stage's credentials."""
    secret = dict.fromkeys(re.findall(rb"([A-Z_]+) = credentials\(", stage(name).text or b""), "secret")
    env = {variable.decode(): value for variable, value in secret.items()}
    for node in called(stage(name), "sh"):
        yield Step(name=name, script=text_of(next(strings(node))), shell=("sh", "-xec"), env=env)


def jenkins(name: str) -> Job:
    """A stage, after the stage that installs; a failing step ends the stage, and `post` keeps what there is."""
    (post,) = called(groovy().root_node, "post")
    (always,) = called(post, "always")
    keeps = [text_of(node) for call in ("junit", "archiveArtifacts") for node in strings(next(called(always, call)))]
    variables = dict(re.findall(r"^ +([A-Z_]+) = '([^']*)'", JENKINSFILE, re.MULTILINE))
    return Job(
        steps=tuple(step for part in ("install", *(parts(name) or (name,))) for step in steps_of(part)),
        env=variables,
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
    output: str = ""
    kept: set[str] = field(default_factory=set)

    def set_up(self) -> None:
        """The programs of a CI machine; and the ledger, which a person makes once."""
        self.world.make_ledger("--account", "main")
        self.bin.mkdir()
        later = " ".join(f"{command}/{fmt}" for command, fmt in LATER)
        command = self.bin / "order_runner.py"
        command.write_text(COMMAND)
        shim = SHIM.replace("@LATER@", later).replace("@PYTHON@", sys.executable).replace("@COMMAND@", str(command))
        (self.bin / "order-runner").write_text(shim)
        self._program("gh", [sys.executable, "-I", str(HERE / "played_gh.py"), str(self.bin / "gh.json")])
        self._program("python", [sys.executable])
        (self.bin / "pip").write_text(f'#!/bin/sh\necho "$*" >> "{self.bin}/pip.txt"\nenv >> "{self.bin}/pip.env"\n')
        (self.bin / "python3").write_text(
            f'#!/bin/sh\nif [ "$1 $2 $3" = "-I -m venv" ]; then mkdir -p "$4/bin" && '
            f'ln -sf "{self.bin}/pip" "{self.bin}/order-runner" "$4/bin"; else exec "{sys.executable}" "$@"; fi\n'
        )
        for name in ("order-runner", "pip", "python3"):
            (self.bin / name).chmod(0o755)

    def _program(self, name: str, command: list[str]) -> None:
        words = " ".join(f'"{word}"' for word in command)
        (self.bin / name).write_text(f'#!/bin/sh\nenv >> "{self.bin}/{name}.env"\nexec {words} "$@"\n')
        (self.bin / name).chmod(0o755)

    @property
    def temp(self) -> Path:
        """GitHub's folder of a job, outside the checkout."""
        return self.bin.with_name("temp")

    @property
    def out(self) -> Path:
        """Where the last job has put what it wrote."""
        return (self.temp if self.system == "github" else self.world.root) / "out"

    @property
    def report(self) -> str:
        """The report of the last job."""
        return str(self.out / "report.json")

    @property
    def gh(self) -> Any:
        """What is on GitHub."""
        return json.loads((self.bin / "gh.json").read_text())

    @property
    def comments(self) -> list[str]:
        """What the workflow has written under the pull request, and nobody else has."""
        if self.system == "gitlab":
            return [note["body"] for note in self.notes if note["author"]["id"] == ME_AT_GITLAB]
        return [comment["body"] for comment in self.gh["comments"]] if (self.bin / "gh.json").exists() else []

    def environment_of(self, program: str) -> str:
        """All variables that calls of `gh`, `pip` or `python` were given."""
        noted = self.bin / f"{program}.env"
        return noted.read_text() if noted.exists() else ""

    def job(self, name: str) -> bool:
        """Whether every step of it ended well. After a failure only those are run that always are."""
        job = JOBS[self.system](name)
        good, self.output, self.outputs = True, "", {}
        shutil.rmtree(self.temp, ignore_errors=True)
        self.temp.mkdir()
        for step in job.steps:
            if (good or step.always) and holds(step.condition, self.outputs):
                good = self._step(job, step) and good
        self.kept = {path.name for pattern in job.keeps for path in self._matching(pattern)}
        self.log += self.output
        return good

    def _matching(self, pattern: str) -> Iterator[Path]:
        """The files that a CI system would keep, links followed."""
        whole = self.world.root / self._value("", pattern)
        return (path for path in whole.parent.glob(whole.name) if path.is_file())

    def _step(self, job: Job, step: Step) -> bool:
        output, summary = self.bin / "output", self.bin / "summary.md"
        output.write_text("")
        summary.touch()
        changes: dict[str, str | None] = {"PROXY_SELLER_API_KEY": None, "ORDER_RUNNER_LEDGER": None, "CI": "true"}
        changes |= {name: self._value(name, value) for name, value in {**job.env, **step.env}.items()}
        changes["PATH"] = os.pathsep.join((str(self.bin), os.environ["PATH"]))
        if self.system == "github":
            changes |= {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
            changes |= {"RUNNER_TEMP": str(self.temp)}
        done = subprocess.run(
            [*step.shell, step.script],
            cwd=self.world.root / self._value("", step.folder),
            env=self.world.environment(**changes) | dict(self.extra),
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        self.output += f"-- {step.name}: {done.returncode}\n{done.stdout}{done.stderr}"
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
            "runner.temp": str(self.temp),
            "github.event.pull_request.number": "7",
            **self.outputs,
        }
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: variables.get(found[1], ""), text)
