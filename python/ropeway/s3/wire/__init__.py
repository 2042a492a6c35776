"""The object engine in the standard library: S3 over `ropeway.wire`. docs/engine.md says how it works.

A transfer is a coroutine (`upload`, `download`, `copy`), which asks the store through its `Line`: `Line.ask` signs a `Call`, sends it,
sends it again where that helps, and puts a refusal into words. `Flow` runs as many of them as the `Level` allows, in the thread that
waits for the results.
"""

from ropeway.s3.wire.engine import WireEngine

__all__ = ["WireEngine"]
