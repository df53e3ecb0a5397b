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


def key(value: str) -> str:
    """A record's key as its source has it, unless the source took an address for one."""
    return email(value) or "***" if "@" in value else value


def identifier(kind: str, value: str) -> str:
    """An identifier of any type: enough to tell two of one person apart, too little to reach anybody.

    Vendor ids and device ids keep their ends when they are long (``ab***yz``), else their first character.
    """
    if kind == "email":
        return email(value) or "***"
    if kind == "phone":
        return phone(value) or "***"
    if "@" in value:
        return key(value)
    return f"{value[:2]}***{value[-2:]}" if len(value) >= 8 else f"{value[:1]}***"
