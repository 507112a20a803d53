"""Files: what is read, by which rules, and what is refused before it can do harm."""

import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.core.problems import DocumentError
from advisor.core.reading import MAX_BYTES, parse, read

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
ALIAS_BOMB = b"""\
a: &a [x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
decision: *c
"""


def refused(data: bytes) -> dict[str, object]:
    with pytest.raises(DocumentError) as caught:
        parse(data)
    [item] = caught.value.items
    return item


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),  # a country, not a truth
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("15e12", 15e12),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-3", -3),
        ("010", 10),
        ("1:30", "1:30"),
        ("2027-03-01", "2027-03-01"),
        ("'12'", "12"),
        ("0x10", "0x10"),
    ],
)
def test_a_plain_scalar_is_what_yaml_1_2_says(text: str, value: object) -> None:
    assert parse(f"key: {text}\n".encode()) == {"key": value}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_read_as_an_ordinary_yaml_reader_reads_them(path: Path) -> None:
    ours = parse(path.read_bytes())

    theirs = json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))

    assert _numbers_read(ours) == _numbers_read(theirs)


def _numbers_read(value: object) -> object:
    """Return the value without what YAML 1.1 readers get wrong: 3e12 is a number, the key ``on`` is a word."""
    if isinstance(value, dict):
        return {"on" if key == "true" else key: _numbers_read(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_numbers_read(part) for part in value]
    if isinstance(value, str) and value.replace("e", "", 1).isdigit():
        return float(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_json_is_read_too() -> None:
    assert parse(b'{"version": 1, "decision": "\\ud83d\\ude80", "list": [1.5, null, true]}') == {
        "version": 1,
        "decision": "\N{ROCKET}",
        "list": [1.5, None, True],
    }


def test_a_yaml_mapping_may_begin_with_a_brace() -> None:
    assert parse(b"{version: 1, decision: plain}") == {"version": 1, "decision": "plain"}


def test_each_path_knows_its_line() -> None:
    reading = read(b"version: 1\nworkloads:\n  - id: a\n    traffic: {input_tokens: 3}\n  - id: b\n")

    assert reading.lines["version"] == 1
    assert reading.lines["workloads[0].traffic.input_tokens"] == 4
    assert reading.lines["workloads[1].id"] == 5


@pytest.mark.parametrize(
    ("data", "path", "words"),
    [
        (ALIAS_BOMB, "a", "Line 1: the anchor &a is not allowed"),
        (b"a: *b\n", "a", "Line 1: the alias *b is not allowed"),
        (b"team: {size: 3}\nteam: {size: 4}\n", "team", "Line 2: the key 'team' stands twice"),
        (b"team:\n  size: 3\n  size: 4\n", "team.size", "Line 3: the key 'size' stands twice"),
        (b'{"team": {"size": 3, "size": 4}}', "size", "The key 'size' stands twice"),
        (b"a: !!python/object/apply:os.system [ls]\n", "a", "Line 1: the tag"),
        (b"a: !custom 3\n", "a", "Line 1: the tag !custom is not allowed"),
        (b"a: .inf\n", "a", "Line 1: .inf is not a number that can be used"),
        (b"a: NaN\n", "a", "Line 1: NaN is not a number that can be used"),
        (b'{"a": NaN}', "", "NaN is not a number that can be used"),
        (b'{"a": -Infinity}', "", "-Infinity is not a number that can be used"),
        (b'{"a": 1e999}', "", "The number 1e999 is too large"),
        (b"a: 1e999\n", "a", "Line 1: the number is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "", "too many digits"),
        (b"? [a, b]\n: 1\n", "", "Line 1: a key must be a word"),
        (b"a: 1\n---\nb: 2\n", "", "Line 2: a second YAML document begins here"),
        (b"a: [1, 2\n", "", "the file is not valid YAML"),
        (b"a:\t1\n\tb: 2\n", "", "the file is not valid YAML"),
        (b"- a\n- b\n", "", "must hold one mapping"),
        (b"just text\n", "", "must hold one mapping"),
        (b"", "", "must hold one mapping"),
        (b"# only a comment\n", "", "must hold one mapping"),
        (b"\xff\xfe\x00", "", "not UTF-8 text (byte 0)"),
        (bytes(range(256)), "", "not UTF-8 text"),
        (b"a: \x00\n", "", "the file is not valid YAML"),
        (b"[" * 5000, "", "more than 16 levels deep"),
        (b"{" * 5000, "", None),
        (b'{"a":' * 5000, "", "more than 16 levels deep"),
        (b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}", "", "more than 16 levels deep"),
        (b"a:\n" + b"- 1\n" * 30_000, "", "more than 20,000 values"),
        (b'{"a": [' + b"1," * 30_000 + b"1]}", "", "more than 20,000 values"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_document_is_refused(data: bytes, path: str, words: str | None) -> None:
    item = refused(data)

    assert words is None or words in str(item["message"])
    if path:
        assert item["path"] == path


def test_a_large_file_is_refused_before_it_is_read() -> None:
    started = time.perf_counter()

    item = refused(b"a: [" + b"1, " * 3_500_000)

    assert item["message"] == "The file has 10,500,004 bytes; a document may have 1,000,000 at most."
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "data", [b"- " * (MAX_BYTES // 2), b"a" * MAX_BYTES, b"{a: " * (MAX_BYTES // 4), b'"' * MAX_BYTES]
)
def test_the_largest_file_allowed_takes_little_time(data: bytes) -> None:
    started = time.perf_counter()

    refused(data)

    assert time.perf_counter() - started < 3


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_give_a_mapping_or_a_document_error(data: bytes) -> None:
    try:
        assert isinstance(parse(data), dict)
    except DocumentError as error:
        json.dumps(error.as_dict(), allow_nan=False, ensure_ascii=False).encode()


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(alphabet=st.sampled_from("{}[]:,-?&*!|>'\"%@`#~ \n\tab1.e<="), max_size=60),
)
def test_any_punctuation_gives_a_mapping_or_a_document_error(text: str) -> None:
    try:
        assert isinstance(parse(text.encode()), dict)
    except DocumentError as error:
        assert error.items[0]["message"]
