"""WeChat as it delivers: what is not answered comes again, word for word."""

import time

import requests

from tests.harness.platform import wechat

# What a bot that is in trouble, or the proxy before one, answers: all else would be the person's loss.
_IN_TROUBLE = (502, 503, 504)
_PATIENCE = 5.0


class Caller:
    """Delivers one person's messages to this address until they are answered, or until ``deadline``.

    ``deadline`` is of time.monotonic. ``tries``: how many deliveries it took.
    """

    def __init__(self, url: str, openid: str, deadline: float) -> None:
        self.url, self.openid, self.deadline = url, openid, deadline
        self.wechat = wechat.WeChat()
        self.tries = 0

    def deliver(self, xml: str, url: str = "") -> str:
        """Deliver the message, elsewhere with ``url``; returns the reply's text."""
        query, body = self.wechat.deliver(xml)
        with requests.Session() as http:
            http.trust_env = False  # no proxy of this machine's stands between
            return self._post(http, url or self.url, query, body)

    def _post(self, http: requests.Session, url: str, query: dict[str, str], body: bytes) -> str:
        while time.monotonic() < self.deadline:
            self.tries += 1
            try:
                answer = http.post(url, params=query, data=body, timeout=_PATIENCE)
            except requests.RequestException:
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                return self.wechat.read_text(answer.content)
            assert answer.status_code in _IN_TROUBLE
            time.sleep(0.1)
        raise AssertionError("never answered")
