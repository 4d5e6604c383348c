"""CI systems by the variables they set: whether this is a job of one, which job, and what goes with it.

Several do not set `CI` (Azure Pipelines, TeamCity, Jenkins, Bamboo, GoCD, CodeBuild), and `CI=false` is a common way to
calm other tools in the middle of a job: so a system that names itself counts, whatever `CI` says. Tekton, Argo and
Concourse set nothing by which a step could know them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_NO: Final = frozenset({"", "0", "false", "no", "off"})
_SURE: Final = ("CI", "CONTINUOUS_INTEGRATION", "CI_NAME")
"""What any system may set."""


@dataclass(frozen=True, slots=True)
class System:
    """One CI system. Any of `marks`, a variable or `NAME=value`, shows that this is a job of it.

    `jobs` are links or names of the job, each made of variables; the first that has them all counts. `folders` are the
    variables whose folders go when the job ends. `source` is where the vendor lists them. Of `actors` (who started the
    job or, where nobody tells, made the commit), `commits` and `refs` the first variable that is set counts.
    """

    name: str
    marks: tuple[str, ...]
    jobs: tuple[str, ...]
    folders: tuple[str, ...]
    source: str
    actors: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()


_RUNS: Final = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/"
_GITHUB_FOLDERS: Final = ("GITHUB_WORKSPACE", "RUNNER_TEMP")

SYSTEMS: Final = (
    # These two imitate GitHub Actions, variables included.
    System(
        "Forgejo Actions",
        ("FORGEJO_ACTIONS",),
        (f"{_RUNS}{{GITHUB_RUN_NUMBER}}",),
        _GITHUB_FOLDERS,
        "https://forgejo.org/docs/latest/user/actions/reference/",
        actors=("FORGEJO_ACTOR", "GITHUB_ACTOR"),
        commits=("FORGEJO_SHA", "GITHUB_SHA"),
        refs=("FORGEJO_REF", "GITHUB_REF"),
    ),
    System(
        "Gitea Actions",
        ("GITEA_ACTIONS",),
        (f"{_RUNS}{{GITHUB_RUN_NUMBER}}",),
        _GITHUB_FOLDERS,
        "https://docs.gitea.com/usage/actions/variables",
        actors=("GITHUB_ACTOR",),
        commits=("GITHUB_SHA",),
        refs=("GITHUB_REF",),
    ),
    System(
        "GitHub Actions",
        ("GITHUB_ACTIONS",),
        (f"{_RUNS}{{GITHUB_RUN_ID}}",),
        _GITHUB_FOLDERS,
        "https://docs.github.com/en/actions/reference/variables-reference",
        actors=("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
        commits=("GITHUB_SHA",),
        refs=("GITHUB_REF",),
    ),
    System(
        "GitLab CI",
        ("GITLAB_CI",),
        ("{CI_JOB_URL}",),
        ("CI_PROJECT_DIR", "CI_BUILDS_DIR"),
        "https://docs.gitlab.com/ci/variables/predefined_variables/",
        actors=("GITLAB_USER_LOGIN",),
        commits=("CI_COMMIT_SHA",),
        refs=("CI_COMMIT_REF_NAME",),
    ),
    System(
        "Azure Pipelines",
        ("TF_BUILD", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"),
        (
            "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
            "{BUILD_DEFINITIONNAME} {BUILD_BUILDNUMBER}",
        ),
        ("PIPELINE_WORKSPACE", "AGENT_BUILDDIRECTORY", "BUILD_SOURCESDIRECTORY", "AGENT_TEMPDIRECTORY"),
        "https://learn.microsoft.com/azure/devops/pipelines/build/variables",
        actors=("BUILD_REQUESTEDFOR",),
        commits=("BUILD_SOURCEVERSION",),
        refs=("BUILD_SOURCEBRANCH",),
    ),
    System(
        "TeamCity",
        ("TEAMCITY_VERSION",),
        ("{BUILD_URL}", "{TEAMCITY_PROJECT_NAME} {TEAMCITY_BUILDCONF_NAME} {BUILD_NUMBER}"),
        (),
        "https://www.jetbrains.com/help/teamcity/predefined-build-parameters.html",
        commits=("BUILD_VCS_NUMBER",),
    ),
    System(
        "Jenkins",
        ("JENKINS_URL", "JENKINS_HOME", "JENKINS_SERVER_COOKIE", "HUDSON_URL"),
        ("{BUILD_URL}", "{BUILD_TAG}"),
        ("WORKSPACE", "WORKSPACE_TMP"),
        "https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables",
        actors=("BUILD_USER_ID", "BUILD_USER", "CHANGE_AUTHOR"),
        commits=("GIT_COMMIT",),
        refs=("GIT_BRANCH", "BRANCH_NAME"),
    ),
    System(
        "Bamboo",
        ("bamboo_planKey", "bamboo_agentId"),
        ("{bamboo_buildResultsUrl}", "{bamboo_resultsUrl}", "{bamboo_buildResultKey}"),
        ("bamboo_build_working_directory", "bamboo_agentWorkingDirectory"),
        "https://confluence.atlassian.com/bamboo/bamboo-variables-289277087.html",
        actors=("bamboo_ManualBuildTriggerReason_userName",),
        commits=("bamboo_planRepository_revision",),
        refs=("bamboo_planRepository_branchName",),
    ),
    System(
        "GoCD",
        ("GO_PIPELINE_NAME", "GO_PIPELINE_LABEL"),
        ("{GO_PIPELINE_NAME}/{GO_PIPELINE_COUNTER}/{GO_STAGE_NAME}/{GO_STAGE_COUNTER}/{GO_JOB_NAME}",),
        (),
        "https://docs.gocd.org/current/faq/dev_use_current_revision_in_build.html",
        actors=("GO_TRIGGER_USER",),
        commits=("GO_REVISION",),
    ),
    System(
        "AWS CodeBuild",
        ("CODEBUILD_BUILD_ARN", "CODEBUILD_BUILD_ID"),
        ("{CODEBUILD_PUBLIC_BUILD_URL}", "{CODEBUILD_BUILD_ARN}", "{CODEBUILD_BUILD_ID}"),
        ("CODEBUILD_SRC_DIR",),
        "https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html",
        actors=("CODEBUILD_INITIATOR",),
        commits=("CODEBUILD_RESOLVED_SOURCE_VERSION",),
        refs=("CODEBUILD_WEBHOOK_HEAD_REF",),
    ),
    System(
        "Buildkite",
        ("BUILDKITE",),
        ("{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}", "{BUILDKITE_BUILD_URL}"),
        ("BUILDKITE_BUILD_CHECKOUT_PATH",),
        "https://buildkite.com/docs/pipelines/configure/environment-variables",
        actors=("BUILDKITE_UNBLOCKER", "BUILDKITE_BUILD_CREATOR"),
        commits=("BUILDKITE_COMMIT",),
        refs=("BUILDKITE_TAG", "BUILDKITE_BRANCH"),
    ),
    System(
        "Bitbucket Pipelines",
        ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_COMMIT"),
        ("https://bitbucket.org/{BITBUCKET_REPO_FULL_NAME}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",),
        ("BITBUCKET_CLONE_DIR",),
        "https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/",
        actors=("BITBUCKET_STEP_TRIGGERER_UUID",),
        commits=("BITBUCKET_COMMIT",),
        refs=("BITBUCKET_BRANCH", "BITBUCKET_TAG"),
    ),
    System(
        "Harness",
        ("HARNESS_BUILD_ID",),
        ("{DRONE_BUILD_LINK}", "{HARNESS_PIPELINE_ID} {HARNESS_BUILD_ID}"),
        ("HARNESS_WORKSPACE",),
        "https://developer.harness.io/docs/continuous-integration/use-ci/optimize-and-more/ci-env-var/",
        actors=("DRONE_COMMIT_AUTHOR",),
        commits=("DRONE_COMMIT_SHA",),
        refs=("DRONE_COMMIT_REF",),
    ),
    System(
        "Drone",
        ("DRONE",),
        ("{DRONE_BUILD_LINK}",),
        ("DRONE_WORKSPACE",),
        "https://docs.drone.io/pipeline/environment/reference/",
        actors=("DRONE_COMMIT_AUTHOR",),
        commits=("DRONE_COMMIT_SHA",),
        refs=("DRONE_COMMIT_REF",),
    ),
    System(
        "Woodpecker",
        ("CI=woodpecker", "CI_SYSTEM_NAME=woodpecker"),
        ("{CI_STEP_URL}", "{CI_PIPELINE_URL}", "{CI_BUILD_LINK}"),
        ("CI_WORKSPACE",),
        "https://woodpecker-ci.org/docs/usage/environment",
        actors=("CI_PIPELINE_AUTHOR", "CI_COMMIT_AUTHOR"),
        commits=("CI_COMMIT_SHA",),
        refs=("CI_COMMIT_REF",),
    ),
    System(
        "AppVeyor",
        ("APPVEYOR",),
        ("{APPVEYOR_URL}/project/{APPVEYOR_ACCOUNT_NAME}/{APPVEYOR_PROJECT_SLUG}/builds/{APPVEYOR_BUILD_ID}",),
        ("APPVEYOR_BUILD_FOLDER",),
        "https://www.appveyor.com/docs/environment-variables/",
        actors=("APPVEYOR_REPO_COMMIT_AUTHOR",),
        commits=("APPVEYOR_REPO_COMMIT",),
        refs=("APPVEYOR_REPO_BRANCH",),
    ),
    System(
        "Semaphore",
        ("SEMAPHORE",),
        ("{SEMAPHORE_ORGANIZATION_URL}/jobs/{SEMAPHORE_JOB_ID}", "{SEMAPHORE_JOB_ID}"),
        (),
        "https://docs.semaphoreci.com/reference/env-vars",
        actors=("SEMAPHORE_GIT_COMMITTER",),
        commits=("SEMAPHORE_GIT_SHA",),
        refs=("SEMAPHORE_GIT_REF",),
    ),
    System(
        "Travis CI",
        ("TRAVIS",),
        ("{TRAVIS_JOB_WEB_URL}",),
        ("TRAVIS_BUILD_DIR",),
        "https://docs.travis-ci.com/user/environment-variables/",
        commits=("TRAVIS_COMMIT",),
        refs=("TRAVIS_TAG", "TRAVIS_BRANCH"),
    ),
    System(
        "CircleCI",
        ("CIRCLECI",),
        ("{CIRCLE_BUILD_URL}",),
        ("CIRCLE_WORKING_DIRECTORY",),
        "https://circleci.com/docs/reference/variables/",
        actors=("CIRCLE_USERNAME",),
        commits=("CIRCLE_SHA1",),
        refs=("CIRCLE_TAG", "CIRCLE_BRANCH"),
    ),
    System(
        "Cirrus CI",
        ("CIRRUS_CI",),
        ("https://cirrus-ci.com/task/{CIRRUS_TASK_ID}",),
        ("CIRRUS_WORKING_DIR",),
        "https://cirrus-ci.org/guide/writing-tasks/#environment-variables",
        commits=("CIRRUS_CHANGE_IN_REPO",),
        refs=("CIRRUS_TAG", "CIRRUS_BRANCH"),
    ),
    System(
        "Codefresh",
        ("CF_BUILD_ID", "CF_BUILD_URL"),
        ("{CF_BUILD_URL}", "{CF_BUILD_ID}"),
        ("CF_VOLUME_PATH",),
        "https://codefresh.io/docs/docs/pipelines/variables/",
        actors=("CF_BUILD_INITIATOR", "CF_COMMIT_AUTHOR"),
        commits=("CF_REVISION",),
        refs=("CF_BRANCH",),
    ),
    System(
        "Codemagic",
        ("CM_BUILD_ID",),
        ("https://codemagic.io/app/{CM_PROJECT_ID}/build/{CM_BUILD_ID}", "{CM_BUILD_ID}"),
        ("CM_BUILD_DIR",),
        "https://docs.codemagic.io/yaml-basic-configuration/environment-variables/",
        commits=("CM_COMMIT",),
        refs=("CM_TAG", "CM_BRANCH"),
    ),
    System(
        "Buddy",
        ("BUDDY", "BUDDY_WORKSPACE_ID", "BUDDY_EXECUTION_ID"),
        ("{BUDDY_EXECUTION_URL}", "{BUDDY_EXECUTION_ID}"),
        (),
        "https://buddy.works/docs/pipelines/environment-variables",
        actors=("BUDDY_INVOKER_NAME",),
        commits=("BUDDY_EXECUTION_REVISION",),
        refs=("BUDDY_EXECUTION_TAG", "BUDDY_EXECUTION_BRANCH"),
    ),
    System(
        "Bitrise",
        ("BITRISE_IO",),
        ("{BITRISE_BUILD_URL}",),
        ("BITRISE_SOURCE_DIR",),
        "https://devcenter.bitrise.io/en/references/available-environment-variables.html",
        commits=("BITRISE_GIT_COMMIT", "GIT_CLONE_COMMIT_HASH"),
        refs=("BITRISE_GIT_TAG", "BITRISE_GIT_BRANCH"),
    ),
    System(
        "Screwdriver",
        ("SCREWDRIVER",),
        ("{SD_UI_URL}/pipelines/{SD_PIPELINE_ID}/builds/{SD_BUILD_ID}", "{SD_JOB_NAME} {SD_BUILD_ID}"),
        ("SD_SOURCE_DIR", "SD_ROOT_DIR"),
        "https://docs.screwdriver.cd/user-guide/environment-variables",
        commits=("SD_BUILD_SHA",),
        refs=("GIT_BRANCH",),
    ),
    System(
        "SourceHut",
        ("CI_NAME=sourcehut",),
        ("{JOB_URL}", "{JOB_ID}"),
        (),
        "https://man.sr.ht/builds.sr.ht/manifest.md",
        refs=("GIT_REF",),
    ),
    System(
        "CodeShip",
        ("CI_NAME=codeship",),
        ("{CI_BUILD_URL}", "{CI_BUILD_ID}"),
        (),
        "https://docs.cloudbees.com/docs/cloudbees-codeship/latest/basic-builds-and-configuration/",
        actors=("CI_COMMITTER_USERNAME", "CI_COMMITTER_NAME"),
        commits=("CI_COMMIT_ID",),
        refs=("CI_BRANCH",),
    ),
    System(
        "Taskcluster",
        ("TASKCLUSTER_ROOT_URL",),
        ("{TASKCLUSTER_ROOT_URL}/tasks/{TASK_ID}",),
        (),
        "https://docs.taskcluster.net/docs/reference/workers/docker-worker/environment",
    ),
    System(
        "Prow",
        ("PROW_JOB_ID",),
        ("{JOB_NAME} {BUILD_ID}",),
        (),
        "https://docs.prow.k8s.io/docs/jobs/#job-environment-variables",
        commits=("PULL_PULL_SHA", "PULL_BASE_SHA"),
        refs=("PULL_BASE_REF",),
    ),
    System(
        "Heroku CI",
        ("HEROKU_TEST_RUN_ID",),
        ("{HEROKU_TEST_RUN_ID}",),
        (),
        "https://devcenter.heroku.com/articles/heroku-ci#immutable-environment-variables",
        commits=("HEROKU_TEST_RUN_COMMIT_VERSION",),
        refs=("HEROKU_TEST_RUN_BRANCH",),
    ),
    System(
        "Google Cloud Build",
        ("BUILDER_OUTPUT",),
        ("{BUILD_ID}",),
        (),
        "https://github.com/GoogleCloudPlatform/cloud-build-local",
    ),
    System(
        "Netlify",
        ("NETLIFY",),
        ("{DEPLOY_URL}", "{BUILD_ID}"),
        (),
        "https://docs.netlify.com/build/configure-builds/environment-variables/",
        commits=("COMMIT_REF",),
        refs=("BRANCH",),
    ),
    System(
        "Vercel",
        ("NOW_BUILDER",),
        ("{VERCEL_URL}",),
        (),
        "https://vercel.com/docs/environment-variables/system-environment-variables",
        actors=("VERCEL_GIT_COMMIT_AUTHOR_LOGIN",),
        commits=("VERCEL_GIT_COMMIT_SHA",),
        refs=("VERCEL_GIT_COMMIT_REF",),
    ),
    System(
        "Cloudflare",
        ("CF_PAGES", "WORKERS_CI"),
        ("{CF_PAGES_URL}", "{WORKERS_CI_BUILD_UUID}"),
        (),
        "https://developers.cloudflare.com/workers/ci-cd/builds/configuration/",
        commits=("CF_PAGES_COMMIT_SHA", "WORKERS_CI_COMMIT_SHA"),
        refs=("CF_PAGES_BRANCH", "WORKERS_CI_BRANCH"),
    ),
)
"""A system that another one imitates comes after that."""

_ANY_JOB: Final = ("{CI_JOB_URL}", "{BUILD_URL}")

ANY_ACTOR: Final = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID")
"""Who started a job, where only some of its variables were handed on, as to a container."""


def system_of(environ: Mapping[str, str]) -> System | None:
    """The system whose job this is, as far as one names itself."""
    return next((system for system in SYSTEMS if _mark(system.marks, environ)), None)


def sign_of(environ: Mapping[str, str]) -> str | None:
    """The variable that says that this is a job of CI; None where none does."""
    system = system_of(environ)
    return _mark((*_SURE, *(system.marks if system else ())), environ)


def job_of(environ: Mapping[str, str]) -> str | None:
    """A link to the job, or its name, for whoever has to wait for it."""
    system = system_of(environ)
    for text in (*(system.jobs if system else ()), *_ANY_JOB):
        if all(environ.get(name) for name in re.findall(r"{(\w+)}", text)):
            return text.format_map(environ)
    return None


def folders_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The folders that go when the job ends, by the variable that names each."""
    system = system_of(environ)
    return {name: environ[name] for name in (system.folders if system else ()) if environ.get(name)}


def _mark(marks: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    """The name of the first variable that says yes, or has the value that a mark wants."""
    for mark in marks:
        name, _, value = mark.partition("=")
        text = environ.get(name, "").strip().lower()
        if text == value if value else text not in _NO:
            return name
    return None
