"""The API key: shown to nobody, and found again in whatever spelling it comes back."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.secrets import KEY_PATTERN, MASK, ApiKey, without_credentials

KEY = "Ab3_dE-9fGh1jKlM"
KEYS = st.text("abcXYZ0189-_", min_size=8, max_size=40)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short7_",
        "x" * 129,
        "with space",
        "line\nbreak",
        "tab\tbed-key",
        "a/b/c/d/e",
        "käse-schlüssel",
        "abcdefgh\n",
    ],
)
def test_what_cannot_be_a_key_is_refused_without_being_repeated(text: str) -> None:
    """8 to 128 letters, digits, `_`, `-`; the error shows nothing of what was given."""
    with pytest.raises(ValueError, match="8 to 128 letters") as raised:
        ApiKey(text)
    assert not text or text not in str(raised.value)


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>20}".format, "%s".__mod__, lambda key: f"{[key]}"])
def test_no_way_of_printing_shows_the_key(show: Callable[[ApiKey], str]) -> None:
    """Every way a key turns into text gives the mask."""
    assert MASK in show(ApiKey(KEY))
    assert KEY not in show(ApiKey(KEY))


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, vars, json.dumps])
def test_a_key_does_not_leave_its_process(take: Callable[[ApiKey], object]) -> None:
    """Pickled, copied, dumped: refused."""
    with pytest.raises(TypeError):
        take(ApiKey(KEY))


def test_reveal_is_a_path_segment() -> None:
    """What the transport gets needs no quoting."""
    assert ApiKey(KEY).reveal() == KEY


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str]:
    """A key, and one of the countless ways to write it."""
    key = draw(KEYS)
    ways: list[Callable[[str], str]] = [
        str,
        str.swapcase,
        lambda c: f"%{ord(c):02x}",
        lambda c: f"%{ord(c):02X}",
        lambda c: f"%25{ord(c):02X}",
        lambda c: f"%2525{ord(c.swapcase()):02x}",
        lambda c: f"\\u00{ord(c):02x}",
        lambda c: f"\\u00{ord(c):02X}",
    ]
    return key, "".join(draw(st.sampled_from(ways))(character) for character in key)


@given(spelled(), st.text(), st.text())
def test_every_spelling_is_masked_wherever_it_stands(pair: tuple[str, str], before: str, after: str) -> None:
    """Plain or escaped, character by character, in any letter case, in any surroundings: gone."""
    key, spelling = pair
    masked = ApiKey(key).redact(f"{before}|{spelling}|{after}")
    assert f"|{MASK}|" in masked
    assert key.lower() not in masked.lower()


@given(KEYS, st.text() | st.text("abcXYZ0189-_%\\u", max_size=30))
def test_what_is_not_the_key_is_left_alone(key: str, text: str) -> None:
    """A text without the key comes back unchanged."""
    plain = text.replace("%", " ").replace("\\", " ")
    if key.lower() not in plain.lower():
        assert ApiKey(key).redact(plain) == plain


@given(KEYS, st.binary(), st.binary())
def test_bytes_of_any_kind_keep_everything_but_the_key(key: str, before: bytes, after: bytes) -> None:
    """Bytes that are no text come through as they are, around the mask."""
    masked = ApiKey(key).redact_bytes(before + b"\xff" + key.encode() + b"\xfe" + after)
    assert b"\xff***\xfe" in masked
    if (
        b"%" not in before + after
        and b"\\" not in before + after
        and key.encode().lower() not in (before + after).lower()
    ):
        assert masked == before + b"\xff***\xfe" + after


def test_every_key_in_a_text_is_masked() -> None:
    """Not only the first."""
    assert ApiKey(KEY).redact(f"/{KEY}/x/{KEY.lower()}/%41{KEY[1:]}") == "/***/x/***/***"


@pytest.mark.parametrize("length", range(4, len(KEY)))
@pytest.mark.parametrize(
    "spell",
    [str, str.lower, lambda c: f"%{ord(c):02x}", lambda c: f"%2525{ord(c):02x}", lambda c: f"\\u00{ord(c):02X}"],
)
def test_a_key_cut_off_at_the_end_is_masked(length: int, spell: Callable[[str], str]) -> None:
    """`redact_cut` masks a beginning of four characters or more, however they are written."""
    cut = "".join(map(spell, KEY[:length]))
    assert ApiKey(KEY).redact_cut(f"<p>{cut}".encode()) == b"<p>***"


@pytest.mark.parametrize("half", ["%", "%6", "\\", "\\u", "\\u0", "\\u00", "\\u006", "%25", "%252"])
def test_half_an_escape_at_the_cut_goes_with_it(half: str) -> None:
    """A cut in the middle of an escape does not save what stands before it."""
    assert ApiKey(KEY).redact_cut(f"<p>{KEY[:6]}{half}".encode()) == b"<p>***"


@pytest.mark.parametrize("end", ["", "Ab3", "an end", "x" * 500, "100 %"])
def test_an_ordinary_cut_is_left_alone(end: str) -> None:
    """Fewer than four characters tell nothing and stay; so does everything else."""
    assert ApiKey(KEY).redact_cut(f"<p>{end}".encode()) == f"<p>{end}".encode()


def test_a_key_is_ascii_and_quotable_by_definition() -> None:
    """The pattern allows nothing that a URL would change."""
    allowed = [chr(n) for n in range(0x3000) if KEY_PATTERN.fullmatch(chr(n) * 8)]
    assert "".join(allowed) == "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


ROW = {"id": 7, "login": "us er", "password": 'p"\\:@1', "link_reboot": "https://v.test/r?k=tok", "ip": "198.18.0.1"}


def test_a_row_of_the_vendor_keeps_everything_but_what_opens_its_proxy() -> None:
    """Names of fields stay, so that a person sees what was answered."""
    assert json.loads(without_credentials(json.dumps({"items": [ROW]}))) == {
        "items": [{**ROW, "login": MASK, "password": MASK, "link_reboot": MASK}]
    }
    assert without_credentials('{"Password" : 12345, "login": null}') == '{"Password" : "***", "login": "***"}'
    assert without_credentials('{"passwords": ["a", "b"], "id": 1}') == '{"passwords": "***", "id": 1}'


def test_a_row_that_is_cut_anywhere_shows_no_credentials() -> None:
    """The text of an answer is kept up to a length, whatever stands there."""
    text = json.dumps(ROW)
    for end in range(len(text)):
        masked = without_credentials(text[:end])
        assert not [part for part in ("us ", 'p\\"', "https") if part in masked], masked


def test_json_inside_of_a_text_ends_before_its_credentials() -> None:
    """Escaped once more, a value has no end that could be told."""
    masked = without_credentials(json.dumps({"error": json.dumps(ROW)}))
    assert masked.startswith('{"error": "{')
    assert not [part for part in ("us er", "tok") if part in masked]


@pytest.mark.parametrize("text", ["", "<html>login: see your password</html>", '{"status": "error", "errors": []}'])
def test_what_holds_no_such_field_stays_as_it_is(text: str) -> None:
    """Words are no values."""
    assert without_credentials(text) == text
