"""Traffic is led away from an instance before it is switched, and back when it works: target groups and Auto Scaling.

`survey` reads, for the plan, where each target gets its traffic from (`Seat`). `Balancer` takes them out and puts them back, each change
written into the journal (`ec2.journal`) before it is made. `undoing` undoes what a journal tells, whoever has written it.
"""
