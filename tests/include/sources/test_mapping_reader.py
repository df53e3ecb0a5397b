"""What a wrong mapping is told: file, line, cause and mend, each."""

import re
from pathlib import Path

import pytest

from include.errors import ConfigError
from include.sources.files.mappings import built_in, read
from include.sources.mapping import staging_parameters, table_mapping
from include.sources.mapping_reader import read_table
from include.sources.registry import STREAMS
from include.sources.shapes import PERSONAL, REQUIRED

ROOT = Path(__file__).resolve().parents[3]
# Their platforms tell no time of a record's last change: the version landed last is the newest.
NEVER_CHANGED = ("mailchimp.campaigns", "klaviyo.events", "ga4.reports")
CONTACTS = """contacts:
  columns:
    email: properties.email
  consent:
    email:
      path: properties.consent
      granted: [granted]
      at: properties.consent_at
"""
TILL = """match: ["till_*"]
shape: orders
columns:
  order_key: receipt
  occurred_at: at
constants:
  currency: EUR
"""


def contacts(old: str, new: str) -> ConfigError:
    """What is said when a line of a source's mapping is another."""
    assert old in CONTACTS
    with pytest.raises(ConfigError) as raised:
        read_table("include/sources/crm.yaml", CONTACTS.replace(old, new), "person_record", "contacts")
    return raised.value


def till(old: str, new: str) -> ConfigError:
    assert old in TILL
    with pytest.raises(ConfigError) as raised:
        read("drop/till.yaml", TILL.replace(old, new))
    return raised.value


@pytest.mark.parametrize(("old", "new", "line", "cause", "mend"), [
    ("contacts:", "contract:", 1, "the table 'contacts' is missing", "add a block `contacts:`"),
    ("  columns:", "  colums:", 2, "'colums' is not known in a mapping", "use one of columns, ids, consent"),
    ("email: properties.email", "mail: properties.email", 3, "'mail' is not known in the columns of person_record",
     "use one of created_at"),
    ("email: properties.email", "email: [a, b, c]", 3, "'email' has 3 paths", "two where the second is a fallback"),
    ("email: properties.email", "email:", 3, "'email' has no readable path", "write a path such as properties.email"),
    ("email: properties.email", "email: properties..email", 3, "'email' has no readable path", "write a path"),
    ("email: properties.email", "email: {join: [a, b]}", 3, "'email' cannot be joined", "only order_key"),
    ("email: properties.email", "email: a\n    email: b", 4, "is not YAML (a key comes twice)", "correct the spelling"),
    ("    email:\n      path", "    mail:\n      path", 5, "'mail' is not known in consent", "use one of email, ads"),
    ("[granted]", "granted", 7, "the values are no list", "write them as [one, two]"),
    ("      at: properties.consent_at\n", "", 5, "a grant for email has no time", "say with `at:`"),
    ("  consent:", "  consent: [", 6, "is not YAML", "correct the spelling there"),
])
def test_a_wrong_mapping_of_a_source_names_file_line_cause_and_mend(
    old: str, new: str, line: int, cause: str, mend: str
) -> None:
    said = str(contacts(old, new))

    assert said.startswith(f"include/sources/crm.yaml, line {line}: ")
    assert cause in said
    assert mend in said


@pytest.mark.parametrize(("old", "new", "line", "cause", "mend"), [
    ("shape: orders", "shape: receipts", 1, "`shape` or `match` is missing", "`shape: orders or persons`"),
    ('match: ["till_*"]', 'match: "till_*"', 1, "`shape` or `match` is missing", "`match:"),
    ('match: ["till_*"]', "match: [7]", 1, "a pattern is no text", "put it in quotes"),
    ("shape: orders", "shape: orders\nkey: receipt", 3, "the key is no list of columns", "write `key: [receipt_no"),
    ("shape: orders", "shape: orders\ncsv: {delimiter: tab}", 3, "'delimiter' is not one character", "in quotes"),
    ("shape: orders", "shape: orders\ncsv: {encoding: utf-9}", 3, "the encoding is not known", "such as utf-8"),
    ("shape: orders", "shape: orders\ncsv: {separator: ','}", 3, "'separator' is not known in csv", "use one of"),
    ("shape: orders", "shape: orders\nsheet: 1", 3, "'sheet' is not known in a file's mapping", "use one of"),
    ("  occurred_at: at\n", "", 1, "no path for occurred_at", "add `occurred_at:` below `columns:`"),
    ("shape: orders", "shape: orders\nconsent: {}", 3, "order_entry carries no consent", "take the block out"),
    ("currency: EUR", "timezone: Berlin", 7, "the time zone is not known", "IANA list such as Europe/Berlin"),
    ("currency: EUR", "date_order: dym", 7, "date_order is none of ymd, dmy, mdy", "how the file writes its dates"),
    ("currency: EUR", "decimal: ';'", 7, "decimal is neither . nor ,", "in quotes"),
    ("shape: orders", 'shape: orders\ngoods: "[0-9"', 3, "regular expression", "correct it"),
    ("shape: orders", 'shape: orders\nreturns: {path: receipt, pattern: "(C"}', 3, "regular expression", "correct it"),
])
def test_a_wrong_mapping_of_a_dropped_file_names_file_line_cause_and_mend(
    old: str, new: str, line: int, cause: str, mend: str
) -> None:
    said = str(till(old, new))

    assert said.startswith(f"drop/till.yaml, line {line}: ")
    assert cause in said
    assert mend in said


def test_a_mapping_that_is_empty_says_so() -> None:
    with pytest.raises(ConfigError, match=r"drop/till\.yaml, line 1: `shape` or `match` is missing"):
        read("drop/till.yaml", "")
    with pytest.raises(ConfigError, match=r"drop/till\.yaml, line 1: holds no keys"):
        read("drop/till.yaml", "just words")


def test_the_unchanged_mappings_of_these_tests_are_right() -> None:
    found = read_table("include/sources/crm.yaml", CONTACTS, "person_record", "contacts")

    assert found["email"] == ["properties", "email"]
    assert found["consent_email_granted_at"] == ["properties", "consent_at"]
    assert read("drop/till.yaml", TILL).columns == {"receipt": 4, "at": 5}


@pytest.mark.parametrize("stream", STREAMS)
def test_a_staging_statement_binds_exactly_what_its_mapping_gives(stream: str) -> None:
    text = (ROOT / "sql" / f"{STREAMS[stream].staging_statement}.sql").read_text(encoding="utf-8")

    asked = set(re.findall(r"%\((\w+)\)s", text))

    assert asked <= set(staging_parameters(stream, [1]))


@pytest.mark.parametrize("stream", [name for name in STREAMS if not name.startswith("files.")])
def test_each_source_s_mapping_reads_and_names_what_makes_a_record(stream: str) -> None:
    mapping, shape = table_mapping(stream), STREAMS[stream].shape

    assert all(mapping[column] is not None for column in REQUIRED[shape])
    if shape in PERSONAL:
        assert mapping["ids"] or mapping["email"]
    if stream not in NEVER_CHANGED:
        assert mapping["changed_at"] is not None


@pytest.mark.parametrize(("file", "mapping"), [
    ("till_2026-11-20.csv.gz", "till"), ("TILL_7.CSV", "till"), ("till_7.parquet", "till"),
    ("online_retail.csv.gz", "online_retail"), ("cdnow_master.csv.gz", "cdnow"), ("cdnow_sample_ids.csv.gz", None),
    ("till_7.xlsx", None),
])
def test_a_file_s_name_chooses_its_mapping(file: str, mapping: str | None) -> None:
    assert [one.name for one in built_in() if one.fits(file)] == ([mapping] if mapping else [])
