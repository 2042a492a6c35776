"""S3's website endpoints, as a browser or a check sees them."""

from __future__ import annotations

import contextlib
import http.client
import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

READ = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
LIST = {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket"}


@dataclass
class Site:
    """A public bucket with a website. Nothing of what it answers is followed."""

    s3: Any
    name: str
    url: str

    def put(self, key: str, body: str = "", **more: str) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body or key, ContentType="text/html", **more)

    def configure(self, **configuration: Any) -> None:
        self.s3.put_bucket_website(Bucket=self.name, WebsiteConfiguration=configuration)

    def open(self, *statements: dict[str, Any], block: bool = False) -> None:
        if not block:
            self.s3.delete_public_access_block(Bucket=self.name)
        arn = f"arn:aws:s3:::{self.name}"
        told = [{**s, "Resource": f"{arn}/*" if s["Action"] == "s3:GetObject" else arn} for s in statements]
        policy = {"Version": "2012-10-17", "Statement": told}
        self.s3.put_bucket_policy(Bucket=self.name, Policy=json.dumps(policy))

    def get(self, path: str, method: str = "GET", url: str = "", **headers: str) -> Any:
        """Status, headers, text."""
        netloc = (url or self.url).partition("//")[2]
        with contextlib.closing(http.client.HTTPConnection(netloc, timeout=30)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read().decode()


@pytest.fixture
def site(embedded, s3):
    name = f"site-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    made = Site(s3, name, embedded.website(name))
    made.open(READ, LIST)
    made.configure(IndexDocument={"Suffix": "index.html"}, ErrorDocument={"Key": "oops.html"})
    for key in ("index.html", "docs/index.html", "page.html", "oops.html"):
        made.put(key)
    return made


def test_an_object_is_served_as_it_was_stored(site):
    site.put("style", "body{}", CacheControl="max-age=60")
    status, headers, text = site.get("/style?v=3")
    assert (status, text, headers["content-type"], headers["cache-control"]) == (
        200,
        "body{}",
        "text/html",
        "max-age=60",
    )
    assert headers["etag"]
    assert headers["x-amz-request-id"]
    assert headers["server"] == "AmazonS3"


@pytest.mark.parametrize(("path", "key"), [("/", "index.html"), ("/docs/", "docs/index.html")])
def test_a_folder_has_its_index(site, path, key):
    assert site.get(path)[::2] == (200, key)


def test_a_folder_without_its_slash_is_sent_to_the_one_with_it(site):
    status, headers, _ = site.get("/docs")
    assert (status, headers["location"]) == (302, "/docs/")


def test_what_is_missing_gets_the_error_document_and_404(site):
    status, headers, text = site.get("/missing")
    assert (status, text, headers["x-amz-error-code"]) == (404, "oops.html", "NoSuchKey")
    assert headers["x-amz-error-detail-Key".lower()] == "missing"


def test_without_an_error_document_s3_has_a_page(site):
    site.configure(IndexDocument={"Suffix": "index.html"})
    status, headers, text = site.get("/a<b>")
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>404 Not Found</h1>" in text
    assert (
        "<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>\n<li>Key: a&lt;b&gt;</li>"
        in text
    )


def test_an_error_document_that_is_missing_is_said_too(site):
    site.s3.delete_object(Bucket=site.name, Key="oops.html")
    text = site.get("/missing")[2]
    assert "An Error Occurred While Attempting to Retrieve a Custom Error Document" in text
    assert text.count("<li>Code: NoSuchKey</li>") == 2


def test_it_never_lists(site):
    site.s3.delete_object(Bucket=site.name, Key="index.html")
    status, _, text = site.get("/?list-type=2")
    assert (status, text) == (404, "oops.html")


def test_head_has_no_body(site):
    assert site.get("/page.html", "HEAD")[::2] == (200, "")
    assert site.get("/missing", "HEAD")[::2] == (404, "")


def test_ranges_and_conditions_hold(site):
    assert site.get("/page.html", Range="bytes=0-3")[::2] == (206, "page")
    etag = site.get("/page.html")[1]["etag"]
    assert site.get("/page.html", If_None_Match=etag)[0] == 304


def test_a_form_is_refused(site):
    status, _, text = site.get("/", "POST")
    assert (status, "Code: MethodNotAllowed" in text) == (405, True)


# --- redirects -----------------------------------------------------------------------------------------------------------


def test_an_object_can_send_elsewhere(site):
    site.put("old", WebsiteRedirectLocation="/page.html")
    status, headers, text = site.get("/old")
    assert (status, headers["location"], text) == (301, "/page.html", "")


def test_a_bucket_can_send_everything_elsewhere(site):
    site.configure(RedirectAllRequestsTo={"HostName": "www.example.com", "Protocol": "https"})
    status, headers, _ = site.get("/docs/a%20b")
    assert (status, headers["location"]) == (301, "https://www.example.com/docs/a%20b")


def test_rules_send_by_prefix_before_anything_is_looked_for_and_by_status_after_it(site):
    site.configure(
        IndexDocument={"Suffix": "index.html"},
        RoutingRules=[
            {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "manual/"}},
            {
                "Condition": {"HttpErrorCodeReturnedEquals": "404"},
                "Redirect": {"HostName": "old.example.com", "HttpRedirectCode": "302", "Protocol": "https"},
            },
            {"Condition": {"KeyPrefixEquals": "img/"}, "Redirect": {"ReplaceKeyWith": "image.html"}},
        ],
    )
    host = site.url.partition("//")[2]
    asked = {path: site.get(path) for path in ("/docs/x", "/missing", "/img/a.png", "/page.html")}
    told = {path: (status, headers.get("location")) for path, (status, headers, _) in asked.items()}
    assert told == {
        "/docs/x": (301, f"http://{host}/manual/x"),
        "/missing": (302, "https://old.example.com/missing"),
        "/img/a.png": (301, f"http://{host}/image.html"),
        "/page.html": (200, None),
    }


# --- who may -------------------------------------------------------------------------------------------------------------


def test_what_is_not_public_is_forbidden(site):
    site.s3.delete_bucket_policy(Bucket=site.name)
    status, _, text = site.get("/page.html")
    assert (status, "<li>Code: AccessDenied</li>" in text) == (403, True)


def test_who_may_not_list_is_not_told_what_is_missing(site):
    site.open(READ)
    assert site.get("/missing")[::2] == (403, "oops.html")


def test_a_blocked_policy_opens_nothing(site):
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    site.s3.put_public_access_block(Bucket=site.name, PublicAccessBlockConfiguration=block)
    assert site.get("/page.html")[0] == 403
    with pytest.raises(ClientError, match=r"AccessDenied.*BlockPublicPolicy"):
        site.open(READ, block=True)


def test_a_policy_for_somebody_is_none_for_everybody(site):
    site.open({**READ, "Principal": {"Service": "cloudfront.amazonaws.com"}})
    assert site.get("/page.html")[0] == 403


def test_a_bucket_without_a_website_says_so(embedded, site, bucket):
    url = embedded.website(bucket)
    status, _, text = site.get("/", url=url)
    assert (status, f"<li>BucketName: {bucket}</li>" in text) == (404, True)
    assert "NoSuchWebsiteConfiguration" in text
    assert "NoSuchBucket" in site.get("/", url=embedded.website("no-such-bucket-here"))[2]


# --- by name -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["{}.s3-website-us-east-1.amazonaws.com", "{}.s3-website.eu-central-1.amazonaws.com", "{}.s3-website-us-east-1.localhost:99", "{}"]
)  # fmt: skip
def test_the_host_header_names_it_too(embedded, site, host):
    assert site.get("/", url=embedded.endpoint_url, Host=host.format(site.name))[::2] == (200, "index.html")


def test_the_endpoint_without_a_bucket_sends_away(embedded, site):
    status, headers, _ = site.get("/", url=embedded.endpoint_url, Host="s3-website-us-east-1.amazonaws.com")
    assert (status, headers["location"]) == (301, "https://aws.amazon.com/s3/")


def test_the_api_of_a_bucket_with_a_website_stays_what_it_is(site):
    assert site.s3.get_object(Bucket=site.name, Key="page.html")["Body"].read() == b"page.html"
    assert site.s3.get_bucket_website(Bucket=site.name)["IndexDocument"] == {"Suffix": "index.html"}
