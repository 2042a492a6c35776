"""What every request says beside its own: added to each that knows it, so that none can be forgotten."""

from __future__ import annotations

from typing import Any

from ropeway.s3.engine import Terms


def keep(client: Any, terms: Terms) -> None:
    """Let all requests of an S3 client say so from now on. Calling it again with the same terms changes nothing."""
    owners = dict.fromkeys(("ExpectedBucketOwner", "ExpectedSourceBucketOwner"), terms.bucket_owner)
    wanted = owners | {"RequestPayer": "requester" if terms.requester_pays else ""}
    given = {name: value for name, value in wanted.items() if value}

    def say(params: dict[str, Any], model: Any, **_: Any) -> None:
        params |= {name: value for name, value in given.items() if name in model.input_shape.members}

    client.meta.events.register("before-parameter-build.s3", say, unique_id=f"ropeway-terms-{sorted(given)}")
