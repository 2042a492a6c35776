"""Deleting: the requests (S3 API reference, DeleteObjects and DeleteObject)."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial

from ropeway.errors import RopewayError
from ropeway.s3 import actions
from ropeway.s3.answered import DELETED, check_deleted, check_gone
from ropeway.s3.checksums import in_base64
from ropeway.s3.engine import CONCERN_ALL
from ropeway.s3.jobs.delete import doing, refused
from ropeway.s3.wire import xml
from ropeway.s3.wire.call import Call, Refused
from ropeway.s3.wire.line import Line
from ropeway.wire.response import Answer


async def delete_many(line: Line, bucket: str, keys: Sequence[str]) -> dict[str, RopewayError]:
    objects = "".join(f"<Object>{xml.element('Key', key)}</Object>" for key in keys)
    body = f'<Delete xmlns="{xml.NAMESPACE}">{objects}<Quiet>true</Quiet></Delete>'.encode()
    call = Call("DeleteObjects", "POST", bucket, "", doing(bucket, keys), actions.DELETE, query="delete=", body=body)
    call.hash = hashlib.sha256(body).hexdigest()
    call.headers = {"content-type": "application/xml", **_checksum(line, body)}
    answer = await line.ask(call)
    document = xml.read(answer.body, "Error")
    check_deleted({"ResponseMetadata": {DELETED: document.root == "DeleteResult"}}, call.doing)
    return refused(document.entries, bucket, keys, partial(_told, line, call, answer))


def _checksum(line: Line, body: bytes) -> dict[str, str]:
    """One is demanded here; the MD5 is the one that every store knows."""
    if line.checksums:
        return {"x-amz-checksum-crc32": in_base64(zlib.crc32(body))}
    return {"content-md5": b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}


def _told(line: Line, call: Call, answer: Answer, error: Mapping[str, str], doing: str) -> RopewayError:
    about = Call(call.operation, call.method, call.bucket, error["Key"], doing, call.needed, attempts=call.attempts)
    return Refused(answer, xml.Document("Error", {**error})).told(about, line.store)


async def delete_one(line: Line, bucket: str, key: str) -> RopewayError | None:
    try:
        doing = f"delete s3://{bucket}/{key}"
        answer = await line.ask(Call("DeleteObject", "DELETE", bucket, key, doing, actions.DELETE))
        check_gone({"ResponseMetadata": {"HTTPStatusCode": answer.status}}, doing)
    except CONCERN_ALL:
        raise
    except RopewayError as error:
        return error
    return None
