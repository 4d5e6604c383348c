"""Logins and passwords of delivered proxies: plain ones, and ones that break what is written without care."""

from runner.sandbox.options import Options

HOSTILE: dict[str, tuple[str, str]] = {
    "hostile": ("us er@x/#%?&=+\"'\\$;41%40", "p:@/#%?&=+\"' \\$(id)`;{{%41}} "),
    "colon": ("us:er", "pa:ss"),
    "unicode": ("usér中", "pässwörd🔑"),
    "control": ("us\ter", "pass\r\nX-Injected: yes"),
}
"""What stands in front of the number, by the switch `credentials`. `hostile` has no colon in the login, which Basic
authentication cannot carry; `colon` has."""


def credentials(number: int | str, options: Options) -> tuple[str, str]:
    """Login and password number so and so; no two numbers share either."""
    login, password = HOSTILE.get(options.credentials, ("login", "password"))
    return f"{login}{number}", f"{password}{number}"
