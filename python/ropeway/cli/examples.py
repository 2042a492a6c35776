"""An example or two for the help of each command: a line that says what it does, a line that does it."""

EXAMPLES: dict[tuple[str, ...], str] = {
    ("s3", "upload"): """See what would be uploaded, and stop
ropeway s3 upload dist s3://my-bucket/site --dry-run
Upload it, HTML to be asked for anew each time
ropeway s3 upload dist s3://my-bucket/site --cache-control '**/*.html=no-cache'
Try it on this machine, without an AWS account
ropeway s3 upload dist s3://my-bucket --local --create-bucket""",
    ("s3", "download"): """See what would be downloaded, and stop
ropeway s3 download s3://my-bucket/site restored --dry-run
Download all but the source maps, without the folder `site` itself
ropeway s3 download s3://my-bucket/site restored --strip-prefix --glob-expressions '**' --glob-expressions '!**/*.map'""",
    ("s3", "deploy"): """See what a release would change, and stop
ropeway s3 deploy dist s3://my-bucket/site --release-id 42 --dry-run
Release it, ask the checks, and take it back when they fail
ropeway s3 deploy dist s3://my-bucket/site --release-id 42 --checks-file ropeway-checks.yml
Make the release before live again
ropeway s3 rollback s3://my-bucket/site""",
    ("s3", "rollback"): """See what would come back, and stop
ropeway s3 rollback s3://my-bucket/site --dry-run
Make the last good release live again
ropeway s3 rollback s3://my-bucket/site
Make a certain one live
ropeway s3 rollback s3://my-bucket/site 41""",
    ("s3", "releases"): """The releases of a site, the newest first
ropeway s3 releases s3://my-bucket/site""",
    ("s3", "lock", "status"): """Who works on the site
ropeway s3 lock status s3://my-bucket/site""",
    ("s3", "lock", "break"): """Free a lock whose owner is gone for sure
ropeway s3 lock break s3://my-bucket/site""",
    ("setup", "policy"): """Print the policy for uploads below a prefix
ropeway setup policy s3-upload --bucket-name my-bucket --target-folder site
Make it, and a user who acts under it
ropeway setup policy s3-deploy check --bucket-name my-bucket --user release --apply""",
    ("setup", "connection"): """See what would be made, and stop
ropeway setup connection --organization contoso --project Shop --connection-name aws --access-key-id AKIAIOSFODNN7EXAMPLE --dry-run
Make one that stores the keys of a user; the secret is asked for
ropeway setup connection --organization contoso --project Shop --connection-name aws --access-key-id AKIAIOSFODNN7EXAMPLE --ask-secret-access-key""",
    ("setup", "pipeline"): """See the pipeline, its YAML and its environments, and stop
ropeway setup pipeline s3-deploy --organization contoso --project Shop --pipeline-name site --connection-name aws --settings bucketName=my-site --dry-run
Make one with two stages, of which the second waits for Alice
ropeway setup pipeline s3-deploy --organization contoso --project Shop --pipeline-name site --connection-name aws --environments trial --environments production --settings trial.bucketName=my-trial --settings production.bucketName=my-site --approvers production=alice@example.com""",
    ("ec2", "deploy"): """See the instances, the batches and the scripts, and stop
ropeway ec2 deploy --source-path dist --application shop --bucket-name my-bucket --instance-tags app=shop --release-id 42 --dry-run --verbose
Deploy it, one instance first, then a quarter at a time
ropeway ec2 deploy --source-path dist --application shop --bucket-name my-bucket --instance-tags app=shop --release-id 42 --batches '1,25%'""",
    ("ec2", "rollback"): """Bring the last healthy release back
ropeway ec2 rollback --application shop --bucket-name my-bucket --instance-tags app=shop
Bring a certain one back
ropeway ec2 rollback --application shop --bucket-name my-bucket --instance-tags app=shop --release-id 41""",
    ("ec2", "releases"): """The releases of an application, and its last deploys
ropeway ec2 releases --application shop --bucket-name my-bucket""",
    ("ec2", "recover"): """Put back what a run that died has taken out of load balancers
ropeway ec2 recover --application shop --bucket-name my-bucket""",
    ("doctor",): """Is this machine's identity fit for deploying a site
ropeway doctor s3-deploy --bucket-name my-site
The whole chain of a pipeline
ropeway doctor s3-deploy --bucket-name my-site --organization contoso --project Shop --connection-name aws --pipeline-name site --environments production""",
    ("check",): """See what would be asked, and stop
ropeway check ropeway-checks.yml --dry-run
Ask it, of the release that was deployed
ropeway check ropeway-checks.yml --release-id 20260402.3
Ask one check alone
ropeway check --only 'home page'""",
}

MIGRATING = """See what would change
ropeway migrate azure-pipelines.yml
Write it, templates too
ropeway migrate --write azure-pipelines.yml templates/deploy.yml"""

DESCRIBING = """For an editor: our steps, and nothing else
ropeway schema > .vscode/ropeway.schema.json
All that your organisation has, and our steps
ropeway schema --onto my-organisation.schema.json > .vscode/azure-pipelines.schema.json"""
