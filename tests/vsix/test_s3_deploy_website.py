"""S3Deploy from the built extension sets a website up, with its name, and tells CloudFront: the clients it takes for that travel with it."""

from __future__ import annotations

import urllib.request
import uuid

from tests.checks.kinds.aws_kit import client_of
from tests.s3.cloudfront.kit import distribution
from tests.vsix.agent import Endpoint, Job
from tests.vsix.conftest import CONNECTION

__all__ = ["client_of"]


def test_a_site_with_a_name_and_a_distribution(agent, embedded, client_of, s3):
    host = f"z{uuid.uuid4().hex[:10]}.example"
    client_of("route53").create_hosted_zone(Name=host, CallerReference=host)
    s3.create_bucket(Bucket=host)
    edge = distribution(client_of("cloudfront"), host)
    site = agent.sources / "dist"
    site.mkdir()
    (site / "index.html").write_text("hello")
    keys = {"username": embedded.connection.access_key_id, "password": embedded.connection.secret_access_key}
    step = agent.run(
        "RopewayS3Deploy",
        {
            "awsConnection": CONNECTION,
            "regionName": embedded.region,
            "bucketName": host,
            "sourceFolder": str(site),
            "website": "true",
            "publicRead": "true",
            "redirectBucket": f"www.{host}",
            "dnsAliases": f"{host}=website\nwww.{host}=website",
            "distributionIds": edge.id,
        },
        Job(endpoints=(Endpoint(CONNECTION, keys),)),
        env={"AWS_ENDPOINT_URL": embedded.endpoint_url},
    )
    assert step.result == "Succeeded", step.text
    assert step.outputs["siteUrl"] == f"http://{host}/"
    with urllib.request.urlopen(embedded.website(host), timeout=30) as answer:
        assert answer.read() == b"hello"
    assert edge.paths == [["/*"]]  # the website is new: everything may be otherwise
    assert "configure" in step.text
    assert "invalidate" in step.text
