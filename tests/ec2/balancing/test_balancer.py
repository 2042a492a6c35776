"""Out of the traffic and back: what ELB and Auto Scaling say of it, and what the journal holds meanwhile."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import connect
from ropeway.ec2.balancing import asking, changing, undoing
from ropeway.ec2.balancing import survey as surveying
from ropeway.ec2.balancing.balancer import Balancer
from ropeway.ec2.balancing.seats import SUSPENDED, BalancerTerms
from ropeway.ec2.balancing.survey import survey
from ropeway.ec2.balancing.waiting import until_probed
from ropeway.ec2.journal import Effect, Journal
from ropeway.ec2.recover import recover
from ropeway.errors import Cancelled, InputError, NetworkError, Overtaken, RopewayError
from ropeway.outcome import Cancellation, Run
from tests.ec2.balancing.conftest import Told
from tests.ec2.faults import as_the_page_says
from tests.servers.balanced import NEVER, PORT, drain_ends, drained_in


def states(group) -> dict[str, str]:
    return {member: state for (member, _), (state, _) in group.health().items()}


def lifecycle(client_of, target) -> str:
    told = client_of("autoscaling").describe_auto_scaling_instances(InstanceIds=[target.id])
    return told["AutoScalingInstances"][0]["LifecycleState"]


def suspended(client_of, name) -> set[str]:
    told = client_of("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    return {one["ProcessName"] for one in told["SuspendedProcesses"]}


# --- target groups ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ip", [False, True], ids=["instance", "ip"])
def test_one_that_is_out_is_drained_and_one_that_is_back_is_healthy(fleet, group_of, balancer_of, journal, ip):
    first, second = fleet.targets
    group = group_of(first, second, ip=ip)
    balancer = balancer_of(fleet.targets, group)
    member, other = (one.private_address if ip else one.id for one in (first, second))
    assert balancer.take_out([first], Run()) == {}
    assert states(group) == {other: "healthy"}
    assert [str(effect) for effect in journal.pending] == [f"{member} out of {group.name}"]
    assert balancer.put_back([first], Run()) == {}
    assert states(group) == {member: "healthy", other: "healthy"}
    assert journal.pending == ()


def test_each_port_of_a_target_is_taken_out_and_comes_back_as_it_was(fleet, group_of, balancer_of):
    first, _ = fleet.targets
    group = group_of()
    group.register({"Id": first.id, "Port": PORT}, {"Id": first.id, "Port": 9})
    balancer = balancer_of(fleet.targets, group, healthy_within=0.2)
    assert balancer.take_out([first], Run()) == {}
    assert group.health() == {}
    why = balancer.put_back([first], Run())
    assert set(group.health()) == {(first.id, PORT), (first.id, 9)}
    assert f"was not healthy in {group.name} within 0.2 s: it is " in why[first.id]


def test_one_that_does_not_get_healthy_is_named_with_aws_words_and_is_in_all_the_same(
    fleet, group_of, balancer_of, journal
):
    first, _ = fleet.targets
    group = group_of(first)
    balancer = balancer_of(fleet.targets, group, healthy_within=1.0)
    balancer.take_out([first], Run())
    fleet.services[first.id].status = 500
    why = balancer.put_back([first], Run())
    assert why[first.id].startswith(f"The instance was not healthy in {group.name} within 1.0 s: it is unhealthy (")
    assert "Health checks failed with these codes: [500]" in why[first.id]
    assert set(states(group)) == {first.id}
    assert journal.pending == ()


def test_healthy_means_so_many_looks_in_a_row(fleet, group_of, balancer_of, monkeypatch):
    first, _ = fleet.targets
    group = group_of(first)
    balancer = balancer_of(fleet.targets, group, healthy_times=3)
    balancer.take_out([first], Run())
    seen, real = [], balancer._aws.client("elbv2").describe_target_health

    def watched(**given):
        told = real(**given)
        health = told["TargetHealthDescriptions"][0]["TargetHealth"]
        if health["State"] == "healthy" and len(seen) == 2:
            health["State"] = "unhealthy"  # once, after two good looks
        seen.append(health["State"]) if health["State"] == "healthy" or len(seen) >= 2 else None
        return told

    monkeypatch.setattr(balancer._aws.client("elbv2"), "describe_target_health", watched)
    assert balancer.put_back([first], Run()) == {}
    assert seen == ["healthy", "healthy", "unhealthy", "healthy", "healthy", "healthy"]


def test_one_that_was_not_in_is_left_out(fleet, group_of, balancer_of, journal):
    first, second = fleet.targets
    group = group_of(first)
    balancer = balancer_of(fleet.targets, group)
    assert balancer.take_out([second], Run()) == {}
    assert balancer.put_back([second], Run()) == {}
    assert states(group) == {first.id: "healthy"}
    assert journal.pending == ()


def test_taking_out_what_is_out_already_is_nothing(fleet, group_of, balancer_of):
    first, _ = fleet.targets
    balancer = balancer_of(fleet.targets, group_of(first))
    assert balancer.take_out([first], Run()) == {}
    assert balancer.take_out([first], Run()) == {}


def test_one_that_is_terminated_does_not_keep_the_others_out_and_is_not_waited_for(
    fleet, group_of, balancer_of, client_of, journal
):
    first, second = fleet.targets
    group = group_of(first, second)
    balancer = balancer_of(fleet.targets, group)
    assert balancer.take_out(fleet.targets, Run()) == {}
    client_of("ec2").terminate_instances(InstanceIds=[first.id])
    assert balancer.put_back(fleet.targets, Run()) == {first.id: f"{first.id} is terminated."}
    assert states(group) == {second.id: "healthy"}
    assert journal.pending == ()
    assert balancer.restore(Run()) == {}


def test_a_stop_while_it_is_drained_leaves_it_in_the_journal_and_the_restoration_puts_it_back(
    fleet, group_of, balancer_of, journal
):
    first, _ = fleet.targets
    group = group_of(first)
    long = {"Key": "deregistration_delay.timeout_seconds", "Value": "3000"}
    group.elb.modify_target_group_attributes(TargetGroupArn=group.arn, Attributes=[long])
    balancer, stop = balancer_of(fleet.targets, group), Cancellation()
    run = Run(cancellation=_after(stop, lambda: states(group) == {first.id: "draining"}))
    with pytest.raises(Cancelled):
        balancer.take_out([first], run)
    assert [effect.member for effect in journal.pending] == [first.id]
    assert balancer.restore(Run()) == {}
    assert journal.pending == ()
    group.wait_all("healthy")


def _after(stop: Cancellation, seen) -> Cancellation:
    """Asked for as soon as this is seen, at a wait."""

    class Watching(Cancellation):
        def wait(self, seconds: float) -> bool:
            if seen():
                self.ask("a test")
            return super().wait(min(seconds, 0.02))

    return Watching()


@pytest.mark.parametrize("arrived", [True, False], ids=["written", "not written"])
def test_a_word_to_the_journal_that_nobody_hears_an_answer_to_keeps_nobody_out(
    fleet, group_of, balancer_of, journal, monkeypatch, arrived
):
    """The network fails, or the run is stopped, while it is written."""
    first, second = fleet.targets
    group, engine = group_of(first, second), journal._engine
    balancer, write = balancer_of(fleet.targets, group), type(journal._engine).write
    assert balancer.take_out([first], Run()) == {}

    def unheard(self, *given, **more):
        if arrived:
            write(self, *given, **more)
        raise NetworkError("Could not reach S3.")

    with monkeypatch.context() as lost:
        lost.setattr(type(engine), "write", unheard)
        with pytest.raises(NetworkError):
            balancer.take_out([second], Run())
    assert balancer.restore(Run()) == {}
    group.wait_all("healthy")
    assert set(states(group)) == {first.id, second.id}
    assert Journal(engine, journal._place).read(Cancellation()) == ()


def test_a_journal_that_cannot_be_read_at_the_end_keeps_nobody_without_traffic(
    fleet, group_of, balancer_of, journal, client_of, bucket
):
    first, _ = fleet.targets
    group, s3, told = group_of(first), client_of("s3"), Told()
    balancer = balancer_of(fleet.targets, group)
    assert balancer.take_out([first], Run()) == {}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    assert balancer.restore(Run(tell=told)) == {}
    assert set(states(group)) == {first.id}
    assert told.lines[0].startswith("Whether somebody else works on it could not be seen: Could not read s3://")
    s3.delete_bucket_policy(Bucket=bucket)
    assert journal.read(Cancellation()) == ()


# --- Auto Scaling -------------------------------------------------------------------------------------------------------------------


def test_in_standby_it_is_out_of_the_groups_of_its_group_and_back_in_service_it_is_healthy(
    fleet, group_of, balancer_of, scaled, client_of, journal
):
    first, second = fleet.targets
    group = group_of(first, second)
    name = scaled(fleet.targets, group)
    balancer = balancer_of(fleet.targets, group, scaling="standby")
    assert balancer.take_out([first], Run()) == {}
    assert lifecycle(client_of, first) == "Standby"
    assert states(group) == {second.id: "healthy"}
    assert suspended(client_of, name) == set(SUSPENDED)
    assert balancer.put_back([first], Run()) == {}
    assert (lifecycle(client_of, first), states(group)[first.id]) == ("InService", "healthy")
    assert balancer.restore(Run()) == {}
    assert suspended(client_of, name) == set()
    assert journal.pending == ()


def test_who_leaves_standby_is_back_when_the_groups_of_its_group_say_that_it_is_healthy(
    fleet, group_of, balancer_of, scaled, client_of
):
    """No drainFrom: the Auto Scaling group registers it again, and calls it in service whatever its health."""
    first, _ = fleet.targets
    group = group_of(*fleet.targets)
    scaled(fleet.targets, group)
    balancer = balancer_of(fleet.targets, scaling="standby", healthy_within=4.0)
    assert balancer.take_out([first], Run()) == {}
    fleet.services[first.id].status = 500
    why = balancer.put_back([first], Run())
    assert why[first.id].startswith(f"The instance was not healthy in {group.name} within 4.0 s: it is unhealthy (")
    assert lifecycle(client_of, first) == "InService"
    fleet.services[first.id].status = 200
    assert balancer.take_out([first], Run()) == {}
    assert balancer.put_back([first], Run()) == {}
    assert states(group)[first.id] == "healthy"


def test_an_instance_is_in_standby_when_it_is_drained_however_long_that_takes(
    fleet, group_of, balancer_of, scaled, client_of, aws, monkeypatch
):
    """Two seconds here at least, which the clock takes for 200."""
    first, _ = fleet.targets
    group, seen, entering, looked = group_of(*fleet.targets), [], [], changing.lifecycles
    drained_in(group, NEVER)
    scaled(fleet.targets, group)

    def watched(ids, aws):
        told = looked(ids, aws)
        seen.append(told[first.id])
        if seen[-1] == "EnteringStandby":
            entering.append(time.monotonic())
            if entering[-1] > entering[0] + 2:
                drain_ends(group.arn, first.id)
        return told

    monkeypatch.setattr(changing, "lifecycles", watched)
    monkeypatch.setattr(undoing, "time", SimpleNamespace(monotonic=lambda: time.monotonic() * 100))
    terms = BalancerTerms((group.name,), scaling="standby")
    assert survey(terms, fleet.targets, aws).standby_delay == NEVER
    balancer = balancer_of(fleet.targets, group, scaling="standby", drain_margin=3000.0)
    assert balancer.take_out([first], Run()) == {}
    assert {"InService", "EnteringStandby", "Standby"} == set(seen)
    assert lifecycle(client_of, first) == "Standby"
    assert balancer.restore(Run()) == {}
    assert lifecycle(client_of, first) == "InService"


def test_who_was_stopped_waits_for_no_instance_that_goes_into_standby(
    fleet, group_of, balancer_of, scaled, client_of, journal, settings
):
    first, _ = fleet.targets
    group = group_of(*fleet.targets)
    settings(health_scale=0.1)
    drained_in(group, NEVER)
    name = scaled(fleet.targets, group)
    balancer, stopped = balancer_of(fleet.targets, group, scaling="standby"), Cancellation()
    seen = _after(stopped, lambda: lifecycle(client_of, first) != "InService")
    with pytest.raises(Cancelled):
        balancer.take_out([first], Run(cancellation=seen))
    assert lifecycle(client_of, first) == "EnteringStandby"
    stopped.ask("a test")
    left = balancer.restore(Run(cancellation=stopped))
    assert left == {f"{first.id} out of {name} (standby)": "It is EnteringStandby still."}
    assert [effect.kind for effect in journal.pending] == ["standby"]
    assert suspended(client_of, name) == set()


def test_processes_that_another_application_resumes_are_suspended_again_before_the_next_batch(
    fleet, group_of, balancer_of, scaled, client_of, journal
):
    first, second = fleet.targets
    name = scaled(fleet.targets)
    balancer = balancer_of(fleet.targets, scaling="suspend")
    balancer.take_out([first], Run())
    client_of("autoscaling").resume_processes(AutoScalingGroupName=name)
    balancer.take_out([second], Run())
    assert suspended(client_of, name) == set(SUSPENDED)
    balancer.restore(Run())
    assert suspended(client_of, name) == set()


def test_what_was_suspended_before_stays_so(fleet, group_of, balancer_of, scaled, client_of):
    name = scaled(fleet.targets)
    client_of("autoscaling").suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["AZRebalance"])
    balancer = balancer_of(fleet.targets, scaling="suspend")
    balancer.take_out(fleet.targets[:1], Run())
    assert suspended(client_of, name) == set(SUSPENDED)
    balancer.restore(Run())
    assert suspended(client_of, name) == {"AZRebalance"}


def test_nothing_is_taken_out_while_a_group_could_not_be_kept_from_changing(
    fleet, group_of, balancer_of, scaled, client_of
):
    group = group_of(*fleet.targets)
    name = scaled(fleet.targets)
    balancer = balancer_of(fleet.targets, group, scaling="suspend")
    scaling = client_of("autoscaling")
    scaling.detach_instances(
        AutoScalingGroupName=name,
        InstanceIds=[target.id for target in fleet.targets],
        ShouldDecrementDesiredCapacity=True,
    )
    scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    with pytest.raises(RopewayError, match=rf"Could not suspend .* of Auto Scaling group {name}: AWS answered "):
        balancer.take_out(fleet.targets[:1], Run())
    assert set(states(group).values()) == {"healthy"}


# --- before anything changes --------------------------------------------------------------------------------------------------------


def test_all_that_stands_against_it_is_told_at_once(fleet, group_of, scaled, aws):
    group, name = group_of(), scaled(fleet.targets, least=2)
    found = survey(BalancerTerms(("no-such", group.name), scaling="standby"), fleet.targets, aws)
    assert found.problems == (
        "There is no target group no-such in us-east-1.",
        f"None of the targets is registered in target group {group.name}.",
        (
            f"Auto Scaling group {name} wants 2 instances and may not have fewer than 2, so none can be in standby. Lower its minimum, or use "
            "autoScaling: suspend."
        ),
    )


def test_auto_scaling_asked_for_where_there_is_none_is_a_problem(fleet, aws):
    found = survey(BalancerTerms(scaling="suspend"), fleet.targets, aws)
    assert found.problems == ("autoScaling is asked for, and no target belongs to an Auto Scaling group.",)


def test_classic_load_balancers_are_named_as_not_watched(fleet, scaled, aws, client_of):
    name, classic = scaled(fleet.targets), client_of("elb")
    balancer = f"c{uuid.uuid4().hex[:8]}"
    listener = {"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 8080}
    classic.create_load_balancer(LoadBalancerName=balancer, Listeners=[listener], AvailabilityZones=["us-east-1a"])
    client_of("autoscaling").attach_load_balancers(AutoScalingGroupName=name, LoadBalancerNames=[balancer])
    found = survey(BalancerTerms(scaling="standby"), fleet.targets, aws)
    (told,) = found.warnings
    assert told == (
        f"Auto Scaling group {name} gets traffic from Classic Load Balancer {balancer}: whether an instance is healthy there after standby "
        "is not looked at. Ask the instances themselves (hostChecksFile), or attach a target group."
    )
    assert survey(BalancerTerms(scaling="suspend"), fleet.targets, aws).warnings == ()


def test_a_target_that_no_group_knows_is_told_to_get_no_traffic(fleet, group_of, aws):
    first, second = fleet.targets
    one, other = group_of(first), group_of()
    other.register({"Id": first.id})
    found = survey(BalancerTerms((one.name, other.name)), fleet.targets, aws)
    names = f"{one.name}, {other.name}"
    told = f"Not registered in {names}, so without traffic from there before and after: {second.id}."
    assert (found.problems, found.warnings) == ((), (told,))


def test_a_target_that_is_registered_by_another_of_its_addresses_is_taken_out_by_that(fleet, group_of, aws):
    first, second = fleet.targets
    group = group_of(first, second, ip=True)
    moved = replace(first, private_address="10.0.0.1", addresses=("10.0.0.1", first.private_address))
    found = survey(BalancerTerms((group.name,)), [moved, second], aws)
    assert {(seat.target, seat.member) for seat in found.seats} == {
        (first.id, first.private_address),
        (second.id, second.private_address),
    }
    assert found.warnings == ()


def test_a_target_that_is_being_drained_by_somebody_else_is_left_as_it_is(fleet, group_of, aws):
    first, second = fleet.targets
    group = group_of(first, second)
    long = {"Key": "deregistration_delay.timeout_seconds", "Value": "3000"}
    group.elb.modify_target_group_attributes(TargetGroupArn=group.arn, Attributes=[long])
    group.deregister({"Id": first.id})
    found = survey(BalancerTerms((group.arn,)), fleet.targets, aws)
    assert [seat.target for seat in found.seats] == [second.id]
    assert found.warnings == (
        f"{first.id} gets no traffic from {group.name} now (draining), and is left as it is there.",
    )
    assert found.where == {second.id: f"{group.name}:{PORT}"}


def test_a_target_that_is_unhealthy_now_is_known_to_be(fleet, group_of, aws):
    first, second = fleet.targets
    group = group_of(first, second)
    fleet.services[first.id].status = 503
    group.wait_all_in({first.id: "unhealthy", second.id: "healthy"})
    assert survey(BalancerTerms((group.name,)), fleet.targets, aws).unhealthy == {first.id}


@pytest.mark.parametrize("terms", [{"scaling": "standby"}, {}], ids=["autoScaling", "drainFrom"])
def test_a_target_that_a_network_load_balancer_drains_as_unhealthy_is_unhealthy(
    fleet, group_of, scaled, aws, monkeypatch, terms
):
    first, _ = fleet.targets
    group = group_of(*fleet.targets)
    scaled(fleet.targets, group)

    def answered(aws, service, method, doing, **given):
        told = asking.call(aws, service, method, doing, **given)
        for one in told.get("TargetHealthDescriptions", ()):
            if one["Target"]["Id"] == first.id:
                one["TargetHealth"]["State"] = "unhealthy.draining"
        return told

    monkeypatch.setattr(surveying, "call", answered)
    found = survey(BalancerTerms(() if terms else (group.name,), **terms), fleet.targets, aws)
    assert found.unhealthy == {first.id}


def test_whoever_comes_after_the_run_is_told_before_anything_is_done_and_that_nothing_is_left(
    fleet, group_of, balancer_of, journal
):
    first, second = fleet.targets
    group, told = group_of(first), []
    run = Run(pending=lambda address: told.append((address, states(group))))
    balancer = balancer_of(fleet.targets, group)
    balancer.take_out([second], run)
    assert told == []
    balancer.take_out([first], run)
    assert told == [(journal.address, {first.id: "healthy"})]
    balancer.restore(run)
    assert [address for address, _ in told] == [journal.address, ""]


# --- who died -----------------------------------------------------------------------------------------------------------------------


def test_what_a_dead_run_left_is_undone_by_whoever_comes_next(
    fleet, group_of, balancer_of, scaled, client_of, journal, aws
):
    first, second = fleet.targets
    group = group_of(first, second)
    name = scaled(fleet.targets, group)
    balancer_of(fleet.targets, group, scaling="standby").take_out([first], Run())
    next_one, told = Journal(journal._engine, journal._place), Told()
    recovered = recover(next_one, aws, Run(tell=told), look_every=0.02)
    assert recovered.left == {}
    recovered.check(next_one.address)
    assert lifecycle(client_of, first) == "InService"
    assert suspended(client_of, name) == set()
    group.wait_all("healthy")
    assert set(states(group)) == {first.id, second.id}
    assert told.lines[0] == f"An earlier run left 6 changes to undo ({journal.address})."
    assert f"Undone: {first.id} out of {group.name}." in told.lines
    assert f"Undone: {first.id} out of {name} (standby)." in told.lines
    assert recover(next_one, aws, Run()).undone == ()


@pytest.mark.parametrize(("status", "state"), [(200, "healthy"), (500, "unhealthy")])
def test_what_was_put_back_is_asked_for_its_health_before_anything_is_planned_on_it(
    fleet, group_of, balancer_of, journal, aws, status, state
):
    first, _ = fleet.targets
    group = group_of(first)
    balancer_of(fleet.targets, group).take_out([first], Run())
    fleet.services[first.id].status = status
    recovered = recover(journal, aws, Run())
    until_probed(recovered.undone, BalancerTerms((group.name,), look_every=0.02, healthy_within=60.0), aws, Run())
    assert states(group) == {first.id: state}


def test_what_was_written_down_and_never_done_is_no_error(fleet, group_of, journal, aws, scaled):
    first, _ = fleet.targets
    group = group_of(first)
    name = scaled(fleet.targets, group)
    never = [Effect("deregistered", group.arn, first.id, PORT), Effect("standby", name, first.id)]
    journal.add([*never, Effect("suspended", name, "AZRebalance")], Cancellation())
    assert recover(journal, aws, Run(), look_every=0.02).left == {}
    assert journal.pending == ()
    assert states(group)[first.id] == "healthy"


def test_an_instance_that_was_terminated_meanwhile_has_nothing_to_come_back_to(
    fleet, group_of, balancer_of, journal, client_of, aws
):
    first, second = fleet.targets
    group, told = group_of(first, second), Told()
    balancer_of(fleet.targets, group).take_out(fleet.targets, Run())
    client_of("ec2").terminate_instances(InstanceIds=[first.id])
    recover(journal, aws, Run(tell=told)).check(journal.address)
    assert f"{first.id} out of {group.name}: {first.id} is terminated. Nothing comes back." in told.lines
    as_the_page_says("An instance that was out is terminated", None, " ".join(told.lines))
    assert journal.pending == ()
    group.wait_all_in({second.id: "healthy"})


def test_groups_that_were_deleted_meanwhile_have_nothing_to_get_back(
    fleet, group_of, balancer_of, journal, client_of, aws, scaled
):
    first, _ = fleet.targets
    group, told = group_of(first), Told()
    name, scaling = scaled(fleet.targets), client_of("autoscaling")
    balancer_of(fleet.targets, group, scaling="suspend").take_out([first], Run())
    group.elb.delete_load_balancer(LoadBalancerArn=group.balancer)
    group.elb.delete_target_group(TargetGroupArn=group.arn)
    ids = [target.id for target in fleet.targets]
    scaling.detach_instances(AutoScalingGroupName=name, InstanceIds=ids, ShouldDecrementDesiredCapacity=True)
    scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    recover(journal, aws, Run(tell=told)).check(journal.address)
    assert f"{first.id} out of {group.name}: {group.name} is there no more. Nothing comes back." in told.lines
    assert f"AZRebalance of {name}, suspended: {name} is there no more. Nothing comes back." in told.lines
    as_the_page_says("The groups that an instance was out of are deleted", None, " ".join(told.lines))
    assert journal.pending == ()


def test_an_instance_that_is_stopped_stays_in_the_journal_and_keeps_nobody_from_deploying(
    fleet, group_of, balancer_of, journal, client_of, aws
):
    first, second = fleet.targets
    group, ec2 = group_of(first, second), client_of("ec2")
    balancer_of(fleet.targets, group).take_out([first], Run())
    ec2.stop_instances(InstanceIds=[first.id])
    recovered = recover(journal, aws, Run())
    with pytest.raises(RopewayError) as told:
        recovered.check(journal.address)
    effect = f"{first.id} out of {group.name}"
    assert told.value.message == (f"1 change of an earlier run could not be undone.\n{effect}: {first.id} is stopped.")
    assert journal.address in told.value.advice
    words = f"{effect}, since an earlier run: {first.id} is stopped. Start it, then run: ropeway ec2 recover."
    assert recovered.warnings(journal.address) == (words,)
    as_the_page_says("An instance that was out is stopped", None, words)

    balancer = balancer_of([second], group)
    assert balancer.take_out([second], Run()) == {}
    assert balancer.restore(Run()) == {}, "what another run has left is not this one's failure"
    assert [effect.member for effect in journal.pending] == [first.id]
    ec2.start_instances(InstanceIds=[first.id])
    recover(journal, aws, Run()).check(journal.address)
    assert set(states(group)) == {first.id, second.id}


def test_what_cannot_be_undone_stays_in_the_journal_and_is_told(
    fleet, group_of, balancer_of, journal, aws, monkeypatch
):
    first, _ = fleet.targets
    group = group_of(first)
    balancer_of(fleet.targets, group).take_out([first], Run())
    no = "Could not put it back: AWS answered OperationNotPermitted."
    monkeypatch.setattr(changing, "register", lambda effects, _: dict.fromkeys(effects, no))
    recovered = recover(journal, aws, Run())
    with pytest.raises(RopewayError, match="AWS answered OperationNotPermitted"):
        recovered.check(journal.address)
    with pytest.raises(RopewayError, match="1 change of an earlier run could not be undone"):
        recovered.warnings(journal.address)
    assert [effect.member for effect in journal.pending] == [first.id]


def test_a_journal_of_another_region_is_not_taken_for_one_of_which_all_is_gone(
    fleet, group_of, balancer_of, journal, aws, embedded
):
    first, _ = fleet.targets
    balancer_of(fleet.targets, group_of(first)).take_out([first], Run())
    elsewhere = connect(AwsInputs(region_name="eu-west-1"), embedded.connection)
    with pytest.raises(
        InputError, match=r"is in account \d{12}, region us-east-1, and this is account \d{12}, region eu-west-1"
    ):
        recover(journal, elsewhere, Run())
    recover(journal, aws, Run()).check(journal.address)
    assert journal.pending == ()


def test_a_stalled_run_that_wakes_leaves_alone_what_the_new_owner_of_the_journal_has_out(
    fleet, group_of, balancer_of, journal, aws
):
    first, _ = fleet.targets
    group = group_of(first)
    stalled = balancer_of(fleet.targets, group)
    assert stalled.take_out([first], Run()) == {}
    new = Journal(journal._engine, journal._place)
    recover(new, aws, Run()).check(new.address)
    group.wait_all("healthy")
    terms = BalancerTerms((group.name,), look_every=0.02, drain_margin=20.0)
    owner = Balancer(survey(terms, fleet.targets, aws), terms, new, aws)
    assert owner.take_out([first], Run()) == {}

    with pytest.raises(Overtaken, match="Somebody else has written"):
        stalled.put_back([first], Run())
    left = stalled.restore(Run())
    effect = f"{first.id} out of {group.name}"
    assert left == {effect: f"Somebody else has written {journal.address} meanwhile. It is left to them."}
    as_the_page_says("A run stalls, another takes over, and the first one wakes", left[effect])
    assert group.health() == {}, "it is being switched"
    new.verify(Cancellation())
    assert owner.restore(Run()) == {}
    assert set(states(group)) == {first.id}


def test_two_who_write_the_journal_find_each_other_out(journal, fleet, group_of, balancer_of):
    first, _ = fleet.targets
    group = group_of(first)
    balancer: Balancer = balancer_of(fleet.targets, group)
    other = Journal(journal._engine, journal._place)
    other.read(Cancellation())
    other.add([Effect("deregistered", group.arn, "i-other", PORT)], Cancellation())
    with pytest.raises(Overtaken, match="Somebody else has written"):
        balancer.take_out([first], Run())
    assert states(group) == {first.id: "healthy"}
    assert balancer.restore(Run()) == {}, "nothing was taken out"


# --- another application on the same instances --------------------------------------------------------------------------------------


@pytest.fixture
def other(journal, aws):
    """The balancer of another application, with a journal of its own."""

    def make(targets, *groups, **more) -> Balancer:
        place = replace(journal._place, key=".ropeway/applications/other/journal.json")
        own = Journal(journal._engine, place)
        own.read(Cancellation())
        terms = BalancerTerms(tuple(group.name for group in groups), look_every=0.02, drain_margin=20.0, **more)
        return Balancer(survey(terms, targets, aws), terms, own, aws)

    return make


def test_what_another_application_has_in_standby_is_left_to_it(fleet, balancer_of, scaled, client_of, other, journal):
    first, second = fleet.targets
    name = scaled(fleet.targets)
    late = other(fleet.targets, scaling="standby")
    balancer = balancer_of(fleet.targets, scaling="standby")
    assert balancer.take_out([first], Run()) == {}
    words = (
        f"It is Standby in Auto Scaling group {name} already. This run has not done that: somebody else has it out, or it is there no more. It is left "
        "to them."
    )
    assert late.take_out(fleet.targets, Run()) == {first.id: words}
    assert (lifecycle(client_of, first), lifecycle(client_of, second)) == ("Standby", "Standby")
    assert late.put_back(fleet.targets, Run()) == {first.id: "Whoever has it out puts it back."}
    assert late.restore(Run()) == {}
    assert (lifecycle(client_of, first), lifecycle(client_of, second)) == ("Standby", "InService")
    assert suspended(client_of, name) == set(SUSPENDED), "whoever suspended them resumes them"
    assert balancer.put_back([first], Run()) == {}
    assert balancer.restore(Run()) == {}
    assert (lifecycle(client_of, first), suspended(client_of, name)) == ("InService", set())
    assert late.take_out([first], Run()) == {}
    assert late.put_back([first], Run()) == {}


def test_what_another_application_has_out_of_a_target_group_is_left_to_it(fleet, group_of, balancer_of, other):
    first, second = fleet.targets
    group = group_of(*fleet.targets)
    late, balancer = other(fleet.targets, group), balancer_of(fleet.targets, group)
    assert balancer.take_out([first], Run()) == {}
    why = late.take_out(fleet.targets, Run())
    assert why.keys() == {first.id}
    assert why[first.id].startswith(f"It is out of {group.name} already: unused (Target.NotRegistered, ")
    assert late.restore(Run()) == {}
    group.wait_all_in({second.id: "healthy"})
    assert balancer.put_back([first], Run()) == {}
    assert states(group) == {first.id: "healthy", second.id: "healthy"}
