"""The examples as a user copies them, run: every step out of the built .vsix, on the embedded AWS. They deploy, fail where they should, and go back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
import uuid
from dataclasses import replace

import pytest

from tests.checks.kinds.aws_kit import client_of
from tests.ec2.services import service
from tests.pipelines.running import run_classic
from tests.pipelines.worlds import EXAMPLES, Place
from tests.s3.cloudfront.kit import distribution
from tests.s3.site.conftest import versioned
from tests.servers.azure_devops import PATH, AzureDevOps
from tests.servers.identities import ACCOUNT, ROLE, Identities
from tests.servers.misbehaving import Answer, misbehaving_server
from tests.vsix.agent import SYSTEM_TOKEN, Endpoint
from tests.vsix.conftest import installed

__all__ = ["client_of", "installed"]

pytestmark = pytest.mark.timeout(900)  # a run is many steps, and each is a task that starts cold


@pytest.fixture
def place(tmp_path, installed, embedded):
    made = Place(tmp_path, installed, embedded)
    yield made
    made.close()


@pytest.fixture
def unique(s3):
    """`unique("my-site", ...)`: names of this test for them; `bucket=True` makes them, and keeps versions."""

    def make(*names, buckets=True):
        own = {name: f"{name}-{uuid.uuid4().hex[:8]}" for name in names}
        for bucket in own.values() if buckets else ():
            s3.create_bucket(Bucket=bucket)
            versioned(s3, bucket)
        return own

    return make


def page(s3, bucket):
    return s3.get_object(Bucket=bucket, Key="index.html")["Body"].read().decode()


def site(title, suite="checks: {}"):
    asset = "app-C4Zk2xQ9.js"
    return {
        "src/index.html": f"<title>My site</title><script src={asset}></script>{title}",
        f"src/{asset}": "one()",
        "ropeway.yml": "site: {}\n",
        "ropeway-checks.yml": suite,
    }


# --- a static site --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def passing(misbehaving):
    """`passing("41")`: a suite whose one check these releases pass, and no others."""
    good = set()
    misbehaving.on(lambda request: Answer(200 if request.target[1:] in good else 503))

    def suite(*releases):
        good.update(releases)
        check = f"http: {{url: '{misbehaving.url}/{{release.id}}', status: 200}}"
        return f"within: 30s\ndefaults: {{failures: 0}}\nchecks:\n  home page:\n    {check}\n"

    return suite


def test_a_static_site_goes_through_the_trial_to_production_and_what_fails_goes_back(
    place, unique, s3, client_of, passing
):
    place.names = unique("my-trial-site", "my-site")
    trial, production = place.names.values()
    edge = distribution(client_of("cloudfront"), production)
    place.names = {**place.names, "E2QWRUHAPOMQZL": edge.id}

    place.holds(site("one", passing("41")))
    first = place.run("static-site", "41")
    assert first.stages == {"build": "Succeeded", "trial": "Succeeded", "production": "Succeeded"}, first.text
    assert first.of("trial/release/deploy") == [
        ("download current", "Succeeded"),
        ("Release the site", "Succeeded"),
        ("See its title", "Succeeded"),
    ]
    assert "one" in page(s3, trial)
    assert "one" in page(s3, production)
    assert edge.paths

    # Its own step after the deploy fails: another job, which sees nothing of that one, takes the release back. Production is not touched.
    place.holds({**site("two", passing("41", "42")), "src/index.html": "<title>Another site</title>two"})
    second = place.run("static-site", "42")
    assert second.stages == {"build": "Succeeded", "trial": "Failed", "production": "Skipped"}, second.text
    assert second.of("trial/release/deploy")[1:] == [
        ("Release the site", "Succeeded"),
        ("See its title", "Failed"),
    ]
    assert second.of("trial/release/on failure") == [
        ("download current", "Succeeded"),
        ("Take back what this stage has released", "Succeeded"),
    ]
    assert second.step("Take back what this stage has released").outputs["liveRelease"] == "41"
    assert "one" in page(s3, trial)

    # The checks do not pass in the trial: the step itself goes back, and the job after it finds nothing left to do.
    place.holds(site("three", passing()))
    third = place.run("static-site", "43")
    assert third.stages["trial"] == "Failed"
    assert third.of("trial/release/deploy")[1:] == [
        ("Release the site", "Failed"),
        ("See its title", "Skipped"),
    ]
    assert third.jobs["trial/release/on failure"] == "Succeeded", third.text
    assert third.step("Take back what this stage has released").outputs["result"] == "nothing"
    assert "one" in page(s3, trial)
    assert "one" in page(s3, production)


def test_a_pipeline_that_extends_builds_and_promotes_one_artifact(place, unique, s3):
    place.names = unique("my-test-site", "my-site")
    place.holds(site("one"))
    ran = place.run("extends", "41")
    assert ran.stages == dict.fromkeys(("build", "site_test", "site_production"), "Succeeded"), ran.text
    assert [page(s3, bucket) for bucket in place.names.values()] == [site("one")["src/index.html"]] * 2

    place.names = {**place.names, "my-site": "no-such-bucket-of-ours"}
    stopped = place.run("extends", "42")
    assert stopped.stages == {"build": "Succeeded", "site_test": "Succeeded", "site_production": "Failed"}
    assert stopped.jobs["site_production/release/on failure"] == "Failed", "a bucket that is not there is no answer"


# --- a service on instances -----------------------------------------------------------------------------------------------------

OF_HOST = """checks:
  version:
    http: {url: 'http://{outputs.privateAddress}:8080/', body: '{release.id}'}
    within: 60s
    every: 200ms
"""


class Hosts:
    """Instances of an application, and what each of them answers."""

    def __init__(self, embedded, count, **tags):
        self.hosts = embedded.instances.add(count, tags=tags)
        self.ids = sorted(host.id for host in self.hosts)

    @property
    def answers(self):
        return {_answer(host.address) for host in self.hosts}


def _answer(address):
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=30) as answer:
        return answer.read().decode()


@pytest.fixture
def hold_service(place, tmp_path):
    """`hold_service("v1")`: the repository holds this version, and what builds it. Its smoke test fails where it is not `smoke`."""

    def hold(version, *, smoke=True, **broken):
        shutil.rmtree(place.sources, ignore_errors=True)
        shutil.copytree(service(tmp_path / "built", version, **broken), place.sources / "service")
        place.holds(
            {
                "Makefile": "dist:\n\tcp -r service dist\n",
                "host-checks.yml": OF_HOST,
                "service/smoke-test": f'test -n "$1" && {"true" if smoke else "false"}\n',
            }
        )

    return hold


def test_a_service_comes_to_test_and_production_and_what_fails_goes_back(place, unique, embedded, hold_service):
    apps = unique("shop-test", "shop-production", buckets=False)
    place.names = {**unique("my-test-deployments", "my-deployments"), **apps}
    test = Hosts(embedded, 1, app=apps["shop-test"])
    production = Hosts(embedded, 2, app=apps["shop-production"])

    hold_service("v1")
    first = place.run("ec2-service", "v1")
    assert first.stages == {"build": "Succeeded", "test": "Succeeded", "production": "Succeeded"}, first.text
    assert (test.answers, production.answers) == ({"v1"}, {"v1"})

    hold_service("v2", smoke=False)
    second = place.run("ec2-service", "v2")
    assert second.stages == {"build": "Succeeded", "test": "Failed", "production": "Skipped"}, second.text
    assert ("Try an order", "Failed") in second.of("test/release/deploy")
    assert ("Take back what this stage has deployed", "Succeeded") in second.of("test/release/on failure")
    assert second.step("Take back what this stage has deployed").outputs["liveRelease"] == "v1"
    assert test.answers == {"v1"}

    hold_service("v3", broken_on=production.ids[-1])
    third = place.run("ec2-service", "v3")
    assert third.stages == {"build": "Succeeded", "test": "Succeeded", "production": "Failed"}, third.text
    assert ("Deploy to EC2 instances", "Failed") in third.of("production/release/deploy")
    assert third.jobs["production/release/on failure"] == "Succeeded", third.text
    assert (test.answers, production.answers) == ({"v3"}, {"v1"})


def test_canaries_get_it_first_and_what_is_refused_or_fails_later_is_taken_back_from_them_too(
    place, unique, embedded, hold_service
):
    apps = unique("shop-production", buckets=False)
    place.names = {**unique("my-deployments"), **apps, "canaryBakeMinutes: 15": "canaryBakeMinutes: 0"}
    canary = Hosts(embedded, 1, app=apps["shop-production"], role="canary")
    others = Hosts(embedded, 1, app=apps["shop-production"])

    hold_service("v1")
    first = place.run("canary", "v1")
    assert first.stages["production"] == "Succeeded", first.text
    assert first.jobs["production/refused"] == "Skipped"
    assert (canary.answers, others.answers) == ({"v1"}, {"v1"})

    hold_service("v2")
    refused = place.run("canary", "v2", answer="Failed")
    assert [refused.jobs[f"production/{job}"] for job in ("canary", "validate", "refused", "release")] == [
        "Succeeded",
        "Failed",
        "Succeeded",
        "Skipped",
    ], refused.text
    assert "switched to v2" in refused.step("Deploy to EC2 instances").text
    assert (canary.answers, others.answers) == ({"v1"}, {"v1"})

    hold_service("v3", broken_on=others.ids[-1])
    failed = place.run("canary", "v3")
    assert failed.jobs["production/canary"] == "Succeeded", failed.text
    assert failed.jobs["production/release"] == "Failed"
    assert failed.jobs["production/release/on failure"] == "Succeeded", failed.text
    assert (canary.answers, others.answers) == ({"v1"}, {"v1"})


# --- both, and parts ------------------------------------------------------------------------------------------------------------


def commit(place, message):
    def git(*arguments):
        subprocess.run(["git", *OURSELVES, *arguments], cwd=place.sources, check=True, capture_output=True)

    if not (place.sources / ".git").exists():
        git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", message)


OURSELVES = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
BOTH = "site service:\n\tmkdir -p dist && cp -r parts/$@ dist/$@\n.PHONY: site service\n"


def test_of_a_repository_with_both_nothing_that_was_changed_stays_behind(place, unique, s3, embedded, tmp_path):
    """In a push of several commits, and after a run that failed, the last commit alone does not say what is still to be released."""
    apps = unique("shop-test", "shop-production", buckets=False)
    place.names = {
        **unique("my-test-site", "my-site", "my-test-deployments", "my-deployments"),
        **apps,
    }
    hosts = [Hosts(embedded, 1, app=app) for app in apps.values()]
    build = service(tmp_path / "built", "v1")
    makefile = BOTH.replace("parts/$@", "$@")
    place.holds({"Makefile": makefile, "readme.md": "begun"})
    shutil.copytree(build, place.sources / "service")
    commit(place, "The service")
    place.holds({"site/index.html": "one"})
    commit(place, "The site, in the same push")

    ran = place.run("monorepo", "v1")
    assert set(ran.stages.values()) == {"Succeeded"}, ran.text
    assert [page(s3, place.names[name]) for name in ("my-test-site", "my-site")] == ["one", "one"]
    assert [one.answers for one in hosts] == [{"v1"}, {"v1"}]
    sent = s3.head_object(Bucket=place.names["my-site"], Key="index.html")["VersionId"]

    place.holds({"service/VERSION": "v2\n", "Makefile": "site service:\n\tfalse\n.PHONY: site service\n"})
    commit(place, "The service, and a build that fails")
    assert place.run("monorepo", "v2").stages["build"] == "Failed"
    place.holds({"Makefile": makefile})
    commit(place, "The build")
    ran = place.run("monorepo", "v3")
    assert set(ran.stages.values()) == {"Succeeded"}, ran.text
    assert [one.answers for one in hosts] == [{"v2"}, {"v2"}]
    head = s3.head_object(Bucket=place.names["my-site"], Key="index.html")
    assert head["VersionId"] == sent, "a site that is as it was is not sent again"


def test_agents_that_share_an_artifact_upload_each_file_once(place, unique, s3):
    place.names = unique("my-tiles")
    place.holds(
        {
            "Makefile": "tiles:\n\tmkdir -p tiles && for n in $$(seq 40); do echo $$n >tiles/$$n.png; done && echo '{}' >tiles/index.json\n"
        }
    )
    ran = place.run("large-artifact", "41")

    assert ran.stages == {"build": "Succeeded", "upload": "Succeeded"}, ran.text
    parts = [step.context for step in ran.steps if step.title == "Upload to Amazon S3"]
    uploaded = [int(part.outputs["filesUploaded"]) for part in parts]
    assert (len(parts), sum(uploaded)) == (3, 41)
    assert max(uploaded) < 41
    listed = s3.list_objects_v2(Bucket=place.names["my-tiles"])["Contents"]
    assert {one["Key"] for one in listed} == {
        f"41/{name}" for name in ("index.json", *(f"{n}.png" for n in range(1, 41)))
    }
    assert ran.of("upload/done")[-1] == ("Check what was deployed", "Succeeded")


def test_a_site_is_uploaded_and_tasks_alone_go_by_the_same_rules(place, unique, s3, embedded):
    region = {"eu-west-1": embedded.region}
    place.names = {**unique("my-site"), **region}
    place.holds(site("one"))
    ran = place.run("site", "41")
    assert ran.stages == {"build": "Succeeded", "upload_to_s3": "Succeeded"}, ran.text
    assert "one" in page(s3, place.names["my-site"])

    place.names = {**unique("my-models", "my-reports"), **region}
    s3.put_object(Bucket=place.names["my-models"], Key="models/v7/model.bin", Body=b"weights")
    place.holds(
        {
            "report.py": "import os, sys; os.makedirs(sys.argv[3]); open(sys.argv[3] + '/r.txt', 'w').write(open(sys.argv[1] + '/model.bin').read())"
        }
    )
    place.tool("python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    ran = place.run("tasks", "42")
    assert ran.stages == {"__default": "Succeeded"}, ran.text
    report = s3.get_object(Bucket=place.names["my-reports"], Key="42/r.txt")["Body"].read()
    assert report == b"weights"
    assert f"1 files are at s3://{place.names['my-reports']}/42" in ran.step("Say where it is").text


# --- without keys ---------------------------------------------------------------------------------------------------------------


def test_without_keys_the_job_assumes_the_role_by_its_token_and_a_connection_that_is_not_trusted_fails(
    place, unique, s3, embedded
):
    place.names = {**unique("my-site"), "123456789012": ACCOUNT}
    federated = Endpoint(str(uuid.uuid4()), {}, {"assumeRoleArn": ROLE, "useOIDC": "true"})
    place.connections["production"] = federated
    tokens, identities = AzureDevOps(federated.id, time.time), Identities(time.time)
    tokens.access_token = SYSTEM_TOKEN
    place.holds(site("one"))
    with misbehaving_server() as aws, misbehaving_server() as devops:
        aws.on(identities, method="POST", target="^/$")
        aws.upstream = embedded.endpoint_url
        devops.on(tokens)
        place.environment |= {"AWS_ENDPOINT_URL": aws.url}
        server = {"server": f"{devops.url}/example/", "variables": {"System.OidcRequestUri": f"{devops.url}{PATH}"}}

        ran = place.run("oidc", "41", **server)
        assert ran.stages == {"build": "Succeeded", "release": "Succeeded"}, ran.text
        assert "one" in page(s3, place.names["my-site"])
        assert f"assumed with an identity token of service connection {federated.id}" in ran.text

        tokens.claims = {"sub": "sc://example/Shop/renamed"}
        place.holds(site("two"))
        refused = place.run("oidc", "42", **server)
    assert refused.stages["release"] == "Failed"
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in refused.text
    assert "one" in page(s3, place.names["my-site"])


# --- Classic --------------------------------------------------------------------------------------------------------------------


def test_a_classic_release_goes_from_stage_to_stage_and_what_fails_goes_back(place, unique, s3, passing):
    place.names = unique("my-trial-site", "my-site")
    trial, production = place.names.values()
    written = (EXAMPLES / "classic-release.json").read_text(encoding="utf-8")
    definition = json.loads(place.named(written).replace('"awsConnection": ""', '"awsConnection": "production"'))

    def release(build, title, *good):
        world = place.world(build)
        for name, text in site(title, passing(*good)).items():
            file = world.artifacts / "site" / name.replace("src/", "dist/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return run_classic(definition, replace(world, variables={"Release.ReleaseId": build}))

    first = release("41", "one", "41")
    assert first.stages == {"Trial": "Succeeded", "Production": "Succeeded"}, first.text
    assert "one" in page(s3, trial)
    assert "one" in page(s3, production)

    # Nobody has said a good word of 43: the step goes back by itself, and the job that takes back finds nothing to do.
    third = release("43", "three")
    assert third.stages == {"Trial": "Failed", "Production": "Skipped"}, third.text
    assert third.step("Take back what this stage has released").outputs["result"] == "nothing"

    (place.root / "tools/curl").write_text("#!/bin/sh\nexit 22\n")
    fourth = release("44", "four", "44")
    assert fourth.of("Trial/Release") == [("Release the site", "Succeeded"), ("See its title", "Failed")], fourth.text
    assert fourth.step("Take back what this stage has released").outputs["liveRelease"] == "41"
    assert "one" in page(s3, trial)
