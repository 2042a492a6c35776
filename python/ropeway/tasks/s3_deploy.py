"""S3Deploy: a folder becomes the live release of a site, in a safe order, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ropeway import inputs
from ropeway.aws.connection import AWS_GROUPS
from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.checks.needs import OfKinds, actions_of_kinds, merged, services_with_kinds
from ropeway.checks.suite_file import SuiteText, suite_text
from ropeway.inputs import Group, Spelling
from ropeway.outcome import Outcome, Run
from ropeway.s3.inputs import globs_problem
from ropeway.s3.site import invalidating, performing, set_up
from ropeway.s3.site.inputs import GROUPS, ReleasingInputs
from ropeway.s3.site.plan import Terms
from ropeway.s3.site.planning import Allowed, Order, SitePlanned, plan_back, plan_deploy, plan_take_back
from ropeway.s3.site.reading import Described, read_source
from ropeway.s3.site.set_up import WebsiteInputs
from ropeway.s3.site.where import identity_of
from ropeway.tasks.task import OutputVariable, Task, introduce

RELEASE = Group("release", "Release")
DEPLOYS = "mode = deploy"


@dataclass(frozen=True, kw_only=True)
class S3DeployInputs(ReleasingInputs, WebsiteInputs):
    """What a deploy is asked to do."""

    mode: str = inputs.choice(
        "What to do",
        "`deploy` releases the source folder. `rollback` makes the last good release live again, or the one named. `takeBack` takes back what "
        "this build has released in this stage, and nothing else: for a job `on: failure:`, which cannot see output variables.",
        choices={
            "deploy": "Release the source folder",
            "rollback": "Roll back",
            "takeBack": "Take back what this stage has released",
        },
        default="deploy",
        on_cli=False,
    )
    source_folder: str = inputs.path(
        "Source folder",
        "The folder that the build has written: what is in it is what the site becomes. Empty: the working directory.",
        metavar="FOLDER",
        visible=DEPLOYS,
    )
    glob_expressions: tuple[str, ...] = inputs.lines(
        "Files",
        "Which files, one glob a line, by Azure Pipelines' rules; `!` at the beginning takes files out again. What is taken out is deleted from "
        "the site, if it is there.",
        default="**",
        never_blank=True,
        metavar="GLOB",
        visible=DEPLOYS,
    )
    release_id: str = inputs.text(
        "Release",
        "The id of the release. Empty: the number of the build, else the time. With mode rollback: the release that becomes live; empty: the last good one.",
        metavar="ID",
    )
    # As checksFile: an agent makes the whole of the sources of a path that is empty.
    settings_file: str = inputs.text(
        "Settings file",
        "What the files become: headers by rule, compression, fingerprints, protected objects. Empty: the `ropeway.yml` in the source folder, or "
        "beside it, where there is one.",
        metavar="FILE",
        group=RELEASE.name,
        visible=DEPLOYS,
    )
    settings: str = inputs.document(
        "Settings",
        "The settings themselves, instead of a file: the same YAML, written here.",
        metavar="YAML",
        group=RELEASE.name,
        visible=DEPLOYS,
    )
    allow_empty: bool = inputs.flag(
        "Release an empty folder",
        "Release a source without files, which deletes the whole site, within the bounds of deletes.",
        group=RELEASE.name,
        visible=DEPLOYS,
    )
    create_bucket: bool = inputs.flag(
        "Create the bucket",
        "Create the bucket in the region when it does not exist. It is private, and keeps no versions: versioning and publicRead set that.",
        group=RELEASE.name,
        visible=DEPLOYS,
    )
    delete_unknown: bool = inputs.flag(
        "Delete what no release has put there",
        "The first release to a place may delete, within the bounds of deletes, what lies there already and is not in the source. Otherwise it fails "
        "where it would. Later releases delete whatever is not in their source, but for what is protected.",
        group=RELEASE.name,
        visible=DEPLOYS,
    )
    allow_older: bool = inputs.flag(
        "Release an older build",
        "Release a build whose number is lower than that of the live one, where both are numbers.",
        group=RELEASE.name,
        visible=DEPLOYS,
    )
    keep_releases: int = inputs.number(
        "Keep old assets for releases",
        "Fingerprinted files that are gone from the source are kept for so many releases, so that pages that are open live on.",
        default=3,
        at_least=0,
        at_most=1000,
        group=RELEASE.name,
    )
    keep_days: int = inputs.number(
        "Keep old assets for days",
        "The same, for so many days. What is longer counts.",
        default=7,
        at_least=0,
        at_most=3650,
        group=RELEASE.name,
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if wrong := globs_problem(self.glob_expressions):
            yield f"{spell('glob_expressions')} {wrong}"
        if self.settings and self.settings_file:
            yield f"{spell('settings')} and {spell('settings_file')} are both set: keep one of the two."
        if self.mode == "takeBack" and self.release_id:
            yield f"{spell('release_id')} is set, but {spell('mode')} takeBack finds the release by build and stage: leave it empty."


def plan(given: S3DeployInputs, aws: Aws, run: Run) -> SitePlanned:
    """Reads the source, the state and one listing. Everything that can be refused is refused here."""
    suite = _suite(given)
    if given.mode != "deploy":
        introduce(aws, run)
        order = Order(given, _terms(given), suite, aws, run)
        return plan_take_back(order) if given.mode == "takeBack" else plan_back(order, given.release_id)
    identity = identity_of(given.release_id, run)
    source = read_source(
        given.source_folder or ".",
        Described(given.settings, given.settings_file, given.protected, given.checks_file, given.index_document),
        run.cancellation,
        globs=given.glob_expressions,
        may_be_empty=given.allow_empty,
    )
    introduce(aws, run)
    terms = _terms(given, source.settings.protected, source.settings.fingerprinted)
    allowed = Allowed(given.allow_older, given.delete_unknown, given.create_bucket)
    return plan_deploy(Order(given, terms, suite, aws, run), identity, source, allowed)


def _suite(given: ReleasingInputs) -> SuiteText | None:
    advice = "Name the file that is there (checksFile). docs/checks.md shows one to begin with."
    return suite_text(given.checks_file, advice) if given.checks_file else None


def _terms(given: S3DeployInputs, protected: tuple[str, ...] = (), fingerprinted: tuple[str, ...] = ()) -> Terms:
    return Terms(
        keep_releases=given.keep_releases,
        keep_days=given.keep_days,
        max_delete=given.max_delete,
        max_percent=given.max_delete_percent,
        protected=protected or given.protected,
        fingerprinted=fingerprinted,
    )


def apply(planned: SitePlanned, aws: Aws, run: Run) -> Outcome[Any]:
    """Does what the plan says, under the lock; where others have worked meanwhile, it is planned anew first."""
    return performing.perform(planned, aws, run)


# --- rolling back, as a command of its own ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class S3RollbackInputs(ReleasingInputs):
    """What the command that rolls back is asked to do. In a pipeline, it is a mode of the deploy."""

    release_id: str = inputs.text(
        "Release",
        "The id of the release that becomes live. Empty: the last good one before the live one.",
        metavar="ID",
    )


def plan_rollback(given: S3RollbackInputs, aws: Aws, run: Run) -> SitePlanned:
    """Reads the state and one listing, and asks whether the versions are there still."""
    suite = _suite(given)
    introduce(aws, run)
    terms = Terms(max_delete=given.max_delete, max_percent=given.max_delete_percent, protected=given.protected)
    return plan_back(Order(given, terms, suite, aws, run), given.release_id)


# --- what it is ---------------------------------------------------------------------------------------------------------------


BUCKET = "arn:{partition}:s3:::{bucket}"
OBJECTS = BUCKET + "/{prefix}*"
STATE = BUCKET + "/.ropeway/*"


def _actions() -> Iterator[IamAction]:
    own = (
        IamAction("s3:ListBucket", BUCKET),
        IamAction("s3:PutObject", OBJECTS),
        IamAction("s3:GetObject", OBJECTS),
        IamAction("s3:DeleteObject", OBJECTS, "something is gone from the source"),
        IamAction("s3:AbortMultipartUpload", OBJECTS, "a file of more than 8 MB may fail half-way"),
        IamAction("s3:GetObjectVersion", OBJECTS, "a release is taken back"),
        IamAction(
            "s3:GetObjectAcl", OBJECTS, "others have put there what a release replaces, and everybody can read it"
        ),
        IamAction("s3:PutObjectTagging", OBJECTS, "the settings give tags"),
        IamAction("s3:GetObjectTagging", OBJECTS, "the settings give tags"),
        IamAction("s3:PutObject", STATE),
        IamAction("s3:GetObject", STATE),
        IamAction("kms:GenerateDataKey", "{kms_key}", "the bucket, or keyManagement, encrypts with a KMS key of yours"),
        IamAction("kms:Decrypt", "{kms_key}", "the bucket, or keyManagement, encrypts with a KMS key of yours"),
        *set_up.ACTIONS,
        *invalidating.ACTIONS,
    )
    return merged((*own, *actions_of_kinds()))


TASK = Task(
    name="S3Deploy",
    id="e30f66c6-ebac-4f6a-8f90-a5f22c41c122",
    major=1,
    friendly_name="Ropeway: Amazon S3 site release",
    step_title="Release a site to $(bucketName)",
    description="Release a static site to an Amazon S3 bucket in a safe order, check it, and take it back when the checks say so.",
    help="Makes a folder the live release of a site below a prefix of a bucket: what is gone from it is deleted, last. See docs/tasks/s3-deploy.md.",
    command=("s3", "deploy"),
    inputs=S3DeployInputs,
    groups=(RELEASE, set_up.WEBSITE_GROUP, invalidating.CLOUDFRONT, *GROUPS, *AWS_GROUPS),
    outputs=(
        OutputVariable(
            "result",
            "What it came to: live, healthy (the checks passed), rolledBack, failed; nothing, where there was nothing to take back.",
        ),
        OutputVariable("releaseId", "The release that was made, or that was rolled back to."),
        OutputVariable("liveRelease", "The release that is live now."),
        OutputVariable("previousRelease", "The release that was live before."),
        OutputVariable("siteUrl", "Where visitors find the site, as far as it is known."),
        OutputVariable("s3Prefix", "Where the site lies, as s3://bucket/prefix."),
        OutputVariable(
            "changedPaths",
            "The paths that changed, percent-encoded, one a line; of more than 500 the site's alone, `/*`.",
        ),
        OutputVariable("filesUploaded", "How many files were uploaded."),
        OutputVariable("filesCopied", "How many objects got other headers, or came back from an earlier release."),
        OutputVariable("filesDeleted", "How many objects were deleted."),
        OutputVariable("filesUnchanged", "How many objects were left as they were."),
        OutputVariable("bytesUploaded", "How many bytes were uploaded."),
        OutputVariable(
            "listFile",
            "A file with one JSON object a line for each step: name, action, reason, size, error, version id.",
        ),
    ),
    actions=OfKinds(_actions),
    services=OfKinds(lambda: services_with_kinds("s3", "sts", *set_up.SERVICES)),
    plan=plan,
    apply=apply,
)

ROLLBACK = Task(
    name="S3Rollback",
    id=TASK.id,
    major=TASK.major,
    friendly_name=TASK.friendly_name,
    step_title=TASK.step_title,
    description="Make an earlier release of a static site live again, by copies on S3's side.",
    help="Without an id it is the last good release before the live one. What cannot be brought back is said before anything is touched.",
    command=("s3", "rollback"),
    inputs=S3RollbackInputs,
    groups=(invalidating.CLOUDFRONT, *GROUPS, *AWS_GROUPS),
    outputs=TASK.outputs,
    actions=TASK.actions,
    services=TASK.services,
    plan=plan_rollback,
    apply=apply,
)
"""A command alone: in a pipeline it is a mode of the deploy."""
