"""URLs in urllib3's log at debug level name nobody."""

import logging

import pytest

from include import url_log


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/v3/contacts/ann%40x.example?identifierType=email_id", "/v3/contacts/…"),
        ("/v3/contacts/ann@x.example/lists", "/v3/contacts/…/lists"),
        ("/3.0/lists/a1b2c3d4e5/members/d41d8cd98f00b204e9800998ecf8427e", "/3.0/lists/a1b2c3d4e5/members/…"),
        ("/api/profiles?filter=equals(email,'ann@x.example')", "/api/profiles"),
        ("https://api.example.com", "https://api.example.com"),
    ],
)
def test_a_url_is_shown_without_query_address_and_hash(url: str, shown: str) -> None:
    assert url_log.masked(url) == shown


def test_urllib3_s_own_record_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    url_log.install()
    url_log.install()
    caplog.set_level(logging.DEBUG, logger="urllib3.connectionpool")
    log = logging.getLogger("urllib3.connectionpool")
    assert len([one for one in log.filters if isinstance(one, url_log.NamesNobody)]) == 1
    log.debug('%s://%s:%s "%s %s %s" %s %s', "http", "h", 80, "GET", "/contacts/a%40x.example?b", "HTTP/1.1", 200, 5)
    assert caplog.messages == ['http://h:80 "GET /contacts/… HTTP/1.1" 200 5']
