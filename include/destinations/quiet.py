"""What a quiet first load (``first_load: quiet`` in a segment's front matter) means at each platform.

The first load of an audience may set off what is bound to joining it: a welcome series for ten thousand old customers.
Quiet is the way that does not. Where a platform has none the option is refused, so that nobody relies on it.
"""

WAYS = {
    "file_drop": "the manifest marks the load's files with `quiet`, for whoever reads them",
    "google": "an audience sets nothing off; it is the same as any load",
    "meta": "an audience sets nothing off; it is the same as any load",
    "tiktok": "an audience sets nothing off; it is the same as any load",
    "webhook": "each batch of the load carries `quiet: true`; the receiver stores it and starts nothing",
}
NONE = {
    "brevo": "an automation that waits for contacts joining a list cannot be told to pass an import over",
    "hubspot": "a workflow enrolled by list membership cannot be told to pass a call over",
    "klaviyo": "a flow set off by joining a list cannot be told to pass an import over",
    "mailchimp": "a journey set off by a tag passes a call over only member by member",
}


def why_not(destination: str) -> str | None:
    """Why the platform has no quiet way, or None when it has one."""
    if destination in WAYS:
        return None
    return NONE.get(destination, "nothing is known of a quiet way there")
