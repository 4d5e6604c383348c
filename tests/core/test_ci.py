"""CI systems are known by what they set."""

from __future__ import annotations

import re

import pytest

from runner.core.ci import SYSTEMS, System, folders_of, job_of, sign_of, system_of

JOBS = {
    "GitHub Actions": (
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/orders",
            "GITHUB_RUN_ID": "7",
        },
        "https://github.com/acme/orders/actions/runs/7",
    ),
    "Gitea Actions": (
        {
            "GITHUB_ACTIONS": "true",
            "GITEA_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://git.example",
            "GITHUB_REPOSITORY": "acme/orders",
            "GITHUB_RUN_ID": "900",
            "GITHUB_RUN_NUMBER": "7",
        },
        "https://git.example/acme/orders/actions/runs/7",
    ),
    "GitLab CI": ({"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab/x/-/jobs/9"}, "https://gitlab/x/-/jobs/9"),
    "Azure Pipelines": (
        {
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
            "SYSTEM_TEAMPROJECT": "orders",
            "BUILD_BUILDID": "9",
        },
        "https://dev.azure.com/acme/orders/_build/results?buildId=9",
    ),
    "TeamCity": (
        {
            "TEAMCITY_VERSION": "2025.03",
            "TEAMCITY_PROJECT_NAME": "Acme",
            "TEAMCITY_BUILDCONF_NAME": "Orders",
            "BUILD_NUMBER": "9",
        },
        "Acme Orders 9",
    ),
    "Jenkins": ({"JENKINS_HOME": "/var/jenkins", "BUILD_URL": "https://ci/job/9/"}, "https://ci/job/9/"),
    "Bamboo": ({"bamboo_agentId": "3", "bamboo_buildResultsUrl": "https://bamboo/ACME-9"}, "https://bamboo/ACME-9"),
    "GoCD": (
        {
            "GO_PIPELINE_NAME": "orders",
            "GO_PIPELINE_COUNTER": "9",
            "GO_STAGE_NAME": "buy",
            "GO_STAGE_COUNTER": "1",
            "GO_JOB_NAME": "apply",
        },
        "orders/9/buy/1/apply",
    ),
    "AWS CodeBuild": ({"CODEBUILD_BUILD_ARN": "arn:aws:codebuild:x:9"}, "arn:aws:codebuild:x:9"),
    "Buildkite": (
        {"BUILDKITE": "true", "BUILDKITE_BUILD_URL": "https://buildkite/9", "BUILDKITE_JOB_ID": "j"},
        "https://buildkite/9#j",
    ),
    "Bitbucket Pipelines": (
        {"BITBUCKET_BUILD_NUMBER": "9", "BITBUCKET_REPO_FULL_NAME": "acme/orders"},
        "https://bitbucket.org/acme/orders/pipelines/results/9",
    ),
    "Drone": ({"DRONE": "true", "DRONE_BUILD_LINK": "https://drone/9"}, "https://drone/9"),
    "Harness": (
        {"DRONE": "true", "HARNESS_BUILD_ID": "9", "DRONE_BUILD_LINK": "https://harness/9"},
        "https://harness/9",
    ),
    "Woodpecker": ({"CI": "woodpecker", "CI_PIPELINE_URL": "https://woodpecker/9"}, "https://woodpecker/9"),
    "CircleCI": ({"CIRCLECI": "true", "CIRCLE_BUILD_URL": "https://circle/9"}, "https://circle/9"),
    "SourceHut": (
        {"CI_NAME": "sourcehut", "JOB_URL": "https://builds.sr.ht/~a/job/9"},
        "https://builds.sr.ht/~a/job/9",
    ),
}


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_each_system_counts_without_ci(system: System) -> None:
    """Every mark of every system is enough, `CI` unset or denied: a job's disk is thrown away whatever CI says."""
    for mark in system.marks:
        name, _, value = mark.partition("=")
        for more in ({}, {"CI": "false"}) if name != "CI" else ({},):
            environ = {**more, name: value or "true"}
            assert system_of(environ) is system
            assert sign_of(environ) == name
    assert system.source.startswith("https://")


@pytest.mark.parametrize("name", JOBS)
def test_the_job_is_named(name: str) -> None:
    """Whoever has to wait for a job gets its link, or its name where there is no link."""
    environ, job = JOBS[name]
    system = system_of(environ)
    assert system is not None
    assert (system.name, job_of(environ)) == (name, job)


@pytest.mark.parametrize(
    ("environ", "sign"),
    [
        ({}, None),
        ({"CI": ""}, None),
        ({"CI": "0"}, None),
        ({"CI": "False"}, None),
        ({"CI": "false", "GITHUB_ACTIONS": "false", "TF_BUILD": ""}, None),
        ({"BUILD_NUMBER": "7", "WORKSPACE": "/home/me", "JOB_URL": "x"}, None),
        ({"CI": "true"}, "CI"),
        ({"CI": "1", "GITHUB_ACTIONS": "true"}, "CI"),
        ({"CI": "false", "CONTINUOUS_INTEGRATION": "true"}, "CONTINUOUS_INTEGRATION"),
        ({"CI": "false", "JENKINS_URL": "https://ci.example"}, "JENKINS_URL"),
    ],
)
def test_what_says_that_this_is_ci(environ: dict[str, str], sign: str | None) -> None:
    """CI, or a system's own variable, which `CI=false` does not outvote; a denied or empty one says nothing."""
    assert sign_of(environ) == sign


def test_a_job_of_an_unknown_system() -> None:
    """Links that several systems spell alike count for one that is not in the table; half a link is none."""
    assert job_of({"CI": "true", "CI_JOB_URL": "https://ci.example/9"}) == "https://ci.example/9"
    assert job_of({"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/orders"}) is None


def test_folders_that_go_with_the_job() -> None:
    """Each system names the folders of its job, and another system's variable says nothing."""
    assert folders_of({"TF_BUILD": "True", "BUILD_SOURCESDIRECTORY": "/agent/1/s"}) == {
        "BUILD_SOURCESDIRECTORY": "/agent/1/s"
    }
    assert folders_of({"TF_BUILD": "True", "GITHUB_WORKSPACE": "/work"}) == {}
    assert folders_of({"GITHUB_WORKSPACE": "/work"}) == {}


def test_names_and_variables_are_each_one_systems() -> None:
    """No two systems share a mark or a name, and what a job is made of are names of variables."""
    marks = [mark for system in SYSTEMS for mark in system.marks]
    names = [system.name for system in SYSTEMS]
    assert len(set(marks)) == len(marks)
    assert len(set(names)) == len(names)
    for system in SYSTEMS:
        assert all(re.fullmatch(r"[^{}]*(?:{\w+}[^{}]*)+", job) for job in system.jobs)
