"""Choosing instances, and rolling a release over them.

    Selection ──targets──> Target ──preflight──> Found ─┐
    folder ───bundle──> Bundle ──staging──> Staged ─────┼──> RolloutPlan (batches; printed, it is the dry run)
    app (hooks) ──host──> Script ───────────────────────┘          │
                                                                   v
        lock ─> stage on all ─> batch: [out of balance] switch [back in] ─> gate ─> ... ─> bake ─> mark healthy, prune ─> record
                                     │ more failures than allowed                      │
                                     └────────> put back what changed, in reverse, each one proved <┘

A script goes out by a `Transport` and comes back as one `HostRun` an instance; its last line is a `HostReport`. A step on an
instance is done when the run ended with 0 *and* the report says so of this very step and release. Whatever else it is
(undeliverable, late, silent, a report that is missing) is no success, and counts.

target      an instance that was chosen, pinned for the run
found       a target with what the preflight saw: agent, disk, the release that is live
batch       targets that are switched at the same time
budget      how many targets may not succeed before the rollout stops
serving     a target whose live release is not known to be bad: what minimum healthy counts
release     `staged`, `live`, `healthy`, `failed`, `rolledBack` (s3/state/releases.State): on each host, and of the application in S3
"""
