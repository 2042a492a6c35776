"""Each answer of S3 carries its request id in `x-amz-request-id`, and errors repeat it; no other site's page may read it."""

from __future__ import annotations

import re
import uuid
from typing import Any

from moto.moto_server import werkzeug_app
from moto.s3.responses import S3Response

from ropeway.local.patches.patch import Answer, Patch, Refused, around


def _identified(answer: Answer) -> Answer:
    status, headers, body = answer
    request_id = uuid.uuid4().hex[:16].upper()
    headers.pop("x-amzn-requestid", None)
    headers |= {"x-amz-request-id": request_id, "x-amz-id-2": "embedded/" + request_id}
    if status >= 300 and body:
        body = re.sub(rb"<RequestId>[^<]*<", b"<RequestId>%s<" % request_id.encode(), _bytes(body))
    return status, headers, body


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _mend() -> None:
    # moto lets any web page that the user visits read what is in it.
    werkzeug_app.DISABLE_GLOBAL_CORS = True

    for name in ("key_response", "bucket_response"):

        @around(S3Response, name)
        def answered(original: Any, *args: Any, **kwargs: Any) -> Answer:
            try:
                return _identified(original(*args, **kwargs))
            except Refused as refused:
                return _identified(refused.answer())


PATCH = Patch("Every answer carries its request id; an error repeats it.", mend=_mend)
