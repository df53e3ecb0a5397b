"""What the invented merchant's world is made of: countries, names, mailboxes, goods. Nobody real is meant.

Mail domains lie below the reserved top-level domain ``.example``: no message can ever reach anybody. Mobile numbers are
of the form each country gives out (`phonenumbers` holds them for valid), since a normal form refuses others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True)
class Country:
    """Where a customer lives.

    :param weight: share among customers, in percent.
    :param places: (city, region, first digits of the postcode).
    :param mobile: a mobile number in E.164 from a random source.
    :param trunk: what stands before a national number instead of the country code.
    """

    code: str
    dial: str
    trunk: str
    language: str
    weight: int
    places: tuple[tuple[str, str, str], ...]
    mobile: Callable[[Random], str]
    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]


def _digits(prefixes: tuple[str, ...], free: int) -> Callable[[Random], str]:
    return lambda rng: f"{prefixes[rng.randrange(len(prefixes))]}{rng.randrange(10**free):0{free}d}"


GERMANY: Final = Country(
    "DE",
    "+49",
    "0",
    "de",
    52,
    (
        ("Berlin", "Berlin", "10"),
        ("Hamburg", "Hamburg", "20"),
        ("München", "Bayern", "80"),
        ("Köln", "Nordrhein-Westfalen", "50"),
        ("Düsseldorf", "Nordrhein-Westfalen", "40"),
        ("Leipzig", "Sachsen", "04"),
        ("Nürnberg", "Bayern", "90"),
        ("Stuttgart", "Baden-Württemberg", "70"),
    ),
    _digits(("+491511", "+491522", "+491573", "+491590"), 7),
    ("Anna", "Jürga", "Sabine", "Käthe", "Lena", "Marie", "Ayşe", "Birgit", "Claudia", "Zoë", "Hannah", "Frieda"),
    ("Jürgen", "Björn", "Thomas", "Max", "Paul", "Łukasz", "Stefan", "Mehmet", "Jörg", "Felix", "Emil", "Uwe"),
    (
        "Müller",
        "Schmidt",
        "Weiß",
        "Schäfer",
        "Köhler",
        "Fischer",
        "Yılmaz",  # noqa: RUF001 (a Turkish name)
        "Becker",
        "Groß",
        "Krüger",
        "Wagner",
        "Hoffmann",
        "Nowak",
        "Lindner",
        "Böhm",
        "Vogt",
        "Peters",
        "Schröder",
        "Kowalski",
        "Zimmermann",
    ),
)
FRANCE: Final = Country(
    "FR",
    "+33",
    "0",
    "fr",
    15,
    (
        ("Paris", "Île-de-France", "75"),
        ("Lyon", "Auvergne-Rhône-Alpes", "69"),
        ("Nîmes", "Occitanie", "30"),
        ("Strasbourg", "Grand Est", "67"),
    ),
    _digits(("+3361", "+3362", "+3366", "+3368"), 7),
    ("Éloïse", "Chloé", "Camille", "Inès", "Léa", "Aurélie", "Françoise"),
    ("François", "Loïc", "Théo", "Hugo", "René", "Étienne", "Mathéo"),
    ("Lefèvre", "Dubois", "Moreau", "Béranger", "Garnier", "D'Aubigné", "Noël", "Rousseau", "Benoît", "Diallo"),
)
BRITAIN: Final = Country(
    "GB",
    "+44",
    "0",
    "en",
    13,
    (
        ("London", "England", "E1 "),
        ("Leeds", "England", "LS"),
        ("Glasgow", "Scotland", "G1 "),
        ("Cardiff", "Wales", "CF"),
    ),
    _digits(("+447400", "+447488", "+447450", "+447500"), 6),
    ("Olivia", "Amelia", "Siân", "Priya", "Emma", "Niamh"),
    ("Oliver", "Harry", "Rhys", "Arjun", "Jack", "Seán"),
    ("O'Connor", "Smith", "Patel", "Jones", "Macdonald", "Smith-Jones", "Okafor", "Brown", "Evans"),
)
AMERICA: Final = Country(
    "US",
    "+1",
    "",
    "en",
    8,
    (("Portland", "OR", "97"), ("Austin", "TX", "78"), ("Seattle", "WA", "98"), ("Boston", "MA", "02")),
    _digits(("+15032", "+15124", "+12065", "+16177"), 6),
    ("Emily", "Sofía", "Grace", "Mei"),
    ("James", "José", "Tyler", "Wei"),
    ("Garcia", "Johnson", "Nguyễn", "Lee", "Martínez", "Williams", "Kim"),
)
NETHERLANDS: Final = Country(
    "NL",
    "+31",
    "0",
    "nl",
    12,
    (("Amsterdam", "Noord-Holland", "10"), ("Utrecht", "Utrecht", "35"), ("'s-Hertogenbosch", "Noord-Brabant", "52")),
    _digits(("+3161", "+3162", "+3164"), 7),
    ("Sanne", "Daniëlle", "Fleur", "Noëlle"),
    ("Daan", "Joël", "Sven", "Willem"),
    ("de Vries", "van der Berg", "Jansen", "Visser", "van 't Hof", "Bakker", "Smits"),
)
COUNTRIES: Final = (GERMANY, FRANCE, BRITAIN, AMERICA, NETHERLANDS)

MAIL_DOMAINS: Final = (
    "posteo.example",
    "mailhaus.example",
    "inbox.example",
    "correo.example",
    "web-post.example",
    "bücherbote.example",
)
FIRMS: Final = ("tischlerei-nord", "atelier-sud", "oak-partners", "studio-vier", "grachtwerk", "buchladen-eck")
ROLE_MAILBOXES: Final = ("info", "office", "kontakt", "sales")
TILL_STOPGAP: Final = "ohne-mail@laden.example"  # what shop assistants type when a customer has no e-mail
INTERESTS: Final = ("running", "cycling", "hiking", "yoga", "cooking", "interior", "kids", "reading")
MAIL_CLIENTS: Final = ("Gmail", "Apple Mail", "iPhone", "Outlook 2016", "Outlook.com", "Thunderbird", "Android")


@dataclass(frozen=True)
class Good:
    """One thing on sale; price in euro cents."""

    sku: str
    title: str
    interest: str
    cents: int


def _goods() -> tuple[Good, ...]:
    kinds = {
        "running": ("Laufschuh", "Laufweste"),
        "cycling": ("Helm", "Trikot"),
        "hiking": ("Rucksack", "Zelt"),
        "yoga": ("Matte", "Block"),
        "cooking": ("Pfanne", "Messer"),
        "interior": ("Leuchte", "Vase"),
        "kids": ("Holzzug", "Puzzle"),
        "reading": ("Roman", "Bildband"),
    }
    names = ("Ast", "Bö", "Curl", "Düne")
    return tuple(
        Good(
            f"{interest[:3].upper()}-{kind[:2].upper()}{no}",
            f"{kind} {name}",
            interest,
            900 + 1370 * no + 640 * (place % 5) + 2100 * (kind in ("Laufschuh", "Zelt", "Leuchte", "Helm")),
        )
        for place, (interest, pair) in enumerate(kinds.items())
        for kind in pair
        for no, name in enumerate(names)
    )


GOODS: Final = _goods()
