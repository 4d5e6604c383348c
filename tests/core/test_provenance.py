"""Who makes a call, and why: told by every system, without a hole for whoever has no name, and without a secret."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys

import pytest

from runner.core.ci import SYSTEMS
from runner.core.errors import UsageError
from runner.core.provenance import LONGEST, Provenance, job_of, plain, provenance_of

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "ann",
    "GITHUB_SHA": "2f1e8a6d7c3b4a5968778695a4b3c2d1e0f1a2b3",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/orders",
    "GITHUB_RUN_ID": "7",
    "USER": "runner",
}

FORGES = {
    "GitHub Actions": (GITHUB, ("ann", GITHUB["GITHUB_SHA"], "refs/heads/main")),
    "GitLab CI": (
        {"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ann", "CI_COMMIT_SHA": "c1", "CI_COMMIT_REF_NAME": "main"},
        ("ann", "c1", "main"),
    ),
    "Gitea Actions": (GITHUB | {"GITEA_ACTIONS": "true"}, ("ann", GITHUB["GITHUB_SHA"], "refs/heads/main")),
    "Forgejo Actions": (GITHUB | {"FORGEJO_ACTIONS": "true"}, ("ann", GITHUB["GITHUB_SHA"], "refs/heads/main")),
    "Bitbucket Pipelines": (
        {
            "BITBUCKET_BUILD_NUMBER": "9",
            "BITBUCKET_STEP_TRIGGERER_UUID": "{6b1d}",
            "BITBUCKET_COMMIT": "c1",
            "BITBUCKET_BRANCH": "main",
        },
        ("{6b1d}", "c1", "main"),
    ),
    "Azure Pipelines": (
        {
            "TF_BUILD": "True",
            "BUILD_REQUESTEDFOR": "Ann Lee",
            "BUILD_SOURCEVERSION": "c1",
            "BUILD_SOURCEBRANCH": "refs/heads/main",
        },
        ("Ann Lee", "c1", "refs/heads/main"),
    ),
    "Jenkins": (
        {"JENKINS_URL": "https://ci/", "BUILD_USER_ID": "ann", "GIT_COMMIT": "c1", "GIT_BRANCH": "origin/main"},
        ("ann", "c1", "origin/main"),
    ),
    "CircleCI": (
        {"CIRCLECI": "true", "CIRCLE_USERNAME": "ann", "CIRCLE_SHA1": "c1", "CIRCLE_BRANCH": "main"},
        ("ann", "c1", "main"),
    ),
    "Woodpecker": (
        {"CI": "woodpecker", "CI_PIPELINE_AUTHOR": "ann", "CI_COMMIT_SHA": "c1", "CI_COMMIT_REF": "refs/heads/main"},
        ("ann", "c1", "refs/heads/main"),
    ),
}


@pytest.mark.parametrize("name", FORGES)
def test_a_forge_says_who_and_why(name: str) -> None:
    """Whoever started the job, the commit and the ref are those that the system names, not the machine's user."""
    environ, (actor, commit, ref) = FORGES[name]
    assert name in {system.name for system in SYSTEMS}
    by = provenance_of(environ)
    assert (by.actor, by.commit, by.ref) == (actor, commit, ref)
    assert by.source in environ


def test_who_runs_a_job_again_bought() -> None:
    """On GitHub the one who pressed the button again is the actor, not the author of the first try."""
    assert provenance_of(GITHUB | {"GITHUB_TRIGGERING_ACTOR": "bob"}).actor == "bob"
    assert provenance_of(GITHUB).job == "https://github.com/acme/orders/actions/runs/7"


def test_variables_handed_on_to_a_container() -> None:
    """Some of a job's variables, without the one that names the system, still say who."""
    assert str(provenance_of({"GITHUB_ACTOR": "ann", "USER": "root"})) == "ann (by GITHUB_ACTOR)"


def test_outside_of_ci_it_is_the_user() -> None:
    """The variables of the system name the user, and nothing tells of a commit."""
    by = provenance_of({"USER": "  ", "LOGNAME": "ann", "USERNAME": "bob"})
    assert by == Provenance(actor="ann", source="LOGNAME")
    assert by.as_json() == {"actor": "ann", "source": "LOGNAME"}


def test_without_variables_the_passwd_file_tells() -> None:
    """A service or cron job without USER has the name of its user."""
    assert provenance_of({}) == Provenance(actor=pwd.getpwuid(os.getuid()).pw_name, source="passwd")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user that nobody has entered")
def test_without_a_passwd_entry_the_number_tells() -> None:
    """A container's user that is in no passwd file, and has no variable, is its number: nothing fails."""
    program = (
        "import os; from runner.core.provenance import provenance_of\n"
        "os.setuid(54321); by = provenance_of({}); print(by.actor, by.source)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "uid 54321 uid\n"


def test_a_name_that_is_given_wins() -> None:
    """`--as` is who did it, whatever the environment says; the rest stays the environment's."""
    by = provenance_of(GITHUB, "Ann Lee")
    assert (by.actor, by.source, by.ref) == ("Ann Lee", "--as", "refs/heads/main")


@pytest.mark.parametrize("text", ["", "  ", "a" * 101, "ann\x1b[31m", "ann\u202eeel", "ann\0"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """A name that is empty, endless, or has what nobody sees is a mistake, and is not made up for."""
    with pytest.raises(UsageError, match="--as: that is no name"):
        provenance_of({}, text)


def test_a_secret_in_place_of_a_name_is_refused_unseen() -> None:
    """A token that was given for a name appears in no message."""
    for environ, text in (({}, "ghp_" + "a" * 36), ({"MY_TOKEN": "hunter2hunter2"}, "hunter2hunter2")):
        with pytest.raises(UsageError, match="looks like a secret") as caught:
            provenance_of(environ, text)
        assert text not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ann\r\n::error::x", "ann ::error::x"),
        ("\x1b]0;owned\x07ann", "]0;ownedann"),
        ("\u202eann\u200b", "ann"),
        ("an\ud800n", "ann"),
        ("ann\u2028bob\tcid", "ann bob cid"),
    ],
)
def test_strangers_text_is_one_plain_line(text: str, kept: str) -> None:
    """Control characters, escapes, bidirectional marks and line ends of a display name are gone."""
    assert plain(text) == kept
    assert provenance_of({"GITHUB_ACTIONS": "1", "GITHUB_ACTOR": text}).actor == kept


def test_strangers_text_is_cut() -> None:
    """However long a branch or a name is, no more than a line of it is kept."""
    by = provenance_of(GITHUB | {"GITHUB_ACTOR": "a" * 9999, "GITHUB_REF": "r" * 9999, "GITHUB_SHA": "c" * 9999})
    assert [len(text or "") for text in (by.actor, by.ref, by.commit)] == [100, 200, 100]
    assert len(job_of({"BUILD_URL": "https://ci/" + "j" * 9999}) or "") == LONGEST["job"]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://ann:hunter2@ci.example/job/9/", "https://ci.example/job/9/"),
        ("https://hunter2@ci.example/job/9/", "https://ci.example/job/9/"),
        ("https://ann:hunt@er2@ci.example/job/9/", "https://ci.example/job/9/"),
        ("https://ci/job/9?token=hunter2&buildId=7", "https://ci/job/9?buildId=7"),
        ("https://ci/job/9?buildId=7#access_token=hunter2", "https://ci/job/9?buildId=7"),
        ("https://buildkite/acme/builds/9#0190-46a5", "https://buildkite/acme/builds/9#0190-46a5"),
        ("https://ci/job/ghp_hunter2hunter2hunter2/9", "https://ci/job/***/9"),
        ("https://[broken/job?token=hunter2", "https://[broken/job"),
        ("orders 9 api_key=hunter2", "orders 9 ***"),
        ("ann:hunter2@ci/job", "ci/job"),
    ],
)
def test_a_link_to_a_job_lets_nobody_in(url: str, kept: str) -> None:
    """Logins, tickets and tokens in a link are cut out; what finds the job stays."""
    assert job_of({"JENKINS_URL": "x", "BUILD_URL": url}) == kept


def test_a_ref_and_an_actor_let_nobody_in() -> None:
    """Nor do branch and display name: a token, a login, or what a variable of a secret holds is masked."""
    secret = "s3cr3t-value-of-ci"
    environ = GITHUB | {
        "DEPLOY_TOKEN": secret,
        "GITHUB_REF": f"refs/heads/{secret}",
        "GITHUB_ACTOR": "ann https://x:hunter2@evil/",
        "GITHUB_SHA": "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
    }
    by = provenance_of(environ)
    assert (by.ref, by.actor, by.commit) == ("refs/heads/***", "ann https://evil/", "***")
    assert "hunter2" not in repr(by)
    assert secret not in repr(by)


def test_it_is_read_back_as_it_was_written() -> None:
    """What a ledger has of it makes the same again; what it never has makes nothing."""
    by = provenance_of(GITHUB)
    assert Provenance.of_json(by.as_json()) == by
    for content in (None, "ann", {}, {"actor": "ann"}, {"actor": 1, "source": "x"}):
        assert Provenance.of_json(content) is None


def test_every_system_that_tells_names_a_variable_once() -> None:
    """No system names a variable twice, and all are names of variables."""
    for system in SYSTEMS:
        names = (*system.actors, *system.commits, *system.refs)
        assert len(set(names)) == len(names), system.name
        assert all(name.isidentifier() for name in names), system.name
