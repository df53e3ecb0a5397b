"""What Mailchimp as a source and as a destination share: where the interface is, and the limit of an account."""

VERSION_PATH = "/3.0"
CONNECTIONS = 10  # at once, of one user; Mailchimp states no rate (docs/fundamentals, read 2026-11-21)


def api_root(base_url: str) -> str:
    """The address calls are made under.

    :param base_url: ``https://<dc>.api.mailchimp.com``, with or without ``/3.0``, as people paste it.
    """
    return base_url.rstrip("/").removesuffix(VERSION_PATH) + VERSION_PATH
