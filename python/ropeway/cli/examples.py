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
}

MIGRATING = """See what would change
ropeway migrate azure-pipelines.yml
Write it, templates too
ropeway migrate --write azure-pipelines.yml templates/deploy.yml"""
