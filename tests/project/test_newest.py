"""`python -m tests.newest` asks for every dependency, and pins what is pinned."""

from __future__ import annotations

import tomllib

from tests.newest import ROOT, Dependency, dependencies


def test_every_way_to_write_a_requirement_is_understood() -> None:
    """Extras, markers and spaces aside, each name comes with its range; the project itself is no dependency of its own."""
    project = {
        "name": "ours",
        "dependencies": ["Click>=8.4,<9", "bare"],
        "optional-dependencies": {
            "a": ["psycopg[binary,pool] >=3.2,<4 ; python_version < '3.13'"],
            "b": ["ours[a]", "x.y_z==1.0"],
        },
    }
    expected = {
        "click": Dependency("Click", ">=8.4,<9"),
        "bare": Dependency("bare", ""),
        "psycopg": Dependency("psycopg[binary,pool]", ">=3.2,<4"),
        "x-y-z": Dependency("x.y_z", "==1.0"),
    }
    assert dependencies({"project": project}) == expected


def test_our_own_dependencies_are_all_there() -> None:
    """Those that users get, those of the extras and those of the tests."""
    ours = dependencies(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    assert ours.keys() >= {"click", "psycopg", "sphinx", "pytest", "ruff"}
    assert ours["proxy-seller-user-api"].admits.startswith("==")
