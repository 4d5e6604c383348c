"""`python -m tests.acceptance.looking`: tells, as JSON, how its process looks from inside; with an argument, ends so."""
# ruff: noqa: T201 - it is there to say something

from __future__ import annotations

import atexit
import json
import locale
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn


def looks() -> Mapping[str, Any]:
    """All that a command could tell a warm start from a cold one by, and must not."""
    mask = os.umask(0)
    os.umask(mask)
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return {
        "name": __name__,
        "arguments": (sys.argv, sys.orig_argv[1:], str(sys.flags)),
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "path": sys.path,
        "umask": mask,
        "open": [name for name in os.listdir("/proc/self/fd") if Path(f"/proc/self/fd/{name}").exists()],  # noqa: PTH208
        "read": sys.stdin.read(),
        "streams": [(s.encoding, s.errors, s.line_buffering, s.write_through, s.isatty()) for s in streams],
        "signals": [str(signal.getsignal(number)) for number in sorted(signal.Signals)],
        "blocked": list(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "limits": [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")],
        "locale": (locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(), sys.getfilesystemencoding()),
        "zone": (time.tzname, time.timezone),
        "warnings": [(found[0], str(found[2])) for found in warnings.filters],
        "threads": (threading.active_count(), threading.current_thread() is threading.main_thread()),
        "owner": (os.getpgrp(), os.getsid(0), os.getuid(), os.getgid(), os.nice(0)),
    }


def raised(error: BaseException) -> NoReturn:
    raise error


def last_words() -> None:
    """Said after the main program has ended: by a thread it did not wait for, then at exit."""
    atexit.register(print, "at exit")
    threading.Thread(target=lambda: (time.sleep(0.1), print("from a thread"))).start()


def warn() -> None:
    warnings.warn("somebody was warned", DeprecationWarning, stacklevel=2)


ENDS: Final[Mapping[str, Callable[[], object]]] = {
    "returns": lambda: None,
    "0": lambda: sys.exit(0),
    "7": lambda: sys.exit(7),
    "256": lambda: sys.exit(256),
    "none": sys.exit,
    "text": lambda: sys.exit("no"),
    "error": lambda: raised(ValueError("no")),
    "interrupt": lambda: raised(KeyboardInterrupt()),
    "SIGINT": lambda: os.kill(os.getpid(), signal.SIGINT),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "closed": sys.stdout.close,
    "full": lambda: (print("lost"), os.dup2(os.open("/dev/full", os.O_WRONLY), 1)),
    "last words": last_words,
    "warned": warn,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print("said before the end", flush=True)
        ENDS[sys.argv[1]]()
    else:
        print(json.dumps(looks()))
