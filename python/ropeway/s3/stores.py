"""Storage classes of stores that are S3 in name alone: each keeps all its objects in its own, and its ETags may be anything."""

OWN_CLASSES = frozenset({"EXPRESS_ONEZONE", "FSX_ONTAP", "FSX_OPENZFS", "OUTPOSTS", "SNOW"})
