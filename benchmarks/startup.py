"""How long the command takes to begin: whole processes, side by side with a bare click program.

    python benchmarks/startup.py [--rounds 25] [--python PYTHON]

The bare program has as many commands, options and words of help as order-runner, all made when it is imported, and
does nothing: its `--help` is what a click program of this size costs. `python -c pass` is shown for scale. Rounds are
interleaved, so that a busy moment of the machine hits everyone; a figure is the median of its rounds. Exit 1 where a
target is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "samples" / "ipv4.yaml"
MAX_HELP = 1.5
"""`--help` may take this many times the bare program's."""
MAX_VALIDATE = 2.2
"""`validate` of one small file may take this many times the bare program's `--help`."""
MAX_STATUS = 4.0
"""The same for `status` of a new ledger."""
MAX_PLAN = 8.0
"""The same for `plan --sandbox` of one order, which begins with an emulator of the vendor."""
MIN_ROUNDS = 15
PLAN = ("plan", "--sandbox", str(SAMPLE), "--only", "fr-prices")
BARE = "bare click --help"


@dataclass(slots=True, kw_only=True)
class Program:
    """One command line, and what its rounds took: wall and CPU seconds."""

    name: str
    argv: Sequence[str]
    most: float | None = None
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, env: dict[str, str]) -> None:
        """One round."""
        started = time.perf_counter()
        process = subprocess.Popen(self.argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        self.wall.append(time.perf_counter() - started)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(self.argv)} left with {process.returncode}")


def main() -> int:
    """Measure, print the table, judge."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "bare"
        package.mkdir()
        (package / "__main__.py").write_text("from bare.cli import cli\n\ncli()\n")
        (package / "cli.py").write_text("\n".join(bare_program()))
        env = {**os.environ, "PYTHONPATH": os.pathsep.join((folder, str(ROOT)))}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        env |= {
            "XDG_STATE_HOME": folder,
            "XDG_CACHE_HOME": folder,
            "ORDER_RUNNER_LEDGER": f"{folder}/ledger.db",
            "USER": "somebody",
        }
        subprocess.run(
            (arguments.python, "-m", "runner", "ledger", "init", "--account", "default"),
            env=env,
            check=True,
            capture_output=True,
        )
        programs = _programs(arguments.python)
        for program in programs:  # writes the byte code
            program.run(env)
            program.wall.clear()
            program.cpu.clear()
        for _ in range(arguments.rounds):
            for program in programs:
                program.run(env)
    return _judge(programs, arguments.rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Start-up of order-runner against a bare click program.")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--python", default=sys.executable, help="the interpreter all of them run in")
    arguments = parser.parse_args()
    if arguments.rounds < MIN_ROUNDS:
        parser.error(f"fewer than {MIN_ROUNDS} rounds say little")
    return arguments


def _programs(python: str) -> list[Program]:
    runner = (python, "-m", "runner")
    programs = [
        Program(name="python -c pass", argv=(python, "-c", "pass")),
        Program(name=BARE, argv=(python, "-m", "bare", "--help")),
        Program(name="python -m runner --help", argv=(*runner, "--help"), most=MAX_HELP),
        Program(name="python -m runner validate", argv=(*runner, "validate", str(SAMPLE)), most=MAX_VALIDATE),
        Program(name="python -m runner status", argv=(*runner, "status"), most=MAX_STATUS),
        Program(name="python -m runner plan --sandbox", argv=(*runner, *PLAN), most=MAX_PLAN),
    ]
    script = Path(python).parent / "order-runner"
    if script.exists():
        programs.append(Program(name="order-runner --help", argv=(str(script), "--help"), most=MAX_HELP))
        programs.append(
            Program(name="order-runner validate", argv=(str(script), "validate", str(SAMPLE)), most=MAX_VALIDATE)
        )
    return programs


def bare_program() -> Iterator[str]:
    """A click program with the commands, options and words of order-runner, and nothing behind them."""
    sys.path.insert(0, str(ROOT))
    from runner.cli import cli

    context = click.Context(cli)
    yield "import click\n\n"
    yield f"@click.group(epilog={cli.epilog!r})"
    yield "@click.version_option('1.0')"
    yield f"def cli():\n    {cli.help!r}\n\n"
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None  # noqa: S101 - it was listed
        yield f"@cli.command({name!r}, short_help={command.get_short_help_str(200)!r})"
        yield from map(_parameter, command.params)
        yield f"def command_{name}(**values):\n    {command.help!r}\n\n"


def _parameter(parameter: click.Parameter) -> str:
    if not isinstance(parameter, click.Option):
        return f"@click.argument({parameter.name!r}, nargs={parameter.nargs}, required={parameter.required})"
    names = [*parameter.opts, parameter.name]
    kind = f"is_flag={parameter.is_flag}, multiple={parameter.multiple}"
    return f"@click.option(*{names!r}, {kind}, envvar={parameter.envvar!r}, help={parameter.help!r})"


def _judge(programs: Sequence[Program], rounds: int) -> int:
    """Print the table; 1 where a target is missed."""
    bare = next(program for program in programs if program.name == BARE)
    missed = False
    print(f"Medians of {rounds} interleaved rounds.\n")
    print("| program | wall, ms | CPU, ms | times bare click | at most | |")
    print("|---|---:|---:|---:|---:|---|")
    for program in programs:
        ratio = median(program.wall) / median(bare.wall)
        figures = f"{1000 * median(program.wall):.0f} | {1000 * median(program.cpu):.0f} | {ratio:.2f}"
        if program.most is None:
            print(f"| `{program.name}` | {figures} | | |")
        else:
            kept = ratio <= program.most
            missed = missed or not kept
            print(f"| `{program.name}` | {figures} | {program.most:g} | {'kept' if kept else 'MISSED'} |")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
