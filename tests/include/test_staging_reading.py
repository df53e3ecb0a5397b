"""How staging reads raw values: what is usual is read by a quick way, what is odd by patterns, both alike."""

from decimal import Decimal

TIMES = {  # value, zone, order of the date → the moment in UTC
    ("2011-07-01 08:26", "Europe/London", "ymd"): "2011-07-01 07:26:00",
    ("2011-07-01 08:26:05", "Europe/London", None): "2011-07-01 07:26:05",
    ("2011-07-01T08:26:05", "UTC", "ymd"): "2011-07-01 08:26:05",
    ("2011-7-1 8:26", "Europe/London", "ymd"): "2011-07-01 07:26:00",
    ("2011-07-01", "Europe/London", "ymd"): "2011-06-30 23:00:00",
    ("2011-07-01T08:26:05Z", "Europe/London", "ymd"): "2011-07-01 08:26:05",
    ("2011-07-01T08:26:05.250Z", "UTC", "ymd"): "2011-07-01 08:26:05.25",
    ("2011-07-01T08:26:05.25Z", "UTC", "ymd"): "2011-07-01 08:26:05.25",
    ("2011-07-01T08:26:05+02:00", "UTC", "ymd"): "2011-07-01 06:26:05",
    ("2011-07-01T08:26:05-02:00", "UTC", "ymd"): "2011-07-01 10:26:05",
    ("01.02.2011 08:26", "UTC", "dmy"): "2011-02-01 08:26:00",
    ("01/02/2011 08:26", "UTC", "mdy"): "2011-01-02 08:26:00",
    ("1309508765000", "UTC", "ymd"): "2011-07-01 08:26:05",
    ("2011-02-30 08:26", "UTC", "ymd"): None,
    ("2011-02-30", "UTC", "ymd"): None,
    ("2011-07-01T08:26:61Z", "UTC", "ymd"): None,
    ("01.02.2011", "UTC", "ymd"): None,
    ("yesterday", "UTC", "ymd"): None,
    (None, "UTC", "ymd"): None,
}
NUMBERS = {
    ("12", "."): Decimal(12),
    ("-80995", "."): Decimal(-80995),
    ("2.55", "."): Decimal("2.55"),
    ("+2.5", "."): Decimal("2.5"),
    (".5", "."): Decimal("0.5"),
    ("1,234.50", "."): Decimal("1234.50"),
    ("1.234,50", ","): Decimal("1234.50"),
    ("1.234", ","): Decimal(1234),
    ("2,5", ","): Decimal("2.5"),
    ("1e3", "."): Decimal(1000),
    ("1234567890123456", "."): None,
    ("12 pieces", "."): None,
    ("NaN", "."): None,
    ("", "."): None,
    (None, "."): None,
}
CURRENCIES = {"GBP": "GBP", "eur": "EUR", "XYZ": None, "": None, None: None}


def test_moments_are_read_as_they_are_written(conn):
    read = {one: conn.execute("select (staging.read_time(%s, %s, %s) at time zone 'UTC')::text", one).fetchone()[0]
            for one in TIMES}
    assert read == TIMES


def test_numbers_are_read_as_they_are_written(conn):
    assert {one: conn.execute("select staging.read_number(%s, %s)", one).fetchone()[0] for one in NUMBERS} == NUMBERS


def test_only_currencies_of_the_norm_are_currencies(conn):
    read = {one: conn.execute("select staging.read_currency(%s)", (one,)).fetchone()[0] for one in CURRENCIES}
    assert read == CURRENCIES
