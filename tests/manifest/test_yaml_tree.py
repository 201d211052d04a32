import json

import pytest
import yaml

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest import yaml_builder, yaml_tree
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.yaml_builder import MAX_DEPTH, MAX_NODES, MAX_SCALAR
from kubeinfer_sim.manifest.yaml_tree import load_documents


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def parser(request, monkeypatch):
    """Every test is run with both of PyYAML's parsers."""
    if request.param == "libyaml" and not yaml.__with_libyaml__:
        pytest.skip("PyYAML without libyaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param == "libyaml")
    return request.param


def load(text):
    return load_documents(SourceText("x", text))


def value(text):
    (document,) = load(text)
    return document.value


def errors(text):
    with pytest.raises(InputError) as caught:
        load(text)
    return [each.one_line() for each in caught.value.diagnostics]


def at(data, path):
    for part in path:
        if not isinstance(data, dict | list) or (isinstance(data, dict) and part not in data):
            return None
        data = data[part]
    return data


@pytest.mark.vectors("golden_yaml_scalars")
def test_scalars_and_keys_are_those_of_the_api_server(case, parser):
    if parser == "python" and case["token"].startswith("tab "):
        pytest.skip("PyYAML without libyaml takes no tabs between tokens")
    if case.get("nondeterministic"):
        pytest.skip("the API server's answer changes from run to run")
    duplicate = "already set in map" in case.get("yaml_strict_error", "") and "<<" not in case["input"]
    if case["json_error"] or duplicate:
        assert errors(case["input"])
        return
    documents = load(case["input"])
    found = at(documents[0].value, case["path"]) if documents else None
    expected = None if case.get("json_absent") else case["json"]
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: no", False),
        ("a: 'no'", "no"),
        ("a: 010", 8),
        ("a: 1:30", "1:30"),
        ("a: 1e3", 1000),
        ("a: 1.50", 1.5),
        ("a: 3.0", 3),
        ("a: 2026-01-02", "2026-01-02"),
        ("a: ", None),
        ("a: 1e400", "1e400"),
        ("a: " + "9" * 30, 1e30),
        ("a: !!float 7", 7),
        ("a: ! 010", 8),
        ("a: <<", "<<"),
        ("a: .5_0", ".5_0"),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_1_says(text, expected):
    found = value(text)["a"]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("1.5", "1.5"),
        ("1e6", "1e+06"),
        ("0.00001", "1e-05"),
        ("1e3", "1000"),
        ("yes", "true"),
        ("0x10", "16"),
    ],
)
def test_keys_become_text_as_go_writes_them(key, text):
    assert value(f"{key}: x") == {text: "x"}


def test_a_key_that_is_a_boolean_by_surprise_is_warned_of():
    (document,) = load("on: 1\n'off': 2\n")
    assert document.value == {"true": 1, "off": 2}
    (warning,) = document.warnings
    assert warning.one_line().startswith('x:1:1: warning: YAML: this key is a boolean and becomes "true"')


def test_a_number_and_the_same_text_are_one_key():
    assert errors("1: a\n'1': b\n") == [
        'x:2:1: error: YAML: duplicate key "1" in the document, first on line 1'
    ]


def test_a_duplicate_key_names_both_lines_and_the_place():
    text = "a:\n  b:\n  - c: 1\n    d: 2\n    c: 1\n"
    assert errors(text) == ['x:5:5: error: YAML: duplicate key "c" in a.b[0], first on line 3']


def test_aliases_stand_for_what_they_name():
    assert value("a: &x {b: [1, 2]}\nc: *x\nd: *x\n") == {k: {"b": [1, 2]} for k in "acd"}
    assert value("a: &k 1e6\n*k : b\n") == {"a": 1000000, "1e+06": "b"}


def test_anchors_end_with_their_document():
    assert errors("a: &x 1\n---\nb: *x\n") == ["x:3:4: error: YAML: alias *x is not defined above"]


def test_merge_keys_bring_what_is_not_written():
    assert value("a: &x {m: 1, p: 2}\nb: {<<: *x, p: 3}\n")["b"] == {"m": 1, "p": 3}
    assert value("b: {<<: [{m: 1}, {m: 2, p: 2}]}")["b"] == {"m": 1, "p": 2}
    assert value("a: &x {m: 1}\nb: &y {<<: *x}\nc: {<<: *y}")["c"] == {"m": 1}


def test_a_merge_that_replaces_an_earlier_key_warns_since_kubectl_lets_it_win():
    (document,) = load("b: {p: 3, <<: {p: 2}}")
    assert document.value == {"b": {"p": 2}}
    (warning,) = document.warnings
    assert "<< replaces" in warning.message
    assert load("b: {<<: {p: 2}, p: 3}")[0].warnings == ()


@pytest.mark.parametrize("text", ["a: {<<: 3}", "a: {<<: [1]}", "a: {<<: [[{}]]}"])
def test_only_mappings_can_be_merged(text):
    assert "<< takes a mapping" in errors(text)[0]


def test_positions_are_those_of_the_text():
    (document,) = load("a: 1\nb:\n- c: ü\n  d:\n    e: 2\n")
    assert document.position(("a",)) == (1, 4)
    assert document.position(("a",), key=True) == (1, 1)
    assert document.position(("b", 0)) == (3, 3)
    assert document.position(("b", 0, "d", "e")) == (5, 8)
    assert document.position(()) == (1, 1)


def test_what_is_not_there_is_shown_at_the_nearest_key_or_item_above():
    (document,) = load("a: 1\nb:\n- c: 3\n  d:\n    e: 2\n")
    assert document.position(("b", 0, "d", "missing")) == (4, 3)
    assert document.position(("b", 0, "missing", "more")) == (3, 3)
    assert document.position(("b", 7)) == (2, 1)
    assert document.position(("missing",)) == (1, 1)


def test_a_value_behind_an_alias_is_shown_where_it_is_written():
    (document,) = load("a: &x\n  b: 1\nc: *x\n")
    assert document.position(("c",)) == (3, 4)
    assert document.position(("c", "b")) == (2, 6)


def test_positions_hold_in_later_documents_and_after_unusual_line_separators():
    _, document = load("a: 'x\u2028y'\n--- # second\r\nb: 1\r\n")
    assert document.position(("b",)) == (3, 4)


def test_a_finding_holds_the_line_it_is_about():
    (document,) = load("a:\n  bc: 1\n")
    found = document.diagnostic(("a", "bc"), "must be 2", hint="write 2")
    assert found.one_line() == "x:2:7: error: a.bc must be 2"
    assert (found.text, found.hint) == ("  bc: 1", "write 2")


def test_documents_that_hold_nothing_are_left_out():
    assert load("") == load("# only a comment\n") == load("---\n---\nnull\n...\n") == []
    assert [each.value for each in load("---\na: 1\n---\n---\nb: 2\n...\n")] == [{"a": 1}, {"b": 2}]


def test_reading_goes_on_with_the_next_document_after_a_syntax_error():
    found = errors("a: [1\n---\nb: 1\nb: 2\n---\nc: @\n---\n\td: 1\n")
    assert [line.split(": ")[0] for line in found] == ["x:2:1", "x:4:1", "x:6:4", "x:8:1"]


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a:\n\tb: 1\n", "x:2:1", "tab character used for indentation"),
        ("a:\n  b: 1\n \tc: 1\n", "x:3:2", "tab character used for indentation"),
        ("a: b: c\n", "x:1:5", '": " is not allowed here'),
        ("a:\n  b: 1\n c: 2\n", "x:3:2", "expected a key, a list item or the end of the block"),
        ("a: @b\n", "x:1:4", "'@' cannot begin a value"),
        ("a: `b`\n", "x:1:4", "'`' cannot begin a value"),
        ("ab\nc: 1\n", "x:", ""),
        ("a: 'b\n", "x:", "which began on line 1"),
        ("%YAML 1.2\n---\na: 1\n", "x:1:1", "%YAML 1.2"),
        ("a: .inf\n", "x:1:4", "no place in JSON"),
        ("null: 1\n", "x:1:1", "null cannot be a key"),
        ("9223372036854775808: 1\n", "x:1:1", "9223372036854775808 cannot be a key"),
        ("? [1]\n: 2\n", "x:1:3", "a mapping or a list cannot be a key"),
        ("a: \x1b[31m\n", "x:1:4", "character U+001B is not allowed"),
        ("a: \0\n", "x:1:4", "NUL character is not allowed"),
        ("a: \ud800\n", "x:1:4", "character U+D800 is not allowed"),
        ("a: !!int x\n", "x:1:4", '"x" is not a !!int'),
        ("a: !!binary '*'\n", "x:1:4", "!!binary is not valid base64"),
        ("a: !!timestamp x\n", "x:1:4", '"x" is not a !!timestamp'),
    ],
)
def test_a_syntax_error_says_where_and_what(text, where, message):
    (found, *_) = errors(text)
    assert found.startswith(where)
    assert message in found


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['false']",
        "a: !!python/name:os.system",
        "a: !<tag:yaml.org,2002:python/object/new:os.system> [x]",
        "!!python/object:a.B {}",
        "a: !python/x y",
        "a: !!omap []",
    ],
)
def test_tags_that_ask_for_objects_are_refused(text):
    assert "is not allowed" in errors(text)[0]


def test_a_tag_of_somebodys_own_is_left_out_with_a_warning():
    (document,) = load("a: !mine 010\nb: !mine {c: 1}\n")
    assert document.value == {"a": "010", "b": {"c": 1}}
    assert [each.line for each in document.warnings] == [1, 2]


def bomb(levels):
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bomb(9), f"more than {MAX_NODES:,} values"),
        ("a: &a " + "x" * 900_000 + "\nb: [" + "*a," * 100 + "]", "characters when every alias"),
        ("a: &a [*a]", "alias *a stands inside what it refers to"),
        ("a: &a {b: {<<: *a}}", "alias *a stands inside what it refers to"),
        ("[" * 100_000, f"deeper than {MAX_DEPTH} levels"),
        ("{a: " * 100_000, f"deeper than {MAX_DEPTH} levels"),
        ("- " * 100_000, f"deeper than {MAX_DEPTH} levels"),
        ("\n".join(" " * i + "a:" for i in range(2000)), f"deeper than {MAX_DEPTH} levels"),
        ("a0: &a0 [[x]]\n" + "\n".join(f"a{i}: &a{i} [[*a{i - 1}]]" for i in range(1, 99)), "deeper than"),
        ("a: '" + "x" * (MAX_SCALAR + 1) + "'", "a scalar of 1,048,577 characters"),
        ("a: " + "1" * 1_000_000, "a number of 1,000,000 characters"),
        ("a: 0x" + "1" * 1_000_000, "a number of 1,000,002 characters"),
        ("a: 1." + "1" * 1_000_000, "a number of 1,000,002 characters"),
        (("a" * 100 + "\n") * 100_000, "longer than 8 MiB"),
    ],
)
def test_hostile_text_ends_in_one_clear_error(text, message, monkeypatch):
    counted = 0
    original = yaml_builder.Builder._count

    def count(self, nodes, chars, offset):
        nonlocal counted
        counted += 1
        original(self, nodes, chars, offset)

    monkeypatch.setattr(yaml_builder.Builder, "_count", count)
    found = errors(text)
    assert any(message in each for each in found), found[:3]
    assert counted <= 20_000  # what was looked at, however much the text stands for


def test_a_parser_that_gives_up_at_some_depth_says_the_same(monkeypatch):
    class Shallow:
        def get_event(self):
            raise yaml.scanner.ScannerError(
                None, None, "exceeded maximum nesting depth", yaml.Mark("", 1, 0, 1, "", 1)
            )

    monkeypatch.setattr(yaml_tree, "_parser", lambda text: Shallow())
    assert errors("[[") == [f"x:1:2: error: YAML: nested deeper than {MAX_DEPTH} levels"]


def test_a_flood_of_values_ends_at_the_bound(parser):
    if parser == "python":
        pytest.skip("takes seconds, and shows nothing else")
    assert "more than 400,000 values" in errors("- a\n" * 500_000)[0]


def test_a_flood_of_errors_ends_at_the_bound():
    assert len(errors("a: 1\n" * 10_000)) == yaml_builder.MAX_FINDINGS


def test_reading_starts_again_no_more_often_than_there_may_be_findings(monkeypatch):
    starts = []
    original = yaml_tree._parser
    monkeypatch.setattr(yaml_tree, "_parser", lambda text: starts.append(text) or original(text))
    assert len(errors("a: [\n---\n" * 10_000)) == yaml_builder.MAX_FINDINGS
    assert len(starts) == yaml_builder.MAX_FINDINGS


def test_findings_in_one_long_line_hold_that_line_once():
    text = "{" + "a: 1, " * 1000 + "}"
    with pytest.raises(InputError) as caught:
        load(text)
    assert len({id(each.text) for each in caught.value.diagnostics}) == 1


def test_a_question_mark_between_brackets_must_be_quoted_as_for_kubectl():
    # goyaml.v2 ends an unquoted text at it (yaml_parser_scan_plain_scalar); libyaml of today goes on
    (found,) = errors("a: [curl, http://x/health?full=1]\n")
    assert "error: YAML" in found
    assert "?" in found
    (document,) = load('a: http://x/?y=1\nb: ["http://x/?y=1"]\n')
    assert document.value == {"a": "http://x/?y=1", "b": ["http://x/?y=1"]}
