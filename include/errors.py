"""Errors, sorted by what to do next.

Every text says what went wrong, where, what was expected and how to mend it. It never carries a
body, a row, an address or a secret: texts end up in logs, alerts and Airflow's UI.
"""


class AudienceflowError(Exception):
    """Base of every error the project raises on purpose.

    :ivar causes: subjects of alerts that tell the same matter already, each to its owner.
    """

    causes: tuple[str, ...] = ()


class RetriableError(AudienceflowError):
    """Wait, then try the same call again: a timeout, a reset, a 5xx.

    :param retry_after: seconds the other side asked us to wait, or None when it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.code = code


class QuotaError(RetriableError):
    """A limit of the account is used up. Waiting uses up no try."""


class LostAnswerError(RetriableError):
    """The call was sent and the answer never came: the other side may have applied it."""


class FatalError(AudienceflowError):
    """Somebody must mend something first: trying again cannot help."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class BatchRefusedError(FatalError):
    """The platform refused the whole call because of a row in it, and applied nothing.

    Raised by a connector only where the platform says both. The ledger halves the batch until the row is alone,
    delivers the others and rejects that one by ``code``.
    """


class AuthError(FatalError):
    """The credentials are refused. Everything on this account stops at once."""


class ConfigError(FatalError):
    """A file of the project is wrong; the text names file, line, cause and mend."""


class CriticalCheckError(FatalError):
    """A critical expectation failed: the batch and all that depends on it stop here.

    :param owner: who is told: the owner named in the suite's file.
    """

    def __init__(self, message: str, *, owner: str | None = None, causes: tuple[str, ...] = ()) -> None:
        super().__init__(message, code="critical_check")
        self.owner = owner
        self.causes = causes


class RejectedRow(AudienceflowError):
    """One row is refused for good: count it, store the reason, go on with the others."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
