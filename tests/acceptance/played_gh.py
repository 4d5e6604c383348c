"""GitHub's command line as the workflows use it, with a file for a memory: comments, issues, labels. No network.

Run as a program: `python played_gh.py STATE ARGUMENT...`. What it does not know ends with 64.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ME = "github-actions[bot]"
WANTED = re.compile(
    r'^\.\[\] \| select\(\.user\.login == "([^"]+)" and \(\.body \| startswith\("([^"]+)"\)\)\) \| \.id$'
)
EMPTY: dict[str, Any] = {"comments": [], "issues": [], "labels": [], "calls": []}


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def api(state: dict[str, Any], arguments: list[str]) -> str:
    if "user" in arguments:
        return f"{ME}\n"
    (path,) = [argument for argument in arguments if argument.startswith("repos/")]
    if "--method" not in arguments:
        found = WANTED.match(option(arguments, "--jq"))
        assert found, "a question that is not played"
        hits = [c["id"] for c in state["comments"] if c["user"] == found[1] and c["body"].startswith(found[2])]
        return "".join(f"{number}\n" for number in hits)
    body = Path(option(arguments, "-F").removeprefix("body=@")).read_text()
    if option(arguments, "--method") == "POST":
        assert re.fullmatch(r"repos/example/orders/issues/7/comments", path)
        state["comments"].append({"id": 100 + len(state["comments"]), "user": ME, "body": body})
    else:
        (hit,) = [comment for comment in state["comments"] if path.endswith(f"/issues/comments/{comment['id']}")]
        hit["body"] = body
    return ""


def issue(state: dict[str, Any], arguments: list[str]) -> str:
    match arguments[0]:
        case "list":
            return "".join(f"{one['number']}\n" for one in state["issues"] if one["open"])
        case "create":
            assert option(arguments, "--label") in state["labels"]
            body = Path(option(arguments, "--body-file")).read_text()
            state["issues"].append({"number": 1 + len(state["issues"]), "open": True, "body": body})
            return ""
    (hit,) = [one for one in state["issues"] if str(one["number"]) == arguments[1]]
    if arguments[0] == "close":
        hit["open"] = False
    else:
        hit["body"] = Path(option(arguments, "--body-file")).read_text()
    return ""


def answer(state: dict[str, Any], arguments: list[str]) -> str:
    match arguments:
        case ["api", *rest]:
            return api(state, rest)
        case ["issue", *rest]:
            return issue(state, rest)
        case ["label", "create", name, *_]:
            state["labels"].append(name)
            return ""
        case ["repo", "view", *_]:
            return "example/orders\n"
    sys.exit(64)


if __name__ == "__main__":
    memory = Path(sys.argv[1])
    remembered = json.loads(memory.read_text()) if memory.exists() else EMPTY
    remembered["calls"].append(sys.argv[2:])
    sys.stdout.write(answer(remembered, sys.argv[2:]))
    memory.write_text(json.dumps(remembered))
