"""Personal values as people may see them who only have to recognise a kind of person, not the person."""


def word(value: str | None) -> str | None:
    """The first character: ``A***``; None for nothing."""
    return None if not value else f"{value[0]}***"


def email(value: str | None) -> str | None:
    """``a***@p***.example``; None when it is no address."""
    if not value or "@" not in value:
        return None
    local, domain = value.rsplit("@", 1)
    return f"{word(local)}@{word(domain)}.{domain.rsplit('.', 1)[-1]}"


def phone(value: str | None) -> str | None:
    """Country code and no more: ``+49***``; None for nothing."""
    return None if not value else f"{value[:3]}***"
