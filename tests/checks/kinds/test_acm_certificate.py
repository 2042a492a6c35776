"""The kind `acm-certificate`, asked of real certificates that were imported into the embedded AWS's ACM."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from ropeway.checks.kinds.acm_certificate import KIND
from tests.checks.asking import ask, settings_of


@pytest.fixture
def imported(client_of: Callable[..., Any], authority: trustme.CA) -> Callable[..., str]:
    """Imports a certificate for these names that lasts so many days; answers with its ARN."""

    def make(*names: str, days: float = 90, region: str = "us-east-1") -> str:
        made = authority.issue_cert(
            *names, common_name=names[0], not_after=dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=days)
        )
        answer = client_of("acm", region).import_certificate(
            Certificate=made.cert_chain_pems[0].bytes(),
            PrivateKey=made.private_key_pem.bytes(),
            CertificateChain=authority.cert_pem.bytes(),
        )
        return str(answer["CertificateArn"])

    return make


def test_one_that_lasts_long_enough_passes(aws, imported):
    finding = ask(KIND, f"certificate: {imported('shop.test', days=90.5)}", aws)
    assert (finding.verdict, finding.expected) == ("pass", "valid for 30d and longer")
    assert re.fullmatch(r"valid until 20\d\d-\d\d-\d\d \(90 days left\)", finding.got)


def test_an_imported_one_near_its_end_fails_and_says_that_acm_will_not_renew_it(aws, imported):
    finding = ask(KIND, f"certificate: {imported('shop.test', days=10.5)}", aws)
    assert finding.verdict == "fail"
    assert finding.got.endswith("(10 days left)")
    assert finding.advice.startswith("It was imported, and ACM renews no imported certificate: get a new one")


def test_one_that_is_over_fails(aws, imported):
    arn = imported("shop.test", days=10 / 86_400)  # ACM takes none that is over already
    time.sleep(11)
    finding = ask(KIND, f"certificate: {arn}", aws)
    assert finding.verdict == "fail"
    assert finding.got.startswith(("expired on ", "EXPIRED"))


def test_it_must_be_for_all_the_names_and_a_star_stands_for_one_label(aws, imported):
    arn = imported("shop.test", "*.shop.test")
    assert ask(KIND, f"{{certificate: '{arn}', names: [shop.test, WWW.shop.test]}}", aws).verdict == "pass"
    finding = ask(KIND, f"{{certificate: '{arn}', names: [a.b.shop.test, shop.test]}}", aws)
    assert (finding.verdict, finding.expected) == ("fail", "for a.b.shop.test, shop.test")
    assert finding.got == "not for a.b.shop.test"
    assert finding.details == ("It is for shop.test, *.shop.test.",)


def test_one_that_nothing_uses_fails_where_it_must_be_in_use(aws, imported, client_of):
    arn = imported("shop.test")
    finding = ask(KIND, f"{{certificate: '{arn}', inUse: true}}", aws)
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "in use", "not in use")
    assert finding.advice == "Give it to the listener or the distribution."


def test_one_that_a_listener_uses_is_in_use(aws, imported, client_of):
    arn, elb = imported("shop.test"), client_of("elbv2")
    subnets = client_of("ec2").describe_subnets()["Subnets"]
    name = arn[-8:]
    balancer = elb.create_load_balancer(Name=name, Subnets=[s["SubnetId"] for s in subnets][:2])["LoadBalancers"][0]
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=[fixed],
    )
    assert ask(KIND, f"{{certificate: '{arn}', inUse: true}}", aws).verdict == "pass"
    finding = ask(KIND, f"{{certificate: '{arn}', inUse: false}}", aws)
    assert (finding.verdict, finding.got) == ("fail", "in use by 1 resource")


def test_it_is_found_by_its_domain(aws, imported):
    imported("found.test")
    assert ask(KIND, "certificate: found.test", aws).verdict == "pass"
    finding = ask(KIND, "certificate: lost.test", aws)
    assert (finding.verdict, finding.got) == ("fail", "none for lost.test in this region")


def test_all_that_are_for_the_domain_must_hold(aws, imported):
    imported("twice.test")
    imported("twice.test", days=3)
    assert ask(KIND, "certificate: twice.test", aws).verdict == "fail"


def test_an_arn_says_its_own_region(aws, imported):
    arn = imported("far.test", region="eu-west-1")
    assert ask(KIND, f"certificate: {arn}", aws).verdict == "pass"
    assert ask(KIND, "certificate: far.test", aws).verdict == "fail"
    assert ask(KIND, "{certificate: far.test, region: eu-west-1}", aws).verdict == "pass"


def test_one_that_waits_for_validation_fails_and_tells_the_records(aws, client_of):
    arn = client_of("acm").request_certificate(DomainName="new.test", ValidationMethod="DNS")["CertificateArn"]
    finding = ask(KIND, f"certificate: {arn}", aws)
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "an issued certificate", "PENDING_VALIDATION")
    assert finding.advice == "Put the validation records into DNS and wait."
    assert any(line.startswith("new.test waits for _") and " CNAME " in line for line in finding.details)


def test_one_that_is_not_there_is_an_error(aws, imported):
    arn = imported("gone.test")[:-4] + "0000"
    finding = ask(KIND, f"certificate: {arn}", aws)
    assert finding.verdict == "error"
    assert "ResourceNotFoundException" in finding.got
    assert finding.advice == "Check the name, the account and the region."


@pytest.mark.parametrize("action", ["acm:DescribeCertificate", "acm:ListCertificates"])
def test_a_missing_permission_is_an_error_that_names_it(without, imported, action):
    imported("denied.test")
    finding = ask(KIND, "certificate: denied.test", without(action))
    assert finding.verdict == "error"
    assert action in f"{finding.got} {finding.advice}"


def test_each_certificate_is_a_target_of_its_own():
    given = settings_of(KIND, "{certificate: [a.test, b.test], lasts: 14d}")
    assert KIND.targets(given) == ("a.test", "b.test")
    assert KIND.subject(given, "b.test") == "b.test is issued and valid for 14d"
