"""Which columns of a person go out under which names, where the segment's file may choose: webhook and file drop."""

from collections.abc import Mapping, Sequence

from include.destinations.base import Audience
from include.errors import ConfigError

COLUMNS = ("first_name", "last_name", "birth_on", "gender", "language", "country", "region", "city", "postcode")


def names_of(audience: Audience, columns: Sequence[str] = COLUMNS) -> dict[str, str]:
    """Name at the platform by column: option ``fields``, a list of columns or ``{column: name}``; all without it.

    :raises ConfigError: a column that is not carried, or one name twice.
    """
    wanted = audience.options.get("fields", columns)
    names = dict(wanted) if isinstance(wanted, Mapping) else {column: column for column in wanted}
    unknown = sorted(set(names) - set(columns))
    taken = {"email", "phone", "cleared"} & set(names.values())
    if unknown or taken or len(set(names.values())) < len(names):
        cause = f"{unknown[0]!r} is no column it carries" if unknown else "one name stands for two things"
        raise ConfigError(
            f"{audience.segment}: fields of {audience.destination} audience {audience.key!r}: {cause}; "
            f"use {', '.join(columns)}, each under a name of its own."
        )
    return names
