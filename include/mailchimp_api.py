"""What Mailchimp as a source and as a destination share: where the interface is."""

VERSION_PATH = "/3.0"


def api_root(base_url: str) -> str:
    """The address calls are made under.

    :param base_url: ``https://<dc>.api.mailchimp.com``, with or without ``/3.0``, as people paste it.
    """
    return base_url.rstrip("/").removesuffix(VERSION_PATH) + VERSION_PATH
