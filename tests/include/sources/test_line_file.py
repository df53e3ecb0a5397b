"""A file of lines on the web: each line with the place behind it, whatever the storage does."""

import pytest

from include.sources import line_file
from tests.include.sources.small_server import Answer, serving

TEXT = b'{"a":1}\n{"b":"\xc3\xa4"}\n{"c":3}'
LINES = [(8, b'{"a":1}'), (19, b'{"b":"\xc3\xa4"}'), (26, b'{"c":3}')]


def read(answer: Answer, start: int = 0) -> list[tuple[int, bytes]]:
    with serving(lambda asked: answer) as url:
        return list(line_file.lines(f"{url}/file?signature=secret", start))


def test_each_line_comes_with_where_the_next_one_begins_also_the_last_without_an_end() -> None:
    assert read(Answer(TEXT)) == LINES
    assert read(Answer(TEXT + b"\n")) == [*LINES[:2], (27, b'{"c":3}')]
    assert read(Answer(b"")) == []


def test_a_storage_that_gives_the_whole_file_whatever_it_is_asked_is_read_from_there_on() -> None:
    assert read(Answer(TEXT), start=8) == LINES[1:]


def test_a_part_of_a_file_is_read_from_its_beginning() -> None:
    assert read(Answer(TEXT[8:], 206), start=8) == LINES[1:]


def test_nothing_follows_the_end() -> None:
    assert read(Answer(b"", 416), start=26) == []


def test_lines_longer_than_a_piece_are_whole() -> None:
    long = b'{"a":"' + b"x" * 3 * line_file.PIECE + b'"}'

    assert read(Answer(long + b"\n" + TEXT)) == [(len(long) + 1, long)] + [
        (len(long) + 1 + end, line) for end, line in LINES
    ]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_address_that_is_no_longer_valid_is_told_and_not_named(status: int) -> None:
    with pytest.raises(line_file.FileGoneError) as caught:
        read(Answer(b"<Error/>", status))

    assert "signature" not in str(caught.value)
    assert caught.value.code == str(status)
