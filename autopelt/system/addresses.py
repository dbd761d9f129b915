"""Addresses of databases: whether one holds a secret, and text without the secrets in it."""

import re
from urllib.parse import parse_qsl

_WORDS = r"[\w.-]*(?:pass(?:word|wd)?|pwd|secret|token)"
_KEY = re.compile(_WORDS, re.IGNORECASE)
_USER = re.compile(r"(://[^:/\s]*):.*@", re.DOTALL)  # to the last @: a password may hold one, and /
_QUERY = re.compile(rf"([?&]{_WORDS}=)[^&'\"\s]*", re.IGNORECASE)


def has_secret(address: str) -> bool:
    """Whether a password stands behind the user's name or in the query of an address."""
    keys = (key for key, _ in parse_qsl(address.partition("?")[2], keep_blank_values=True))
    return bool(_USER.search(address)) or any(map(_KEY.fullmatch, keys))


def without_secrets(text: str) -> str:
    """The text, ``***`` for each password in an address."""
    return _QUERY.sub(r"\1***", _USER.sub(r"\1:***@", text))
