"""What S3Deploy does beside the objects: the bucket set up as a website before them, CloudFront told after them, and after each way back."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from ropeway.errors import AwsError, ChecksFailed, InputError
from ropeway.s3.cloudfront import distributions, invalidating
from ropeway.s3.website import applying
from tests.checks.kinds.aws_kit import client_of
from tests.s3.cloudfront.kit import distribution
from tests.servers.misbehaving import s3_error
from tests.tasks.sites import ONE, TWO, back, build, deploy, history, outputs, said, suite

__all__ = ["back", "build", "client_of", "deploy", "suite"]

ABOUT = {**TWO, "about.html": b"about us"}


@pytest.fixture(autouse=True)
def soon(monkeypatch, embedded):
    monkeypatch.setattr(invalidating, "PAUSES", (0.02, 0.05))
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    before = dict(embedded.instances.settings())
    embedded.instances.settings(invalidation=0.05)
    yield
    embedded.instances.settings(**before)


@pytest.fixture
def edge(client_of, bucket):
    """A distribution that shows the site alone: its origin path is the target folder."""
    return distribution(client_of("cloudfront"), bucket, path="/docs")


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read()


def beside(plan):
    """The steps that are about no object."""
    return [(step.action, str(step.reason), step.name) for step in plan.steps if not step.name.startswith("s3://")]


# --- a website -----------------------------------------------------------------------------------------------------------------


def test_a_site_is_set_up_released_and_opened(deploy, embedded, bucket, s3):
    given = {
        "website": "true",
        "public_read": "true",
        "versioning": "true",
        "target_folder": "",
        "error_document": "about.html",
    }
    planned = deploy("41", ONE, **given, only_plan=True)
    assert beside(planned.plan) == [
        ("skip", "unchanged", f"versions of s3://{bucket}: kept"),
        ("configure", "settings differ", f"public access block of s3://{bucket}: policies may open it"),
        ("configure", "new", f"policy of s3://{bucket}: everybody may read *, and nothing in .ropeway/"),
        ("configure", "new", f"website of s3://{bucket}: index.html, errors about.html"),
    ]
    made = deploy("41", ONE, **given)
    assert made.outcome.error is None
    site = embedded.website(bucket).rstrip("/")
    assert get(f"{site}/") == (200, ONE["index.html"])
    assert get(f"{site}/nothing") == (403, b"about")
    assert get(f"{site}/.ropeway/sites/@root/releases.json")[0] == 403
    assert outputs(made.outcome)["siteUrl"] == f"http://{bucket}.s3-website-us-east-1.amazonaws.com/"
    again = deploy("42", ONE, **given)
    assert {action for action, _, _ in beside(again.plan)} == {"skip"}
    assert again.outcome.error is None


def test_a_folder_is_redirected_under_the_name_that_the_website_asks_for(deploy, embedded, bucket):
    files = {"home.html": b"<title>home</title>", "_redirects": b"/old/ https://new.example.test/\n"}
    given = {"website": "true", "public_read": "true", "target_folder": "", "index_document": "home.html"}
    assert deploy("41", files, **given).outcome.error is None
    site = urlsplit(embedded.website(bucket))
    with closing(http.client.HTTPConnection(site.netloc, timeout=30)) as line:
        line.request("GET", f"{site.path.rstrip('/')}/old/")
        answer = line.getresponse()
        assert (answer.status, answer.getheader("Location")) == (301, "https://new.example.test/")


def test_the_error_document_lies_below_the_target_folder(deploy, bucket, s3):
    deploy("41", ONE, website="true", error_document="about.html")
    assert s3.get_bucket_website(Bucket=bucket)["ErrorDocument"] == {"Key": "docs/about.html"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("404.htm", "errorDocument is 404.htm, and the site has no such object: visitors see S3's own words instead."),
        ("errors/none.html", "and the site has no such object: extensionless makes it errors/none: write that."),
    ],
)
def test_an_error_document_that_the_site_does_not_have_is_a_warning(deploy, error, words):
    files = {"index.html": b"", "404.html": b"", "errors/none.html": b""}
    given = {"website": "true", "settings": "site: {extensionless: true}", "error_document": error}
    (warning,) = deploy("1", files, **given).outcome.warnings
    assert warning.endswith(words)


def test_an_index_document_that_extensionless_calls_otherwise_stops_it(deploy, bucket, s3):
    given = {"website": "true", "settings": "site: {extensionless: true}", "index_document": "home.html"}
    with pytest.raises(InputError, match=r"indexDocument is home\.html, which extensionless makes home"):
        deploy("1", {"home.html": b"home"}, **given)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_an_error_document_that_somebody_else_keeps_there_is_one(deploy, bucket, s3):
    s3.put_object(Bucket=bucket, Key="docs/errors/none.html", Body=b"")
    given = {"website": "true", "error_document": "/errors/none.html", "protected": "errors/**"}
    assert deploy("1", ONE, **given).outcome.warnings == ()


def test_a_site_that_nobody_opens_stays_closed(deploy, embedded, bucket):
    deploy("41", ONE, website="true", target_folder="")
    assert get(embedded.website(bucket))[0] == 403


def test_what_cannot_be_set_up_stops_it_before_anything_is_released(deploy, bucket, s3):
    website = {"RedirectAllRequestsTo": {"HostName": "other.example.com"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=website)
    with pytest.raises(InputError, match="leads everything to other"):
        deploy("41", ONE, website="true", versioning="true")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_what_somebody_sets_meanwhile_stops_it_before_anything_is_released(deploy, bucket, s3):
    theirs = {"IndexDocument": {"Suffix": "theirs.html"}}
    ran = deploy(
        "41",
        ONE,
        website="true",
        between=lambda _: s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=theirs),
    )
    assert "is not what it was when this was planned" in str(ran.outcome.error)
    assert [key for key in shown_keys(s3, bucket) if key.startswith("docs/")] == []


def shown_keys(s3, bucket):
    return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_state_that_would_be_opened_with_the_site_stops_it(deploy, bucket):
    with pytest.raises(InputError, match=r"publicRead would open s3://.*/docs/ to everybody, and with it"):
        deploy("41", ONE, public_read="true", state_location=f"s3://{bucket}/docs/state")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"error_document": "404.html"}, "errorDocument is set, but website is not."),
        ({"website": "true", "routing_rules": "- redirect: {}"}, "routingRules:1:13: A redirect leads nowhere"),
        ({"website": "true", "replace_routing_rules": "true"}, "replaceRoutingRules is set, but routingRules is empty"),
        (
            {"website": "true", "bucket_name": "arn:aws:s3:eu-west-1:111122223333:accesspoint/shop"},
            "website is set, but bucketName names an access point",
        ),
        ({"redirect_to": "www.example.com"}, "is set, but redirectBucket is not."),
        ({"redirect_bucket": "x"}, "redirectBucket is 'x': a bucket's name has 3 to 63 characters"),
        ({"redirect_bucket": "www.example.com"}, "redirectTo must be a host name"),
        ({"dns_aliases": "www.example.com=website"}, "dnsAliases, line 1: S3 finds a website by its host name"),
        ({"dns_aliases": "WWW.example.com=website"}, "dnsAliases, line 1: 'WWW.example.com' is no host name"),
        ({"dns_aliases": "a.example.com=endpoint"}, "a.example.com leads to 'endpoint': write website, or the id"),
        ({"hosted_zone_id": "Z1"}, "hostedZoneId is set, but dnsAliases names no host."),
        ({"distribution_ids": "d1.cloudfront.net"}, "distributionIds holds 'd1.cloudfront.net', which is no id"),
        ({"index_document": "a/b"}, "indexDocument is 'a/b': it is a name without a folder."),
    ],
)
def test_bad_input_is_told_before_anything_is_asked(deploy, given, problem):
    with pytest.raises(InputError) as refused:
        deploy("41", ONE, **given)
    assert problem in str(refused.value)


# --- and the way back ---------------------------------------------------------------------------------------------------------


def website_of(s3, bucket):
    there = s3.get_bucket_website(Bucket=bucket)
    return there.get("ErrorDocument", {}).get("Key", ""), len(there.get("RoutingRules", []))


RULES = "[{Condition: {KeyPrefixEquals: docs/a}, Redirect: {ReplaceKeyPrefixWith: docs/b}}]"
OTHER = {"website": "true", "error_document": "gone.html", "routing_rules": RULES}


@pytest.mark.parametrize("who", ["the checks", "a rollback"])
def test_the_website_configuration_goes_back_with_the_release(deploy, back, suite, edge, s3, bucket, who):
    told = {"distribution_ids": edge.id}
    deploy("41", ONE, website="true", **told)
    ran = deploy("42", TWO, **OTHER, **told, **({"checks_file": suite("41")} if who == "the checks" else {}))
    if who == "a rollback":
        assert website_of(s3, bucket) == ("docs/gone.html", 1)
        ran = back(**told)
        assert (ran.outcome.error, ran.outcome.warnings) == (None, ())
        assert beside(ran.plan)[0] == (
            "configure",
            "settings differ",
            f"website of s3://{bucket}: index.html, instead of index.html, errors docs/gone.html, 1 routing rule",
        )
    assert website_of(s3, bucket) == ("", 0)
    assert edge.paths[-1] == ["/*"]
    assert history(s3, bucket) == ("41", {"41": "healthy" if who == "the checks" else "live", "42": "rolledBack"})


def test_a_website_that_the_release_before_was_made_without_stays_with_a_warning(deploy, back, s3, bucket):
    deploy("41", ONE)
    deploy("42", TWO, **OTHER)
    (warning,) = back().outcome.warnings
    assert warning == (
        "The website configuration of the bucket stays as it is: release 42 has set it, and 41 was made without one."
    )
    assert website_of(s3, bucket) == ("docs/gone.html", 1)


def test_a_website_that_somebody_has_set_since_stays_with_a_warning(deploy, back, s3, bucket):
    deploy("41", ONE, website="true")
    deploy("42", TWO, **OTHER)
    theirs = {"IndexDocument": {"Suffix": "theirs.html"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=theirs)
    ran = back()
    assert ran.outcome.error is None
    assert said("The website configuration is set by somebody else before a rollback")[0] in ran.outcome.warnings[0]
    assert s3.get_bucket_website(Bucket=bucket)["IndexDocument"] == theirs["IndexDocument"]


def test_a_release_that_stops_half_way_leaves_the_website_as_it_was(deploy, misbehaving, embedded, s3, bucket):
    deploy("41", ONE, website="true")
    misbehaving.upstream = embedded.endpoint_url
    misbehaving.on(s3_error(403, "AccessDenied"), method="PUT", target="/index.html", times=1)
    ran = deploy("42", TWO, **OTHER, endpoint_url=misbehaving.url)
    assert ran.outcome.error is not None
    assert website_of(s3, bucket) == ("", 0)


@pytest.mark.parametrize("how", ["by its id", "by taking back again"])
def test_a_website_that_a_stopped_rollback_has_not_set_is_set_by_the_next_one(
    deploy, back, build, monkeypatch, s3, bucket, how
):
    deploy("41", ONE, website="true")
    build("42")
    deploy("42", TWO, **OTHER)
    again = {"mode": "takeBack"} if how == "by taking back again" else {}
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(applying, "apply_website", killed)
        with pytest.raises(KeyboardInterrupt):
            back(**again)
    assert (history(s3, bucket)[0], website_of(s3, bucket)) == ("41", ("docs/gone.html", 1))
    ran = back(lock="none", **again or {"release_id": "41"})
    assert (ran.outcome.error, ran.outcome.warnings, website_of(s3, bucket)) == (None, (), ("", 0))


def test_another_website_for_the_release_that_is_live_goes_back_with_it_too(deploy, back, s3, bucket):
    deploy("41", ONE, website="true")
    deploy("42", TWO, website="true")
    assert deploy("42", TWO, **OTHER).outcome.error is None
    assert website_of(s3, bucket) == ("docs/gone.html", 1)
    assert back().outcome.error is None
    assert website_of(s3, bucket) == ("", 0)


# --- CloudFront ----------------------------------------------------------------------------------------------------------------


def test_only_what_changed_is_invalidated_and_no_fingerprinted_file_that_came_or_went(deploy, edge):
    first = deploy("41", ONE, distribution_ids=edge.id)
    assert beside(first.plan) == [
        ("invalidate", "stale", f"CloudFront {edge.id}: /"),
        ("invalidate", "stale", f"CloudFront {edge.id}: /about.html"),
        ("invalidate", "stale", f"CloudFront {edge.id}: /index.html"),
    ]
    deploy("42", TWO, distribution_ids=edge.id)
    assert edge.paths[1:] == [["/", "/index.html"]]
    assert "ropeway-42-" in edge.invalidations[1]["InvalidationBatch"]["CallerReference"]


def test_a_release_that_changes_nothing_invalidates_nothing(deploy, edge):
    deploy("41", ONE, distribution_ids=edge.id)
    again = deploy("42", ONE, distribution_ids=edge.id)
    assert (beside(again.plan), len(edge.invalidations)) == ([], 1)


def test_a_dry_run_says_what_it_would_invalidate_and_does_not(deploy, edge, bucket, s3):
    planned = deploy("41", ONE, distribution_ids=edge.id, only_plan=True)
    assert len(beside(planned.plan)) == 3
    assert (edge.invalidations, shown_keys(s3, bucket)) == ([], [])


def test_more_paths_than_wanted_become_folders(deploy, edge):
    pages = {f"blog/{n}.html": b"" for n in range(5)}
    deploy("41", {**ONE, **pages}, distribution_ids=edge.id, invalidation_limit="4")
    assert edge.paths == [["/", "/about.html", "/blog/*", "/index.html"]]


def test_a_fingerprinted_file_whose_bytes_changed_is_invalidated(deploy, edge):
    deploy("41", ONE, distribution_ids=edge.id)
    mistaken = {**ONE, "app-C4Zk2xQ9.js": b"other()"}
    deploy("42", mistaken, distribution_ids=edge.id)
    assert edge.paths[1] == ["/app-C4Zk2xQ9.js"]


def test_a_fingerprinted_file_that_comes_back_is_invalidated_where_edges_keep_that_it_was_not_there(
    deploy, back, client_of, bucket
):
    """A visitor with a page of 41 open has asked for its script while 42 was live."""
    edge = distribution(client_of("cloudfront"), bucket, path="/docs", errors=(("/oops.html", 300),))
    given = {"distribution_ids": edge.id, "keep_releases": "0", "keep_days": "0"}
    deploy("41", ONE, **given)
    deploy("42", TWO, **given)
    back(distribution_ids=edge.id)
    assert "/app-C4Zk2xQ9.js" in edge.paths[-1]


def test_a_page_that_is_gone_is_invalidated(deploy, edge):
    deploy("41", ABOUT, distribution_ids=edge.id)
    deploy("42", {name: body for name, body in ABOUT.items() if name != "about.html"}, distribution_ids=edge.id)
    assert edge.paths[1] == ["/about.html"]


def test_a_rollback_tells_the_edges_too_and_so_does_the_way_forth_again(deploy, back, edge):
    deploy("41", ONE, distribution_ids=edge.id)
    deploy("42", TWO, distribution_ids=edge.id)
    back(distribution_ids=edge.id)
    deploy("42", TWO, distribution_ids=edge.id)
    assert edge.paths[1:] == [["/", "/index.html"]] * 3
    assert len({one["InvalidationBatch"]["CallerReference"] for one in edge.invalidations}) == 4


def test_a_rollback_that_names_no_distributions_tells_those_of_the_last_release(deploy, back, edge):
    deploy("41", ONE, distribution_ids=edge.id)
    deploy("42", TWO, distribution_ids=edge.id)
    ran = back()
    assert (ran.outcome.error, ran.outcome.warnings) == (None, ())
    assert edge.paths[2:] == [["/", "/index.html"]]


HOME = {"home.html": b"one", "guide/home.html": b"guide one", "about.html": b"about"}
OTHER_HOME = {**HOME, "home.html": b"two", "guide/home.html": b"guide two"}


@pytest.mark.parametrize("forgets", ["everything", "the index document", "how to release"])
def test_a_way_back_reaches_the_folders_of_index_pages_under_the_names_that_deploys_gave_them(
    deploy, back, edge, build, forgets
):
    given = {"distribution_ids": edge.id, "index_document": "home.html"}
    deploy("41", HOME, **given)
    build("42")
    deploy("42", OTHER_HOME, **given)
    if forgets == "how to release":
        ran = back(mode="takeBack")
    else:
        ran = back(**({} if forgets == "everything" else {"distribution_ids": edge.id}))
    assert (ran.outcome.error, ran.outcome.warnings) == (None, ())
    assert edge.paths[2:] == [["/", "/guide/", "/guide/home.html", "/home.html"]]


def test_a_way_back_reaches_the_index_pages_of_a_site_without_extensions(deploy, back, edge):
    given = {"distribution_ids": edge.id, "index_document": "home", "settings": "site: {extensionless: true}"}
    deploy("41", HOME, **given)
    deploy("42", OTHER_HOME, **given)
    assert back().outcome.error is None
    assert edge.paths[2:] == [["/", "/guide/", "/guide/home", "/home"]]


def test_a_release_that_calls_its_index_pages_otherwise_forgets_no_folder_of_those_before(deploy, back, edge):
    deploy("41", HOME, distribution_ids=edge.id, index_document="home.html")
    deploy("42", {**ONE, "guide/home.html": b"moved"}, distribution_ids=edge.id)
    assert edge.paths[1] == ["/", "/guide/", "/guide/home.html", "/home.html", "/index.html"]
    back()
    assert edge.paths[2] == edge.paths[1]


def test_a_distribution_that_is_no_more_does_not_hold_up_a_rollback_and_is_warned_of(
    deploy, back, edge, client_of, s3, bucket
):
    deploy("41", ONE, distribution_ids=edge.id)
    deploy("42", TWO, distribution_ids=edge.id)
    etag = client_of("cloudfront").get_distribution(Id=edge.id)["ETag"]
    client_of("cloudfront").delete_distribution(Id=edge.id, IfMatch=etag)
    ran = back()
    assert (ran.outcome.error, history(s3, bucket)[0]) == (None, "41")
    (warning,) = ran.outcome.warnings
    assert warning.startswith(f"The last release told the distribution {edge.id}, this run cannot")
    assert "NoSuchDistribution" in warning
    assert said("A distribution that the last release told cannot be told by a rollback")[0] in warning


def test_a_release_that_names_no_distributions_any_more_is_a_warning(deploy, edge, s3, bucket):
    deploy("41", ONE, distribution_ids=edge.id)
    (warning,) = deploy("42", TWO).outcome.warnings
    assert warning.startswith(
        f"This run names no distribution (distributionIds), and the release before it named {edge.id}: edges go on"
    )
    s3.delete_object(Bucket=bucket, Key=".ropeway/sites/docs/cloudfront.json")
    assert deploy("43", ONE).outcome.warnings == ()


def test_protected_objects_are_never_invalidated(deploy, edge, s3, bucket):
    s3.put_object(Bucket=bucket, Key="docs/uploads/a.png", Body=b"theirs")
    given = {"distribution_ids": edge.id, "protected": "uploads/**"}
    first = deploy("41", ONE, **given)
    assert edge.paths == [["/", "/about.html", "/index.html"]]
    assert {stage.name: len(stage.steps) for stage in first.plan.stages}["what is gone"] == 0
    again = deploy("42", ONE, **given)
    assert (beside(again.plan), len(edge.invalidations)) == ([], 1)


def test_a_release_that_its_checks_take_back_is_invalidated_both_times(deploy, edge, suite, s3, bucket):
    deploy("41", ONE, distribution_ids=edge.id)
    ran = deploy("42", TWO, distribution_ids=edge.id, checks_file=suite("41"))
    assert isinstance(ran.outcome.error, ChecksFailed)
    assert history(s3, bucket)[0] == "41"
    assert edge.paths[1:] == [["/", "/index.html"]] * 2


def test_an_invalidation_that_fails_is_the_runs_error_and_the_next_run_makes_it_good(
    deploy, edge, client_of, s3, bucket
):
    deploy("41", ONE, distribution_ids=edge.id)
    other = distribution(client_of("cloudfront"), bucket, path="/docs")
    both = f"{edge.id}\n{other.id}"

    def vanish(_):
        etag = client_of("cloudfront").get_distribution(Id=other.id)["ETag"]
        client_of("cloudfront").delete_distribution(Id=other.id, IfMatch=etag)

    failed = deploy("42", TWO, distribution_ids=both, between=vanish)
    assert isinstance(failed.outcome.error, AwsError)
    assert f"of the distribution {other.id}: AWS answered NoSuchDistribution" in str(failed.outcome.error)
    assert "Release 42 is live all the same" in failed.outcome.error.advice
    assert (history(s3, bucket)[0], len(edge.invalidations)) == ("42", 2)
    journal = json.loads(s3.get_object(Bucket=bucket, Key=".ropeway/sites/docs/cloudfront.json")["Body"].read())
    assert list(journal["distributions"]) == [other.id]


def test_what_a_run_that_died_did_not_invalidate_the_next_one_does_though_it_changes_nothing(
    deploy, edge, embedded, monkeypatch
):
    deploy("41", ONE, distribution_ids=edge.id)
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(invalidating, "invalidate", killed)
        with pytest.raises(KeyboardInterrupt):
            deploy("42", TWO, distribution_ids=edge.id)
    assert len(edge.invalidations) == 1
    later = deploy("43", TWO, distribution_ids=edge.id, lock="none")
    assert later.outcome.error is None
    assert edge.paths[1:] == [["/", "/index.html"]]


def killed(*_):
    raise KeyboardInterrupt


@pytest.fixture
def other(client_of, bucket):
    """A second distribution that shows the site."""
    return distribution(client_of("cloudfront"), bucket, path="/docs")


def dies(deploy, *release, **given):
    """The objects are released, and CloudFront is told nothing."""
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(invalidating, "invalidate", killed)
        with pytest.raises(KeyboardInterrupt):
            deploy(*release, **given)


def journal_of(s3, bucket):
    return json.loads(s3.get_object(Bucket=bucket, Key=".ropeway/sites/docs/cloudfront.json")["Body"].read())


@pytest.mark.parametrize("names", ["none", "another one"])
@pytest.mark.parametrize("files", [TWO, ONE], ids=["which changes nothing", "which changes something"])
def test_what_was_left_of_a_distribution_is_done_by_a_run_that_does_not_name_it(
    deploy, edge, other, s3, bucket, names, files
):
    deploy("41", ONE, distribution_ids=edge.id)
    dies(deploy, "42", TWO, distribution_ids=edge.id)
    given = {"distribution_ids": other.id} if names == "another one" else {}
    later = deploy("43", files, **given, lock="none")
    assert later.outcome.error is None
    assert ("invalidate", "stale", f"CloudFront {edge.id}: /index.html") in beside(later.plan)
    assert edge.paths[1:] == [["/", "/index.html"]]
    assert journal_of(s3, bucket)["distributions"] == {}


def test_what_was_left_is_done_by_a_rollback_that_names_another_one(deploy, back, edge, other):
    deploy("41", ONE, distribution_ids=edge.id)
    dies(deploy, "42", TWO, distribution_ids=edge.id)
    assert back(distribution_ids=other.id, lock="none").outcome.error is None
    assert edge.paths[1:] == [["/", "/index.html"]]
    assert other.paths == [["/*"]]


def test_what_was_left_of_a_distribution_that_is_no_more_is_a_warning_that_names_it_and_stays(
    deploy, edge, other, client_of, s3, bucket
):
    deploy("41", ONE, distribution_ids=edge.id)
    dies(deploy, "42", TWO, distribution_ids=other.id)
    etag = client_of("cloudfront").get_distribution(Id=other.id)["ETag"]
    client_of("cloudfront").delete_distribution(Id=other.id, IfMatch=etag)
    later = deploy("43", ONE, distribution_ids=edge.id, lock="none")
    assert (later.outcome.error, edge.paths[1:]) == (None, [["/*"]])
    (warning,) = [words for words in later.outcome.warnings if "NoSuchDistribution" in words]
    assert warning.startswith(f"Could not invalidate 1 path of the distribution {other.id}: AWS answered")
    assert (
        said(
            "What an earlier run has left to invalidate is of a distribution that is not named any more, and CloudFront refuses it"
        )[0]
        in warning
    )
    assert f"s3://{bucket}/.ropeway/sites/docs/cloudfront.json" in warning
    assert list(journal_of(s3, bucket)["distributions"]) == [other.id]


def test_a_distribution_that_is_named_for_the_first_time_is_told_everything(deploy, edge):
    """Somebody sees the old page, and names it now: nothing changes any more."""
    deploy("41", ONE)
    deploy("42", TWO)
    again = deploy("42", TWO, distribution_ids=edge.id)
    assert beside(again.plan) == [("invalidate", "stale", f"CloudFront {edge.id}: /*")]
    assert edge.paths == [["/*"]]
    deploy("43", ONE, distribution_ids=edge.id)
    assert edge.paths[1:] == [["/", "/index.html"]]


def test_a_distribution_that_releases_have_not_named_meanwhile_is_told_everything_once(deploy, edge):
    deploy("41", ONE, distribution_ids=edge.id)
    deploy("42", TWO)
    for release in ("43", "44"):
        assert deploy(release, TWO, distribution_ids=edge.id).outcome.error is None
    assert edge.paths[1:] == [["/*"]]


def test_a_distribution_that_a_rollback_could_not_tell_is_told_everything_by_the_next_release(
    deploy, back, edge, monkeypatch
):
    deploy("41", ONE, distribution_ids=edge.id)
    deploy("42", TWO, distribution_ids=edge.id)

    def denied(*_):
        raise AwsError("look at the distribution", code="AccessDenied", answer="no")

    with pytest.MonkeyPatch.context() as lesser:
        lesser.setattr(distributions, "read_distribution", denied)
        assert len(back().outcome.warnings) == 1
    deploy("41", ONE, distribution_ids=edge.id)
    assert edge.paths[2:] == [["/*"]]


def test_a_distribution_that_is_named_no_more_beside_another_one_is_a_warning(deploy, edge, other):
    deploy("41", ONE, distribution_ids=f"{edge.id}\n{other.id}")
    (warning,) = deploy("42", TWO, distribution_ids=other.id).outcome.warnings
    assert warning.startswith(
        f"This run does not name {edge.id} (distributionIds), which the release before it has named: edges there go on"
    )
    assert deploy("43", ONE, distribution_ids=other.id).outcome.warnings == ()


def refused_by(edge, client_of):
    """CloudFront refuses it from now on: there is none any more."""
    etag = client_of("cloudfront").get_distribution(Id=edge.id)["ETag"]
    client_of("cloudfront").delete_distribution(Id=edge.id, IfMatch=etag)


def test_a_rollback_that_could_not_tell_cloudfront_says_how_it_is_finished_and_not_how_to_go_further_back(
    deploy, back, edge, other, client_of, s3, bucket
):
    both = f"{edge.id}\n{other.id}"
    for release, files in (("40", ABOUT), ("41", ONE), ("42", TWO)):
        deploy(release, files, distribution_ids=edge.id)
    ran = back(distribution_ids=both, between=lambda _: refused_by(other, client_of))
    assert history(s3, bucket)[0] == "41"
    advice = ran.outcome.error.advice
    assert "Release 41 is live all the same, and caches may show what was before: roll back to 41" in advice
    assert said("A rollback is done, and CloudFront refuses to be told, or the website cannot be set")[0] in advice
    assert back(release_id="41").outcome.error is None
    assert history(s3, bucket)[0] == "41"


def test_a_website_that_cannot_be_set_is_told_with_the_caches_that_nobody_has_told_for_it(deploy, edge, monkeypatch):
    deploy("41", ONE, distribution_ids=edge.id)

    def refused(*_):
        raise AwsError("set the website", code="AccessDenied", answer="no")

    monkeypatch.setattr(applying, "apply_website", refused)
    advice = deploy("42", TWO, **OTHER, distribution_ids=edge.id).outcome.error.advice
    assert "the website is not set up as it should be, and caches may show what was before: run it again." in advice
    assert len(edge.paths) == 1


def test_an_automatic_way_back_that_could_not_tell_cloudfront_does_not_send_anybody_further_back(
    deploy, edge, suite, monkeypatch, s3, bucket
):
    deploy("40", ABOUT, distribution_ids=edge.id)
    deploy("41", ONE, distribution_ids=edge.id)
    asked, invalidate = [], invalidating.invalidate

    def refused_the_second_time(*given):
        asked.append(given)
        if len(asked) == 2:
            raise AwsError("invalidate", code="AccessDenied", answer="no")
        return invalidate(*given)

    monkeypatch.setattr(invalidating, "invalidate", refused_the_second_time)
    error = deploy("42", TWO, distribution_ids=edge.id, checks_file=suite("41")).outcome.error
    assert history(s3, bucket)[0] == "41"
    assert "roll back to 41 once more, by its id" in error.advice
    assert "`ropeway s3 rollback`" not in error.advice
    assert "parts of both" not in error.advice


def test_what_was_taken_back_and_not_told_to_cloudfront_is_told_when_it_is_taken_back_again(
    deploy, back, edge, build, s3, bucket
):
    build("41")
    deploy("41", ONE, distribution_ids=edge.id)
    build("42")
    deploy("42", TWO, distribution_ids=edge.id)
    dies(lambda **given: back(mode="takeBack", **given))
    assert (history(s3, bucket)[0], len(edge.paths)) == ("41", 2)
    again = back(mode="takeBack", lock="none")
    assert again.outcome.error is None
    assert edge.paths[2:] == [["/", "/index.html"]]
    assert "taken back already" in back(mode="takeBack").outcome.title
    assert history(s3, bucket) == ("41", {"41": "live", "42": "rolledBack"})


def test_a_website_configuration_that_changes_makes_everything_stale(deploy, edge):
    deploy("41", ONE, distribution_ids=edge.id)
    deploy("42", ONE, distribution_ids=edge.id, website="true", error_document="about.html")
    assert edge.paths[1] == ["/*"]


def test_a_distribution_that_there_is_not_stops_it_before_anything_is_released(deploy, bucket, s3):
    with pytest.raises(AwsError, match="NoSuchDistribution"):
        deploy("41", ONE, distribution_ids="E2QWRUHAPOMQZL")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize(("endpoint", "warns"), [("s3.us-east-1", True), ("s3-website-us-east-1", False)])
def test_redirects_that_a_distribution_shows_as_empty_pages_are_a_warning(deploy, client_of, bucket, endpoint, warns):
    edge = distribution(client_of("cloudfront"), bucket, path="/docs", host=f"{bucket}.{endpoint}.amazonaws.com")
    ran = deploy("1", {**ONE, "_redirects": b"/old /about.html"}, distribution_ids=edge.id)
    told = [words for words in ran.outcome.warnings if "shows empty pages where redirects are" in words]
    assert [f"s3://{bucket}/docs/old" in words for words in told] == [True] * warns


def test_a_distribution_before_another_bucket_is_a_warning(deploy, client_of, bucket):
    other = distribution(client_of("cloudfront"), "other")
    planned = deploy("41", ONE, distribution_ids=other.id, only_plan=True)
    [warning] = planned.plan.warnings
    assert warning.startswith(
        f"No origin of the distribution {other.id} is the bucket {bucket} (they are other.s3.us-east-1."
    )
