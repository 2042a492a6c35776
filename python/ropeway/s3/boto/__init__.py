"""The object engine on boto3: our own scheduling and streaming over its one-request calls."""

from ropeway.s3.boto.engine import BotoEngine

__all__ = ["BotoEngine"]
