"""Which environment variables are kept out of checkpoints: the rule of `EnvironmentSecrets.swift`."""

from __future__ import annotations

import re

_WORDS = frozenset(
    "TOKEN KEY APIKEY SECRET SECRETS PASSWORD PASSWD PASSPHRASE CREDENTIAL CREDENTIALS PAT".split()
)
#: Of names in one word, such as `PGPASSWORD`.
_ENDINGS = ("PASSWORD", "PASSWD", "SECRET", "APIKEY")
_PASSWORD_IN_URL = re.compile(r"://[^/@]*:[^/]*@")


def is_secret(name: str, value: str) -> bool:
    name = name.upper()
    words = re.split(r"[\W_]+", name)
    is_name = name == "MYSQL_PWD" or any(word in _WORDS or word.endswith(_ENDINGS) for word in words)
    return is_name or _PASSWORD_IN_URL.search(value) is not None
