"""What behaves otherwise than in the AWS Toolkit, each thing once: for docs/migrating.md, and for the steps that would meet it.

tests/tasks/traps has a test for each.
"""

from __future__ import annotations

from ropeway.migrate.meeting import (
    Difference,
    Room,
    a_line,
    begins,
    dots_in_target,
    everywhere,
    in_another_case,
    key_in_the_clear,
    left_out,
    never_overwrites,
    prefix_with_slash,
    prefix_without_slash,
    switched,
    takes_in_by_pattern,
)
from ropeway.migrate.steps import Step
from ropeway.migrate.values import LISTS

BOTH = Room(
    "Both tasks",
    ("S3Upload", "S3Download"),
    (
        Difference(
            "no-match",
            "No file matches.",
            "The step is green: the upload warns, the download says nothing.",
            "The step fails. `noMatch: warn` or `noMatch: ignore` lets it go on.",
            everywhere,
        ),
        Difference(
            "flatten-collision",
            "With `flattenFolders`, two files get one name.",
            "The last one wins without a word; with the download's `overwrite: false` too.",
            "The step fails, names both, and writes nothing.",
            switched("flattenFolders"),
        ),
        Difference(
            "bucket-test",
            "The bucket cannot be asked: a wrong key, another region, no network, a proxy, a certificate.",
            "Always `Bucket … does not exist or you do not have access`.",
            "Each is told as what it is, with what AWS answered and what to do.",
        ),
        Difference(
            "first-failure",
            "A file fails on the way.",
            "The error is printed. Nothing sums up what was done.",
            "The message names the file; summary and `listFile` tell what became of each. What was on its way still arrives.",
        ),
        Difference(
            "own-ending",
            "The task ends in another way than it should.",
            "A process that ends with 0 is green, whatever it has left undone.",
            "Only a run that has done all of its plan, and said so, is green.",
        ),
        Difference(
            "customer-key",
            "The key of `customerKey` (SSE-C).",
            "A plain input, not a secret one. What is no hex ends the key there.",
            "It is masked in the log, and refused unless it is 256 bits in hex. Keep it in a secret variable.",
            key_in_the_clear,
        ),
        Difference(
            "leftover-inputs",
            "An input is set that the others make useless: a KMS key or an SSE-C key without its `keyManagement`.",
            "It is passed over.",
            "The step fails and says what does not go together.",
        ),
        Difference(
            "unknown-values",
            "A choice or a boolean has a value that does not exist, as in `filesAcl: public`.",
            "Sent to S3 as it is, or taken for the other choice.",
            "The step fails before anything is done, and says what was probably meant.",
        ),
    ),
)

UPLOADING = Room(
    "RopewayS3Upload@1",
    ("S3Upload",),
    (
        Difference(
            "acl",
            "`filesAcl` is left out.",
            "`private` is sent with each object, which needs `s3:PutObjectAcl` and a bucket that takes ACLs.",
            "No ACL is sent. The objects are as private as before, unless the bucket has a policy that asks for the header: "
            "then set `filesAcl: private`.",
            left_out("filesAcl"),
        ),
        Difference(
            "leading-slash",
            "`targetFolder` begins with `/`.",
            "The keys begin with `/` too: `/site/index.html`.",
            "They do not: `site/index.html`. Whoever reads the keys by their old names must change.",
            begins("targetFolder", "/", "\\"),
        ),
        Difference(
            "target-dots",
            "`targetFolder` has `.` or `..` in it.",
            "They are resolved, as far as they go.",
            "The step fails: a key's prefix knows no such folders. `ropeway migrate` writes what the Toolkit made of it.",
            dots_in_target,
        ),
        Difference(
            "text-types",
            "`contentType` is left out.",
            "By the extension, without a charset; `.js` and `.mjs` are `application/javascript`.",
            "By the extension, text with `; charset=utf-8` (`charset: none` leaves it out); `.js` and `.mjs` are `text/javascript`.",
            left_out("contentType"),
        ),
        Difference(
            "cache-control-lines",
            "`cacheControl` has a line that is no `glob=value`.",
            "The step fails when the first file comes to that line; files before it are uploaded.",
            "The step fails before anything is sent, and names the line. A glob that begins with `!` can match nothing and is refused.",
            a_line("cacheControl", r"^!"),
        ),
        Difference(
            "broken-link",
            "Anywhere in the source folder there is a broken link.",
            "The step fails, even if no glob picks it.",
            "It matters only when a glob picks it.",
        ),
        Difference(
            "braces-upload",
            "A glob has `{a,b}` in it.",
            "Plain text: the line most likely matches nothing, and nobody says so.",
            "Plain text too, but a step that finds nothing fails. Write `@(a|b)`, or a line for each.",
            a_line("globExpressions", LISTS),
        ),
        Difference(
            "create-bucket",
            "`createBucket` is set, and the bucket cannot be asked.",
            "It tries to create the bucket after any error.",
            "It creates the bucket only when S3 says that there is none.",
            switched("createBucket"),
        ),
        Difference(
            "algorithm-in-another-case",
            "`encryptionAlgorithm` is `KMS` in another case: `kms`.",
            "The objects are put under AES256 (SSE-S3).",
            "They are put under SSE-KMS, as it says, which needs rights to the key: also for whoever reads them. To keep what they had, write `AES256`.",
            in_another_case("encryptionAlgorithm", "KMS"),
        ),
        Difference(
            "management-in-another-case",
            "`keyManagement` is in another case: `AWSManaged`.",
            "It is taken for `none`: no encryption is asked for, and the bucket's own default counts.",
            "It is what it says. To keep what was, write `none`.",
            in_another_case("keyManagement", "awsManaged", "customerManaged"),
        ),
        Difference(
            "list-permission",
            "The identity may write into the bucket, but not list it.",
            "`Bucket … does not exist or you do not have access`.",
            "The files are uploaded: `s3:PutObject` is enough.",
        ),
        Difference(
            "one-at-a-time",
            "There are many files.",
            "One after the other.",
            "Many at a time (`maxConcurrency`), in no particular order.",
        ),
    ),
)

DOWNLOADING = Room(
    "RopewayS3Download@1",
    ("S3Download",),
    (
        Difference(
            "sibling-prefix",
            "`sourceFolder: site`, and there are `site2/` and `siteX.txt` too.",
            "It is the beginning of a key: those come along.",
            "It is a folder: they do not. To have all that begins with `site`, leave `sourceFolder` out and write `site*/**`.",
            prefix_without_slash,
        ),
        Difference(
            "slash-at-the-end",
            "`sourceFolder: site/`, with the slash.",
            "The globs see each path without its first character: `index.html` and `sub/*` find nothing.",
            "The same as `site`: the globs see whole paths.",
            prefix_with_slash,
        ),
        Difference(
            "slash-at-the-beginning",
            "`sourceFolder: /site`, with a slash before it.",
            "Only keys that begin with `/` are found.",
            "The same as `site`. A key that begins with `/` is no path of a file, and is refused.",
            begins("sourceFolder", "/"),
        ),
        Difference(
            "dot-keys",
            "A key has a name that begins with a dot: `.well-known/security.txt`.",
            "`*` and `**` pass it over, though the upload takes it.",
            "It comes along. `!**/.*` and `!**/.*/**` take such names out.",
            takes_in_by_pattern,
        ),
        Difference(
            "exclusions",
            "A line of the globs begins with `!`.",
            "It takes nothing out. It adds all that it does not name.",
            "It takes out what the lines above took in.",
            a_line("globExpressions", r"^!"),
        ),
        Difference(
            "braces-download",
            "A glob has `{a,b}` in it.",
            "`a` or `b`.",
            "Plain text, as in the upload: write `@(a|b)`, or a line for each. `ropeway migrate` writes the first where it can.",
            a_line("globExpressions", LISTS),
        ),
        Difference(
            "twice",
            "Two lines of the globs pick the same key.",
            "It is fetched twice at once, into the same file.",
            "It is fetched once.",
        ),
        Difference(
            "folder-markers",
            "There are folder markers: empty objects whose keys end with `/`.",
            "The task never comes to its end, and is green.",
            "They are no files, and are passed over.",
        ),
        Difference(
            "listing-error",
            "The listing fails half-way.",
            "The error is printed; the step goes on with the keys that it has, and is green.",
            "The step fails. Nothing is fetched.",
        ),
        Difference(
            "never-overwrite",
            "`overwrite: false`, and a file exists.",
            "The step fails when it comes to that file, while others are being fetched.",
            "The step fails, names the files, and writes nothing.",
            never_overwrites,
        ),
        Difference(
            "half-files",
            "The network breaks, or the step is cancelled.",
            "Half files stay under their own names, also in place of what was there before.",
            "A file appears whole or not at all, and what was there stays until then.",
        ),
        Difference(
            "open-files",
            "There are thousands of keys.",
            "Each has a file open from the beginning: `EMFILE` where the system allows 1,024.",
            "As many files are open as requests are in flight.",
        ),
        Difference(
            "integrity",
            "Bytes change on the way.",
            "Only the length is looked at.",
            "Checksum and ETag are verified; nothing of a broken object is kept.",
        ),
        Difference(
            "outside",
            "A key has `..` in it.",
            "It is written outside the target folder.",
            "The step fails, names the key, and writes nothing.",
        ),
    ),
)

CREDENTIALS = Room(
    "Credentials",
    ("S3Upload", "S3Download"),
    (
        Difference(
            "fall-through",
            "A connection is set and cannot be used.",
            "With OIDC the error is printed, and the next source of credentials is tried.",
            "The step fails, and names the connection. No other identity takes its place.",
        ),
        Difference(
            "federation-extras",
            "A connection asks for OIDC, and has keys or an external id too.",
            "The keys are used, without a word. The external id is left out.",
            "The step fails, and says which to empty.",
        ),
        Difference(
            "oauth-token",
            "A connection asks for OIDC in a Classic stage.",
            "Works only where scripts may access the OAuth token.",
            "Works.",
        ),
        Difference(
            "external-id",
            "A connection has a role and an external id, but no keys.",
            "External id and duration are left out, and AWS refuses.",
            "Both are sent.",
        ),
        Difference(
            "leftover-external-id",
            "An external id is there, and no role: its field was emptied, or the group with `AWS.AssumeRoleArn` is not linked to this stage.",
            "The keys act themselves, without a word; without keys, the agent's own identity.",
            "The step fails, and says that the role is missing.",
        ),
        Difference(
            "role-variable",
            "The variable `AWS.AssumeRoleArn` is set without keys.",
            "It is passed over.",
            "The agent's own identity assumes that role.",
        ),
        Difference(
            "expiry",
            "The task takes longer than the session of its role.",
            "With OIDC, and with a role that the agent assumes, it fails: the credentials are fetched once.",
            "They are renewed for as long as it runs.",
        ),
        Difference(
            "duration",
            "The variable `AWS.RoleCredential.MaxDuration` is out of bounds.",
            "A warning, and 900 seconds.",
            "The step fails. Without the variable a session lasts an hour, not 15 minutes.",
        ),
        Difference(
            "session-name",
            "A role is assumed, and nobody names its session.",
            "The session is called `aws-vsts-tools`.",
            "It is called `ropeway`. Where a policy asks for the old name, give it: the connection's role session name, or the variable "
            "`AWS.RoleSessionName`.",
        ),
        Difference(
            "sts-region",
            "A role is assumed.",
            "At the global STS, unless the environment names a region.",
            "At the STS of the task's region.",
        ),
        Difference(
            "masking",
            "Secrets in the log.",
            "Masked by Azure DevOps alone.",
            "No line that Ropeway prints has a secret in it, those of `logRequest` included.",
        ),
    ),
)

NETWORK = Room(
    "Region and network",
    ("S3Upload", "S3Download"),
    (
        Difference(
            "default-region",
            "Only `AWS_DEFAULT_REGION` or a profile names the region.",
            "Passed over.",
            "They count, after `regionName`, the variable `AWS.Region` and `AWS_REGION`.",
        ),
        Difference(
            "proxy-bypass",
            "The agent has a bypass list, or the environment has `NO_PROXY`.",
            "Passed over.",
            "Both are kept.",
        ),
        Difference(
            "http-proxy",
            "The environment has `HTTP_PROXY` alone.",
            "It leads to AWS, too.",
            "It is for `http://` alone, as the AWS CLI has it. Set `HTTPS_PROXY`, too.",
        ),
        Difference(
            "proxy-password",
            "The proxy's password has an `@` or another sign in it.",
            "It breaks the address of the proxy.",
            "It is encoded.",
        ),
    ),
)

ROOMS = (BOTH, UPLOADING, DOWNLOADING, CREDENTIALS, NETWORK)
DIFFERENCES = tuple(difference for room in ROOMS for difference in room.differences)


def met_by(step: Step) -> tuple[Difference, ...]:
    """The differences that this step meets, in the order of the docs."""
    return tuple(
        difference
        for room in ROOMS
        if step.task in room.tasks
        for difference in room.differences
        if difference.met(step)
    )
