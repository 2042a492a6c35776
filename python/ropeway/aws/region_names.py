"""How a region is written."""

from __future__ import annotations

import re

SHAPE = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}")
"""eu-west-1, us-gov-east-1, eusc-de-east-1: new regions come more often than new botocores, so no list."""

LABEL = re.compile(r"(?!\d+$)(?!-)[a-z\d-]{1,63}(?<!-)", re.ASCII)
"""A store's own: garage, auto, nyc3."""

ANY = "us-east-1"
"""S3-compatible stores do not care, but the signature needs some region; this is the one they are configured with by default."""
