"""One GET without the client's machinery: signed and sent by botocore's own parts, at a third of the processor time.

Reading small objects is bound by that time, not by the network. What is not a plain answer (a redirect, a store that is
busy, a connection that broke) is left to the client, which knows how to try again.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.response import StreamingBody
from botocore.utils import get_environ_proxies

if TYPE_CHECKING:
    import boto3
    from botocore.credentials import Credentials, RefreshableCredentials
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_CODE = re.compile(rb"<Code>\s*([A-Za-z.]{1,64})\s*</Code>")
_FINAL = (403, 404)
"""Answers that asking again does not change."""

_ERROR_BYTES = 4096


class DirectReader:
    """Plain GETs of one store, over connections that are kept open; safe to share between threads."""

    def __init__(
        self, session: boto3.session.Session, endpoint: str, region: str, timeouts: tuple[float, float], pool: int
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._region = region
        self._credentials: Credentials | RefreshableCredentials | None = session.get_credentials()
        bundle = session._session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
        kept: Any = {"verify": bundle or True, "timeout": timeouts}  # the stubs know neither paths nor pairs
        self._http = URLLib3Session(proxies=get_environ_proxies(endpoint), max_pool_connections=pool, **kept)

    def get(self, bucket: str, key: str) -> GetObjectOutputTypeDef | None:
        """What the client's `get_object` gives; None when the client has to ask.

        Raises:
            ClientError: there is no such object, or reading it is not allowed.
        """
        if self._credentials is None:
            return None
        url = f"{self._endpoint}/{bucket}/{quote(key, safe='/~')}"
        request = AWSRequest(method="GET", url=url, stream_output=True)
        try:
            now = self._credentials.get_frozen_credentials()
            S3SigV4Auth(now, "s3", self._region).add_auth(request)
            answer = self._http.send(request.prepare())
        except (BotoCoreError, OSError):
            return None
        if answer.status_code == 200 and "content-length" in answer.headers:
            return _output(answer)
        text = answer.raw.read(_ERROR_BYTES)
        answer.raw.close()  # the rest was not read: nobody may use this connection again
        if answer.status_code in _FINAL and (code := _CODE.search(text)):
            raise _refused(answer.status_code, code[1].decode())
        return None


def _output(answer: AWSResponse) -> GetObjectOutputTypeDef:
    size = int(answer.headers["content-length"])
    found = {
        "Body": StreamingBody(answer.raw, size),
        "ContentLength": size,
        "ETag": answer.headers.get("etag", ""),
        "ServerSideEncryption": answer.headers.get("x-amz-server-side-encryption", ""),
        "SSECustomerAlgorithm": answer.headers.get("x-amz-server-side-encryption-customer-algorithm", ""),
    }
    return cast("GetObjectOutputTypeDef", found)  # as much of it as `read_whole` asks for


def _refused(status: int, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")  # type: ignore[typeddict-item]
