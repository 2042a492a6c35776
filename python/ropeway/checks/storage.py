"""What a folder of an instance lies on, from what the instance itself says."""

from __future__ import annotations

LOSES = "An instance store loses its data when the instance stops: put the data on EBS or EFS."


def lies_on(mount: str, model: str) -> str:
    """ebs, efs, instance-store, or unknown with what it is. `mount` begins with source and file system, `model` is the disk's.

    EFS is NFS 4.1, from its own name or, with efs-utils and TLS, from 127.0.0.1 (EFS user guide). Disks tell by their model
    what they are (EC2 user guide, "Identify NVMe volumes"); Xen instances have EBS at xvd devices and say nothing.
    """
    source, _, rest = mount.partition(" ")
    if " nfs4" in f" {rest.strip()}" or ".efs." in source:
        return "efs"
    if "Instance Storage" in model:
        return "instance-store"
    if "Elastic Block Store" in model or source.startswith("/dev/xvd"):
        return "ebs"
    return f"unknown ({source or 'nothing'})"
