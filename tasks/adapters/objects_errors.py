"""What boto3 raises, as errors of ours: who may try again, and who needs a person."""

from __future__ import annotations

from botocore import exceptions as foreign

from tasks.domain.errors import ConfigError, ContractError, EvergreenError, NotFound, StoreUnavailable

PASSING: tuple[type[Exception], ...] = (foreign.BotoCoreError, foreign.ClientError, OSError)
"""Everything that a call through boto3 is known to raise."""

_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchVersion", "NoSuchUpload"}
_BUSY = {
    "429",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "RequestTimeout",
    "RequestLimitExceeded",
}
_REFUSED = {"AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
_BAD_SETTINGS = (
    foreign.NoCredentialsError,
    foreign.PartialCredentialsError,
    foreign.CredentialRetrievalError,
    foreign.TokenRetrievalError,
    foreign.NoRegionError,
    foreign.ProfileNotFound,
    foreign.ConfigNotFound,
    foreign.ConfigParseError,
    foreign.InvalidConfigError,
    foreign.InvalidRegionError,
    foreign.UnknownServiceError,
    foreign.UnknownEndpointError,
    foreign.EndpointProviderError,
    foreign.SSLError,
)
_BAD_REQUESTS = (foreign.ParamValidationError, foreign.ValidationError)


def translated(error: Exception, asked: str) -> EvergreenError:
    """The error of ours for whatever boto3 raised while `asked` was asked of the store.

    Anything that is not known to need a person is taken as passing: an outage is more common than a new exception.
    """
    if isinstance(error, foreign.ClientError):
        return _answered(error, asked)
    if isinstance(error, _BAD_REQUESTS):
        return ContractError(f"{asked}: the store's client refused the request: {error}")
    if isinstance(error, _BAD_SETTINGS):
        return ConfigError(f"{asked}: {error}; check EVERGREEN_S3_ENDPOINT, _REGION, _ACCESS_KEY and _SECRET_KEY")
    return StoreUnavailable(f"{asked}: object storage did not answer: {error}")


def _answered(error: foreign.ClientError, asked: str) -> EvergreenError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    if code == "NoSuchBucket":
        return ConfigError(f"{asked}: the bucket does not exist; create it or set EVERGREEN_BUCKET")
    if code in _MISSING or status == 404:
        return NotFound(f"{asked}: no such object")
    if code in _REFUSED or status in (401, 403):
        return ConfigError(
            f"{asked}: the store refused ({code or status}): check the keys, the clock and the bucket policy"
        )
    if code in _BUSY or status >= 500 or status in (0, 200, 408, 429):
        return StoreUnavailable(f"{asked}: the store answered {code or status}")
    return ConfigError(f"{asked}: the store answered {code or status}: {error}")
