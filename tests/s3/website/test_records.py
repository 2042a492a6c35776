"""Alias records in hosted zones: the right zone, both types, over nothing that was not seen, and known to all servers at the end."""

from __future__ import annotations

import uuid

import pytest

from ropeway.errors import AwsError, Cancelled, InputError
from ropeway.outcome import Cancellation, Run
from ropeway.s3.website import records
from ropeway.s3.website.applying import apply_website
from ropeway.s3.website.records import Zone, zone_of
from ropeway.s3.website.wanted import WEBSITE, Alias, Pages, RedirectBucket, Wanted
from tests.s3.cloudfront.kit import distribution
from tests.s3.website.conftest import told
from tests.tasks.conftest import Told

ENDPOINT = "s3-website-us-east-1.amazonaws.com"


def named(host, target=WEBSITE, **more):
    return Wanted(host, "us-east-1", aliases=(Alias(host, target),), **more)


class Records:
    """Those of a name in a zone, and how to change them behind Ropeway's back."""

    def __init__(self, route53, host):
        self.route53, self.host = route53, host
        zones = {zone["Name"]: zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]}
        self.zone = zones[max((name for name in zones if f".{host}.".endswith(f".{name}")), key=len)]

    def set(self, type, value="", **more):
        self._change("UPSERT", {"Type": type, "TTL": 60, "ResourceRecords": [{"Value": value}], **more})

    def delete(self, type, value):
        self._change("DELETE", {"Type": type, "TTL": 60, "ResourceRecords": [{"Value": value}]})

    def _change(self, action, record):
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": {"Name": self.host, **record}}]}
        self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch=batch)

    @property
    def aliases(self):
        told = self.route53.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        return {
            one["Type"]: (one["AliasTarget"]["DNSName"].rstrip("."), one["AliasTarget"]["HostedZoneId"])
            for one in told
            if one["Name"] == f"{self.host}." and "AliasTarget" in one
        }


@pytest.fixture
def found(client_of, host):
    return Records(client_of("route53"), host)


def test_a_name_leads_to_the_website_endpoint_of_its_region(bench, host, found):
    run = Run(Told())
    planned = bench.set_up(named(host), run)
    zone = found.zone.rpartition("/")[2]
    assert told(planned) == [
        ("configure", "new", f"A record {host}: {ENDPOINT} (zone {zone})"),
        ("configure", "new", f"AAAA record {host}: {ENDPOINT} (zone {zone})"),
    ]
    assert found.aliases == dict.fromkeys(("A", "AAAA"), (ENDPOINT, "Z3AQBSTGFYJSTF"))
    assert planned.url == f"http://{host}/"
    again = bench.plan(named(host))
    assert {(step.action, str(step.reason)) for step in again.steps} == {("skip", "unchanged")}


def test_a_name_leads_to_a_distribution_that_answers_for_it(bench, host, found, client_of):
    edge = distribution(client_of("cloudfront"), host, names=(host,))
    planned = bench.set_up(named(host, edge.id))
    assert found.aliases == dict.fromkeys(("A", "AAAA"), (edge.host, "Z2FDTNDATAQYW2"))
    assert planned.url == f"https://{host}/"


@pytest.mark.parametrize(("origin", "path"), [("/docs", "/"), ("", "/docs/")])
def test_a_site_in_a_folder_is_found_where_the_distribution_shows_it(bench, host, client_of, origin, path):
    edge = distribution(client_of("cloudfront"), host, path=origin, names=(host,))
    assert bench.plan(named(host, edge.id, prefix="docs")).url == f"https://{host}{path}"


@pytest.mark.parametrize("origin", [None, "", "/docs"])
def test_a_name_that_leads_on_to_another_one_leads_to_the_folder_there(bench, host, client_of, origin):
    """A bucket that redirects keeps the path."""
    front = f"front.{host}"
    made = None if origin is None else distribution(client_of("cloudfront"), host, path=origin, names=(host,))
    wanted = Wanted(
        host,
        "us-east-1",
        "docs",
        pages=Pages("index.html"),
        redirect=RedirectBucket(front, host),
        aliases=(Alias(front, WEBSITE), Alias(host, made.id if made else WEBSITE)),
    )
    assert bench.plan(wanted).url == f"http://{front}/{'' if origin == '/docs' else 'docs/'}"


def test_a_distribution_that_does_not_answer_for_the_name_stops_the_plan(bench, host, found, client_of):
    edge = distribution(client_of("cloudfront"), host, names=("*.other.example",))
    with pytest.raises(
        InputError, match=rf"The distribution {edge.id} does not answer for {host}: its .* are \*\.other\.example"
    ):
        bench.plan(named(host, edge.id))


def test_a_name_does_not_lead_to_a_bucket_that_is_no_website(bench, host, s3):
    s3.delete_bucket_website(Bucket=host)
    with pytest.raises(InputError, match=f"{host} would lead to a bucket that is no website"):
        bench.plan(named(host))
    assert len(bench.plan(named(host, pages=Pages())).steps) == 3


def test_a_record_that_leads_elsewhere_is_changed_and_the_plan_says_from_where(bench, host, found):
    found.set("A", "192.0.2.1")
    planned = bench.set_up(named(host))
    assert [(reason, name.partition(", instead of ")[2]) for _, reason, name in told(planned)] == [
        ("settings differ", "192.0.2.1"),
        ("new", ""),
    ]
    assert set(found.aliases) == {"A", "AAAA"}


def test_records_of_other_kinds_stay(bench, host, found):
    found.set("TXT", '"v=spf1 -all"')
    found.set("MX", "10 mail.example")
    bench.set_up(named(host))
    listed = found.route53.list_resource_record_sets(HostedZoneId=found.zone)["ResourceRecordSets"]
    assert {"TXT", "MX", "A", "AAAA", "NS", "SOA"} == {one["Type"] for one in listed}


@pytest.mark.parametrize("type", ["CNAME", "NS"])
def test_a_record_that_suffers_no_other_is_a_conflict_before_anything_is_changed(bench, host, client_of, type):
    www = f"www.{host}"
    there = Records(client_of("route53"), www)
    there.set(type, "other.example.")
    wanted = Wanted(
        host,
        "us-east-1",
        versioning=True,
        redirect=RedirectBucket(www, host),
        aliases=(Alias(host, WEBSITE), Alias(www, WEBSITE)),
    )
    with pytest.raises(
        InputError, match=rf"{www} has a record of type {type} in the zone {host}.*no alias can stand beside it"
    ):
        bench.plan(wanted)
    assert there.aliases == {}


def test_records_with_a_routing_policy_are_not_touched(bench, host, found):
    found.set("A", "192.0.2.1", SetIdentifier="blue", Weight=1)
    with pytest.raises(InputError, match="with a routing policy"):
        bench.plan(named(host))


def test_a_record_that_somebody_has_changed_since_the_plan_is_not_written_over(bench, host, found):
    found.set("A", "192.0.2.1")
    planned = bench.plan(named(host))
    found.set("A", "192.0.2.2")
    done = apply_website(planned, bench.aws, bench.engine, Run())
    assert [type(one.error) for one in done] == [AwsError, AwsError]
    assert "AWS answered InvalidChangeBatch" in str(done[0].error)
    assert "do not match the current values" in str(done[0].error)
    assert found.aliases == {}  # neither of the two


def test_a_change_that_does_not_settle_is_an_error(bench, host, settings, monkeypatch):
    settings(settling=600)
    monkeypatch.setattr(records, "LONGEST", 0.1)
    done = apply_website(bench.plan(named(host)), bench.aws, bench.engine, Run())
    assert "are set, but not known to all servers of Route 53 after" in str(done[0].error)


def test_a_stop_ends_the_waiting(bench, host, settings):
    settings(settling=600)

    class Stopping(Cancellation):
        def wait(self, seconds: float) -> bool:
            self.ask("the agent said so")
            return True

    with pytest.raises(Cancelled, match="the agent said so"):
        apply_website(bench.plan(named(host)), bench.aws, bench.engine, Run(cancellation=Stopping()))


# --- which zone ------------------------------------------------------------------------------------------------------------------

ZONES = (
    Zone("Z1", "example.com"),
    Zone("Z2", "shop.example.com"),
    Zone("Z3", "two.example"),
    Zone("Z4", "two.example"),
)


@pytest.mark.parametrize(
    ("host", "id", "zone"),
    [
        ("example.com", "", "Z1"),
        ("www.example.com", "", "Z1"),
        ("www.shop.example.com", "", "Z2"),
        ("shop.example.com", "", "Z2"),
        ("myshop.example.com", "", "Z1"),
        ("a.two.example", "Z4", "Z4"),
        ("www.shop.example.com", "Z1", "Z1"),
    ],
)
def test_the_zone_with_the_longest_name_holds_a_host_unless_one_is_named(host, id, zone):
    assert zone_of(host, ZONES, id).id == zone


@pytest.mark.parametrize(
    ("host", "id", "problem"),
    [
        ("www.example.org", "", "No public hosted zone of this account holds www.example.org; there are: example.com,"),
        ("notexample.com", "", "No public hosted zone"),
        ("www.example.com", "Z3", r"holds www\.example\.com \(hostedZoneId is Z3\)"),
        ("www.two.example", "", "2 public hosted zones are called two.example: Z3, Z4"),
    ],
)
def test_no_zone_or_more_than_one_is_an_error(host, id, problem):
    with pytest.raises(InputError, match=problem):
        zone_of(host, ZONES, id)


def test_private_zones_do_not_count(bench, client_of, host):
    vpc = client_of("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    client_of("route53").create_hosted_zone(
        Name=f"www.{host}",
        CallerReference=uuid.uuid4().hex,
        VPC={"VPCRegion": "us-east-1", "VPCId": vpc},
        HostedZoneConfig={"Comment": "", "PrivateZone": True},
    )
    www = f"www.{host}"
    wanted = Wanted(host, "us-east-1", redirect=RedirectBucket(www, host), aliases=(Alias(www, WEBSITE),))
    zone = Records(client_of("route53"), host).zone.rpartition("/")[2]
    assert [step.name.endswith(f"(zone {zone})") for step in bench.plan(wanted).steps] == [False, False, True, True]


def test_two_public_zones_of_one_name_are_told_by_their_ids(bench, client_of, host):
    second = client_of("route53").create_hosted_zone(Name=host, CallerReference=uuid.uuid4().hex)["HostedZone"]["Id"]
    with pytest.raises(InputError, match=f"2 public hosted zones are called {host}"):
        bench.plan(named(host))
    id = second.rpartition("/")[2]
    assert all(id in step.name for step in bench.plan(named(host, zone=id)).steps)
