"""What AWS does and the embedded AWS too, beside S3; each is tried on moto alone as well, which does not do it.

When moto learns one of them, its test says so, and the patch can go.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
import trustme
from botocore.config import Config

from tests.local.running import Runner
from tests.local.world import World, refused

TRUTHS: list[Callable[[World], None]] = []


def truth(check: Callable[[World], None]) -> Callable[[World], None]:
    TRUTHS.append(check)
    return check


def ran(world: World, count: int = 1) -> list[dict[str, Any]]:
    answer = world.client("ec2").run_instances(ImageId="ami-12345678", MinCount=count, MaxCount=count)
    return list(answer["Instances"])


# --- instances -----------------------------------------------------------------------------------------------------------


@truth
def an_instance_has_an_address_of_this_machine(world):
    """So that nothing that is sent to it leaves the machine."""
    (instance,) = ran(world)
    assert instance["PrivateIpAddress"].startswith("127.")


@truth
def instances_are_found_by_their_status_checks(world):
    """EC2 API reference, DescribeInstanceStatus, filter instance-status.status."""
    (instance,) = ran(world)
    impaired = [{"Name": "instance-status.status", "Values": ["impaired"]}]
    ids = [instance["InstanceId"]]
    assert world.client("ec2").describe_instance_status(InstanceIds=ids, Filters=impaired)["InstanceStatuses"] == []


# --- Run Command ---------------------------------------------------------------------------------------------------------


@truth
def a_command_runs(world):
    """Systems Manager user guide, "AWS Systems Manager Run Command"."""
    (instance,) = ran(world)
    told = Runner(world.client("ssm")).run("exit 3", to=instance["InstanceId"])
    assert (told["Status"], told["ResponseCode"]) == ("Failed", 3)


@truth
def a_command_goes_only_where_it_is_sent(world):
    """Moto sends it to all instances of the region."""
    first, _ = ran(world, 2)
    runner = Runner(world.client("ssm"))
    command = runner.send("true", to=first["InstanceId"])
    assert runner.command(command)["InstanceIds"] == [first["InstanceId"]]


@truth
def a_command_is_pending_first(world):
    """Systems Manager user guide, "Understanding command statuses"."""
    (instance,) = ran(world)
    sent = world.client("ssm").send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=[instance["InstanceId"]], Parameters={"commands": ["true"]}
    )
    assert sent["Command"]["Status"] == "Pending"


@truth
def an_instance_that_there_is_not_is_refused(world):
    """Systems Manager API reference, SendCommand, InvalidInstanceId."""
    with refused("InvalidInstanceId"):
        Runner(world.client("ssm")).send("true", to="i-0123456789abcdef0")


@truth
def more_than_fifty_instances_are_refused(world):
    """Systems Manager API reference, SendCommand: InstanceIds, maximum number of 50 items."""
    with refused("ValidationException"):
        Runner(world.client("ssm")).send("true", to=[f"i-{number:017x}" for number in range(51)])


@truth
def a_document_that_there_is_not_is_refused(world):
    """Systems Manager API reference, SendCommand, InvalidDocument."""
    (instance,) = ran(world)
    with refused("InvalidDocument"):
        world.client("ssm").send_command(DocumentName="AWS-RunShell", InstanceIds=[instance["InstanceId"]])


@truth
def managed_instances_can_be_listed(world):
    """Systems Manager API reference, DescribeInstanceInformation."""
    (instance,) = ran(world)
    asked = [{"Key": "InstanceIds", "Values": [instance["InstanceId"]]}]
    (told,) = world.client("ssm").describe_instance_information(Filters=asked)["InstanceInformationList"]
    assert (told["PingStatus"], told["PlatformType"]) == ("Online", "Linux")


@truth
def a_command_can_be_cancelled(world):
    """Systems Manager API reference, CancelCommand."""
    (instance,) = ran(world)
    runner = Runner(world.client("ssm"))
    command = runner.send("sleep 600", to=instance["InstanceId"])
    world.client("ssm").cancel_command(CommandId=command)
    (told,) = runner.wait(command).values()
    assert told["Status"] == "Cancelled"


# --- target health -------------------------------------------------------------------------------------------------------


def target_group(world: World) -> str:
    ec2, elb = world.client("ec2"), world.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = elb.create_target_group(Name=f"g{uuid.uuid4().hex[:8]}", Protocol="HTTP", Port=8080, VpcId=vpc)
    return str(made["TargetGroups"][0]["TargetGroupArn"])


@truth
def a_target_that_no_load_balancer_uses_is_unused(world):
    """ELB user guide, "Target health status": Target.NotInUse."""
    (instance,) = ran(world)
    group, elb = target_group(world), world.client("elbv2")
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance["InstanceId"]}])
    (told,) = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert (told["TargetHealth"]["State"], told["TargetHealth"]["Reason"]) == ("unused", "Target.NotInUse")


@truth
def a_target_that_is_deregistered_drains(world):
    """ELB user guide, "Deregistration delay"."""
    (instance,) = ran(world)
    group, elb, target = target_group(world), world.client("elbv2"), {"Id": instance["InstanceId"]}
    elb.register_targets(TargetGroupArn=group, Targets=[target])
    elb.deregister_targets(TargetGroupArn=group, Targets=[target])
    (told,) = elb.describe_target_health(TargetGroupArn=group, Targets=[target])["TargetHealthDescriptions"]
    assert told["TargetHealth"]["State"] == "draining"


@truth
def a_target_that_there_is_not_is_refused(world):
    """ELB API reference, RegisterTargets, InvalidTarget."""
    with refused("InvalidTarget"):
        world.client("elbv2").register_targets(
            TargetGroupArn=target_group(world), Targets=[{"Id": "i-0123456789abcdef0"}]
        )


# --- websites ------------------------------------------------------------------------------------------------------------


@truth
def a_website_has_an_index_and_no_listing(world):
    """S3 user guide, "Website endpoints"."""
    s3 = world.client()
    s3.create_bucket(Bucket=world.bucket)
    s3.delete_public_access_block(Bucket=world.bucket)
    policy = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{world.bucket}/*",
    }
    s3.put_bucket_policy(Bucket=world.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": policy}))
    s3.put_object(Bucket=world.bucket, Key="index.html", Body=b"welcome")
    s3.put_bucket_website(Bucket=world.bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    asked = urllib.request.Request(world.url, headers={"Host": f"{world.bucket}.s3-website-us-east-1.amazonaws.com"})
    with urllib.request.urlopen(asked) as answer:
        assert answer.read() == b"welcome"


# --- functions -----------------------------------------------------------------------------------------------------------


@truth
def a_function_runs(world):
    """Lambda developer guide, "Invoking a Lambda function synchronously"."""
    role = world.client("iam").create_role(RoleName=f"r{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument="{}")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def handler(event, _): return event + 1")
    client, name = world.client("lambda"), f"f{uuid.uuid4().hex[:8]}"
    given = {"Runtime": "python3.12", "Handler": "app.handler", "Timeout": 30, "Code": {"ZipFile": code.getvalue()}}
    client.create_function(FunctionName=name, Role=role["Role"]["Arn"], **given)
    assert client.invoke(FunctionName=name, Payload="41")["Payload"].read() == b"42"


# --- volumes, certificates, metrics ---------------------------------------------------------------------------------------


@truth
def volumes_have_a_status(world):
    """EC2 API reference, DescribeVolumeStatus."""
    (instance,) = ran(world)
    ec2 = world.client("ec2")
    attached = [{"Name": "attachment.instance-id", "Values": [instance["InstanceId"]]}]
    (volume,) = ec2.describe_volumes(Filters=attached)["Volumes"]
    (told,) = ec2.describe_volume_status(VolumeIds=[volume["VolumeId"]])["VolumeStatuses"]
    assert told["VolumeStatus"]["Status"] == "ok"


@truth
def a_certificate_that_waits_for_its_validation_has_no_dates(world):
    """ACM API reference, CertificateDetail: NotAfter, IssuedAt."""
    acm = world.client("acm")
    arn = acm.request_certificate(DomainName="www.example.com", ValidationMethod="DNS")["CertificateArn"]
    told = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert told["Status"] == "PENDING_VALIDATION"
    assert told.keys().isdisjoint({"NotBefore", "NotAfter", "IssuedAt", "Serial"})


@truth
def a_certificate_is_in_use_by_the_load_balancer_as_long_as_it_is(world):
    """ACM API reference, CertificateDetail: InUseBy."""
    acm, elb, authority = world.client("acm"), world.client("elbv2"), trustme.CA()
    made = authority.issue_cert("www.example.com")
    arn = acm.import_certificate(Certificate=made.cert_chain_pems[0].bytes(), PrivateKey=made.private_key_pem.bytes())[
        "CertificateArn"
    ]
    subnets = [subnet["SubnetId"] for subnet in world.client("ec2").describe_subnets()["Subnets"]][:2]
    balancer = elb.create_load_balancer(Name=f"b{uuid.uuid4().hex[:8]}", Subnets=subnets)["LoadBalancers"][0]
    action = {"Type": "forward", "TargetGroupArn": target_group(world)}
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTPS", Port=443,
        Certificates=[{"CertificateArn": arn}], DefaultActions=[action],
    )["Listeners"][0]  # fmt: skip
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == [balancer["LoadBalancerArn"]]
    elb.delete_listener(ListenerArn=listener["ListenerArn"])
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == []


def alarm_on(world: World, metric: str) -> str:
    """Its name: over 10 in one period of a minute is an alarm."""
    name = f"a{uuid.uuid4().hex[:8]}"
    world.client("cloudwatch").put_metric_alarm(
        AlarmName=name, Namespace="Shop", MetricName=metric, Period=60, EvaluationPeriods=1, Statistic="Sum",
        Threshold=10, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    return name


def state_of(world: World, alarm: str) -> str:
    (told,) = world.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(told["StateValue"])


@truth
def a_new_alarm_has_insufficient_data(world):
    """CloudWatch user guide, "Using Amazon CloudWatch alarms"."""
    assert state_of(world, alarm_on(world, uuid.uuid4().hex)) == "INSUFFICIENT_DATA"


@truth
def an_alarm_follows_its_metric(world):
    """CloudWatch user guide, "Evaluating an alarm"; what SetAlarmState says holds until then."""
    metric, cloudwatch = uuid.uuid4().hex, world.client("cloudwatch")
    alarm, now = alarm_on(world, metric), datetime.now(timezone.utc)
    for minutes, value, state in ((3, 5, "OK"), (2, 50, "ALARM"), (1, 7, "OK")):
        when = now - timedelta(minutes=minutes)
        data = [{"MetricName": metric, "Value": value, "Timestamp": when}]
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
        assert state_of(world, alarm) == state
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="tried")
    assert state_of(world, alarm) == "ALARM"


def values_of(world: World, metric: str, stat: str = "Sum", **dimensions: str) -> list[float]:
    now = datetime.now(timezone.utc)
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    asked = {"Metric": {"Namespace": "Shop", "MetricName": metric, "Dimensions": named}, "Period": 3600, "Stat": stat}
    told = world.client("cloudwatch").get_metric_data(
        StartTime=now - timedelta(minutes=30), EndTime=now + timedelta(minutes=29),
        MetricDataQueries=[{"Id": "m", "MetricStat": asked}],
    )  # fmt: skip
    return list(told["MetricDataResults"][0]["Values"])


@truth
def a_metric_is_its_name_with_all_of_its_dimensions(world):
    """CloudWatch user guide, "Concepts", dimension combinations."""
    metric, cloudwatch = uuid.uuid4().hex, world.client("cloudwatch")
    data = [{"MetricName": metric, "Value": 3, "Dimensions": [{"Name": "Host", "Value": "a"}]}]
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
    assert (values_of(world, metric, Host="a"), values_of(world, metric)) == ([3], [])


@truth
def percentiles_are_calculated(world):
    """CloudWatch user guide, "Statistics definitions"."""
    metric = uuid.uuid4().hex
    data = [{"MetricName": metric, "Value": value} for value in range(1, 101)]
    world.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=data)
    assert values_of(world, metric, "p95") == [95]


@truth
def an_expression_over_several_metrics_has_a_value_where_all_have_one(world):
    """CloudWatch user guide, "Using metric math"; a division by zero has none."""
    cloudwatch, now, metric = world.client("cloudwatch"), datetime.now(timezone.utc), uuid.uuid4().hex
    samples = {"errors": {3: 1, 2: 4, 1: 5}, "requests": {3: 200, 2: 100, 1: 0}}
    queries = [{"Id": "rate", "Expression": "100 * errors / requests"}]
    for name, values in samples.items():
        named = {"Namespace": "Shop", "MetricName": f"{metric}-{name}", "Dimensions": []}
        stat = {"Metric": named, "Period": 3600, "Stat": "Sum"}
        queries.append({"Id": name, "MetricStat": stat, "ReturnData": False})
        for hours, value in values.items():
            datum = {"MetricName": named["MetricName"], "Value": value, "Timestamp": now - timedelta(hours=hours)}
            cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    span = {"StartTime": now - timedelta(hours=4), "EndTime": now, "ScanBy": "TimestampAscending"}
    (told,) = cloudwatch.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]
    assert (told["Id"], told["Values"]) == ("rate", [0.5, 4.0])
    queries[0]["Expression"] = "errors +* 2"
    with refused("ValidationError", "errors +* 2"):
        cloudwatch.get_metric_data(MetricDataQueries=queries, **span)


# --- CloudFront ----------------------------------------------------------------------------------------------------------


def distribution(world: World) -> str:
    origin = {"Id": "site", "DomainName": "site.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    behaviour = {
        "TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0,
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    }  # fmt: skip
    config = {"CallerReference": uuid.uuid4().hex, "Comment": "", "Enabled": True, "DefaultCacheBehavior": behaviour}
    made = world.client("cloudfront").create_distribution(
        DistributionConfig={**config, "Origins": {"Quantity": 1, "Items": [origin]}}
    )
    return str(made["Distribution"]["Id"])


def invalidate(world: World, where: str, *paths: str) -> dict[str, Any]:
    batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": "1"}
    told = world.client("cloudfront").create_invalidation(DistributionId=where, InvalidationBatch=batch)
    return dict(told["Invalidation"])


@truth
def an_invalidation_is_in_progress_and_then_completed(world):
    """CloudFront API reference, Invalidation: Status."""
    where = distribution(world)
    made = invalidate(world, where, "/index.html")
    assert made["Status"] == "InProgress"
    waiter = world.client("cloudfront").get_waiter("invalidation_completed")
    waiter.wait(DistributionId=where, Id=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 5})


@truth
def a_caller_reference_makes_one_invalidation(world):
    """CloudFront API reference, InvalidationBatch: CallerReference."""
    where = distribution(world)
    assert invalidate(world, where, "/a")["Id"] == invalidate(world, where, "/a")["Id"]
    with refused("InvalidationBatchAlreadyExists"):
        invalidate(world, where, "/b")


@truth
def too_many_invalidations_at_a_time_are_refused(world):
    """CloudFront developer guide, "Concurrent invalidation request maximum"."""
    with refused("TooManyInvalidationsInProgress"):
        invalidate(world, distribution(world), *(f"/{number}/*" for number in range(16)))


@truth
def a_path_that_is_not_percent_encoded_is_refused(world):
    """CloudFront developer guide, "What you need to know when invalidating paths"."""
    where = distribution(world)
    for path in ("/a b", "/a~b", "/ü", "/a[b]"):
        with refused("InvalidArgument"):
            invalidate(world, where, path)


# --- Route 53 ------------------------------------------------------------------------------------------------------------


class Zone:
    """A hosted zone, and batches of changes for it."""

    def __init__(self, world: World) -> None:
        self.route53, self.name = world.client("route53"), f"z{uuid.uuid4().hex[:8]}.example"
        self.id = self.route53.create_hosted_zone(Name=self.name, CallerReference=self.name)["HostedZone"]["Id"]

    def record(self, type: str, value: str, host: str = "www") -> dict[str, Any]:
        return {
            "Name": f"{host}.{self.name}", "Type": type, "TTL": 60, "ResourceRecords": [{"Value": value}]
        }  # fmt: skip

    def alias(self, target: str, zone: str) -> dict[str, Any]:
        told = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": False}
        return {"Name": f"www.{self.name}", "Type": "A", "AliasTarget": told}

    def change(self, *changes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
        answer = self.route53.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch=batch)
        return dict(answer["ChangeInfo"])

    def types(self) -> list[str]:
        told = self.route53.list_resource_record_sets(HostedZoneId=self.id)["ResourceRecordSets"]
        return [record["Type"] for record in told if record["Type"] not in {"NS", "SOA"}]


@truth
def a_change_of_records_is_pending_first(world):
    """Route 53 API reference, GetChange."""
    zone = Zone(world)
    made = zone.change(("CREATE", zone.record("A", "192.0.2.1")))
    assert made["Status"] == "PENDING"
    deadline = time.monotonic() + 30
    while zone.route53.get_change(Id=made["Id"])["ChangeInfo"]["Status"] != "INSYNC":
        assert time.monotonic() < deadline
        time.sleep(0.05)


@truth
def a_record_that_is_there_is_not_created(world):
    """Route 53 API reference, Change: CREATE."""
    zone = Zone(world)
    zone.change(("UPSERT", zone.record("A", "192.0.2.1")))
    with refused("InvalidChangeBatch", "already exists"):
        zone.change(("CREATE", zone.record("A", "192.0.2.2")))


@truth
def a_batch_of_changes_is_done_as_a_whole_or_not_at_all(world):
    """Route 53 API reference, ChangeResourceRecordSets: "a transactional basis"."""
    zone = Zone(world)
    with refused("InvalidChangeBatch", "it was not found"):
        zone.change(("CREATE", zone.record("A", "192.0.2.1")), ("DELETE", zone.record("AAAA", "2001:db8::1")))
    assert zone.types() == []


@truth
def an_alias_names_the_zone_that_its_target_lies_in(world):
    """Route 53 API reference, AliasTarget: HostedZoneId."""
    zone = Zone(world)
    with refused("InvalidChangeBatch", "does not lie within the target zone"):
        zone.change(("CREATE", zone.alias("s3-website-us-east-1.amazonaws.com", "Z2FDTNDATAQYW2")))
    zone.change(("CREATE", zone.alias("s3-website-us-east-1.amazonaws.com", "Z3AQBSTGFYJSTF")))


@truth
def a_cname_stands_alone(world):
    """Route 53 developer guide, "CNAME record type"."""
    zone = Zone(world)
    zone.change(("CREATE", zone.record("CNAME", "other.example")))
    with refused("InvalidChangeBatch", "conflicting"):
        zone.change(("CREATE", zone.record("A", "192.0.2.1")))


@truth
def a_record_that_is_another_one_by_now_is_not_deleted(world):
    """Route 53 API reference, Change: DELETE; what is created after it in the batch finds the place empty."""
    zone = Zone(world)
    zone.change(("CREATE", zone.record("A", "192.0.2.1")))
    zone.change(("UPSERT", zone.record("A", "192.0.2.2")))
    with refused("InvalidChangeBatch", "do not match the current values"):
        zone.change(("DELETE", zone.record("A", "192.0.2.1")), ("CREATE", zone.record("A", "192.0.2.3")))
    zone.change(("DELETE", zone.record("A", "192.0.2.2")), ("CREATE", zone.record("A", "192.0.2.3")))


# --- who may -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def somebody_who_may(world: World, *statements: tuple[str, str]) -> Iterator[Callable[[str], Any]]:
    """Clients of a user who is allowed these actions on these resources, while policies decide."""
    iam, name = world.client("iam"), f"u{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    allowed = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    config = Config(retries={"max_attempts": 0})

    def client(service: str) -> Any:
        made = boto3.client(service, endpoint_url=world.url, region_name="us-east-1", config=config, **keys)
        world.clients.append(made)
        return made

    world.let_policies_decide_after("0")
    try:
        yield client
    finally:
        world.let_policies_decide_after("inf")


@truth
def who_may_not_is_told_the_action_in_the_protocol_of_the_service(world):
    """IAM user guide, "Troubleshoot access denied error messages"."""
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    with somebody_who_may(world, ("s3:ListBucket", "*")) as client:
        with refused("UnauthorizedOperation", "not authorized to perform: ec2:DescribeInstanceStatus because"):
            client("ec2").describe_instance_status()
        with refused(
            "AccessDeniedException", "ssm:DescribeInstanceInformation because no identity-based policy allows"
        ):
            client("ssm").describe_instance_information()
        with refused("AccessDeniedException", f"acm:DescribeCertificate on resource: {arn} because"):
            client("acm").describe_certificate(CertificateArn=arn)
        with refused("AccessDenied", "cloudwatch:GetMetricData because"):
            client("cloudwatch").get_metric_data(StartTime=0, EndTime=1, MetricDataQueries=[])
        with refused("AccessDenied", "elasticloadbalancing:DescribeTargetHealth because"):
            client("elbv2").describe_target_health(TargetGroupArn="arn")
        with refused(
            "AccessDeniedException",
            "lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:123456789012:function:f:live",
        ):
            client("lambda").invoke(FunctionName="f", Qualifier="live")
        with refused("AccessDenied", "route53:ListHostedZones because"):
            client("route53").list_hosted_zones()


@truth
def who_may_on_one_resource_may_on_that_one(world):
    """Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager": SendCommand."""
    first, second = ran(world, 2)
    where = "arn:aws:ec2:us-east-1:123456789012:instance"
    allowed = ("arn:aws:ssm:us-east-1::document/AWS-RunShellScript", f"{where}/{first['InstanceId']}")
    with somebody_who_may(world, *(("ssm:SendCommand", resource) for resource in allowed)) as client:
        Runner(client("ssm")).send("true", to=first["InstanceId"])
        with refused("AccessDeniedException", f"ssm:SendCommand on resource: {where}/{second['InstanceId']}"):
            Runner(client("ssm")).send("true", to=second["InstanceId"])


# --- both sides ----------------------------------------------------------------------------------------------------------


def tell(world: World, check: Callable[[World], None]) -> None:
    try:
        check(world)
    finally:
        for client in world.clients:
            client.close()


# --- IAM -----------------------------------------------------------------------------------------------------------------


@truth
def what_a_role_may_do_can_be_asked_without_doing_it(world):
    """IAM API reference, SimulatePrincipalPolicy."""
    iam, name = world.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    asked = {"ActionNames": ["s3:PutObject", "s3:GetObject"], "ResourceArns": ["arn:aws:s3:::b/k"]}
    told = iam.simulate_principal_policy(PolicySourceArn=role, **asked)["EvaluationResults"]
    assert [(one["EvalActionName"], one["EvalDecision"]) for one in told] == [
        ("s3:PutObject", "allowed"),
        ("s3:GetObject", "implicitDeny"),
    ]


@pytest.mark.parametrize("check", TRUTHS, ids=lambda check: check.__name__)
def test_the_embedded_aws_answers_as_aws(embedded, check):
    tell(World(embedded.endpoint_url), check)


@pytest.mark.parametrize("check", TRUTHS, ids=lambda check: check.__name__)
def test_moto_alone_does_not(moto_url, check):
    with pytest.raises((Exception, pytest.fail.Exception)):
        tell(World(moto_url), check)
