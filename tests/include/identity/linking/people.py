"""Invented people with errors in their records, and who each record is."""

import random
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from include.identity.linking.fields import Field

# fmt: off
GIVEN = [
    "ada", "bruno", "carla", "dieter", "emma", "franz", "greta", "hans", "ida", "jonas", "klara", "leon", "mia",
    "nils", "olga", "paul", "rosa", "sven", "tina", "uwe", "vera", "walter", "xenia", "yvonne", "zoe", "albert",
    "berta", "conrad", "dora", "emil", "frieda", "gustav",
]
FAMILY = [
    "adler", "bauer", "conrads", "decker", "engel", "fuchs", "graf", "huber", "imhof", "jung", "kaiser", "lang",
    "mayer", "neumann", "otto", "peters", "richter", "schulz", "thomas", "ullrich", "vogel", "weber", "zimmer",
    "arnold", "brandt", "claus", "dietz", "ernst", "fischer", "gross", "horn", "jahn", "koch", "lorenz", "moser",
    "nagel", "ott", "pohl", "roth", "sauer",
]
CITIES = [
    "linz", "graz", "wien", "bern", "basel", "kiel", "trier", "essen", "mainz", "ulm",
]
# fmt: on
FIELDS = (
    Field("first_name", "given"),
    Field("last_name", "family"),
    Field("birth_on", "date"),
    Field("postcode", "code"),
    Field("city", "text"),
)


@dataclass(frozen=True)
class People:
    """One row a record.

    :param persons: a number a row, the same for records of one person.
    """

    rows: list[dict[str, str | None]]
    persons: np.ndarray

    def table(self) -> pa.Table:
        """As :func:`include.identity.linking.link.link` takes it, all of one source."""
        found = pa.table({field.name: [row[field.name] for row in self.rows] for field in FIELDS})
        places = pa.array(np.arange(len(self.rows)))
        return found.append_column("row", places).append_column("source", pa.array(np.zeros(len(self.rows), np.int64)))


def people(count: int, *, doubled: int, seed: int) -> People:
    """So many persons, so many of whom have a second record with an error in it; shuffled."""
    chance = random.Random(seed)
    rows = [(number, _person(chance)) for number in range(count)]
    rows += [(number, _with_errors(row, chance)) for number, row in rows[:doubled]]
    chance.shuffle(rows)
    return People([row for _, row in rows], np.array([number for number, _ in rows]))


def _person(chance: random.Random) -> dict[str, str | None]:
    city = chance.randrange(len(CITIES))
    return {
        "first_name": chance.choice(GIVEN),
        "last_name": chance.choice(FAMILY),
        "birth_on": f"{chance.randint(1940, 2004)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}",
        "postcode": f"{10 + city * 7}{chance.randint(100, 199)}",
        "city": CITIES[city],
    }


def _with_errors(row: dict[str, str | None], chance: random.Random) -> dict[str, str | None]:
    found = dict(row)
    wrong = chance.choice(("first_name", "last_name", "city", "postcode"))
    value = found[wrong] or ""
    place = chance.randrange(1, len(value))
    found[wrong] = value[:place] + chance.choice("xq8") + value[place:]
    if chance.random() < 0.3:
        found[chance.choice(("birth_on", "postcode"))] = None
    return found
