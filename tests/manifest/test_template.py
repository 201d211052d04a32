import pytest
from manifest.helpers import BASE, DATA, changed, errors, load, one

from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.template import fill, parse_settings
from kubeinfer_sim.manifest.yaml_tree import load_documents

GUIDE = (DATA / "vendor-guide.yaml").read_text(encoding="utf-8")
GUIDE_VALUES = {
    "image_name": "repo/vllm:v2",
    "start_cmd": '["/bin/sh", "-c", "exec start --name ${HOSTNAME}"]',
    "health_cmd": "- /bin/sh\n- -c\n- curl localhost:9000/health",
    "node_label_key": "pool",
    "node_label_value": "infer",
}


def filled(text, **values):
    (document,) = load_documents(SourceText("x", text))
    result = fill(document, values)
    assert result.findings == []
    return result.document.value


def findings(text, **values):
    (document,) = load_documents(SourceText("x", text))
    return [each.one_line() for each in fill(document, values).findings]


def test_the_vendors_own_example_is_a_template_whose_holes_can_be_filled():
    kubeinfer = one(GUIDE, set_values=GUIDE_VALUES)
    template = kubeinfer.roles[0].template
    assert template.containers[0].image == "repo/vllm:v2"
    raw = template.raw["spec"]["containers"][0]
    assert raw["command"] == ["/bin/sh", "-c", "exec start --name ${HOSTNAME}"]
    assert raw["livenessProbe"]["exec"]["command"] == ["/bin/sh", "-c", "curl localhost:9000/health"]
    assert template.required_node_affinity[0].match_expressions[0].values == ("infer",)
    assert template.weights_volume == "shared"


def test_holes_left_open_are_errors_that_list_names_and_lines():
    values = {name: GUIDE_VALUES[name] for name in ("image_name", "node_label_key", "node_label_value")}
    with pytest.raises(InputError) as caught:
        load(GUIDE, set_values=values)
    found = caught.value.diagnostics
    assert [each.line for each in found] == [55, 59, 65, 73]
    assert (
        'expected a list of strings, got the unexpanded placeholder string "${start_cmd}"' in found[0].message
    )
    assert "open holes: start_cmd (line 55), health_cmd (lines 59, 65, 73)" in found[0].hint


def test_a_value_no_hole_asks_for_is_an_error_with_the_nearest_hole():
    values = {**GUIDE_VALUES, "imagename": "x"}
    assert errors(GUIDE, set_values=values) == [
        '0: there is no hole ${imagename}; did you mean "image_name"?'
    ]
    assert errors(BASE, set_values={"a": "b"}) == ["0: there is no hole ${a}"]
    assert load(BASE, set_values={"a": "b"}, all_values_used=False).holes == frozenset()


def test_a_name_may_be_a_hole_in_any_of_several_sources():
    loaded = load(BASE, GUIDE.replace("30090", "30091"), set_values=GUIDE_VALUES)
    assert loaded.holes == set(GUIDE_VALUES)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("a: ${x}", "3", 3),
        ("a: '${x}'", "3", "3"),
        ('a: "${x}"', "[1]", "[1]"),
        ("a: ${x}", "true", True),
        ("a: ${x}", "", None),
        ("a: ${x}", "[1, {b: c}]", [1, {"b": "c"}]),
        ("a: ${x}", "{b: 1}", {"b": 1}),
        ("a: ${x}", "- b\n- c\n", ["b", "c"]),
        ("a: ${x}", '"010"', "010"),
        ("a: ${x}", "repo:5000/x:v1", "repo:5000/x:v1"),
        ("a: ${x}", "b: c # d", "b: c # d"),
        ("a: ${x}", "#!/bin/sh\n echo: 1\n", "#!/bin/sh\n echo: 1\n"),
        ("a: ${x}", "${y}", "${y}"),
        ("a: repo/${x}:v1", "app", "repo/app:v1"),
        ("a: ${x}${x}", "1", "11"),
        ("a: |\n  ${x}\n", "[1]", "[1]"),
        ("a: ${x}", [1, 2], [1, 2]),
        ("a: n-${x}", 3, "n-3"),
        ("a: n-${x}", True, "n-true"),
    ],
)
def test_a_hole_takes_yaml_when_it_is_a_whole_plain_value_and_text_otherwise(text, value, expected):
    assert filled(text, x=value) == {"a": expected}


def test_keys_have_holes_too():
    (document,) = load_documents(SourceText("x", "a:\n  ${x}/b: 1\n"))
    result = fill(document, {"x": "c"}).document
    assert result.value == {"a": {"c/b": 1}}
    assert result.position(("a", "c/b")) == (2, 11)


@pytest.mark.parametrize(
    "text",
    [
        "args: ['echo ${HOSTNAME} ${x:-1} ${x##*-}']",
        "command: [sh, -c, 'cd ${HOME} && run']",
        "livenessProbe: {exec: {command: ['test ${A} = 1']}}",
        "env: [{name: A, value: '${HOME}/x'}]",
        "metadata: {annotations: {a: 'x ${y} z'}}",
        "args: [$(HOSTNAME)]",
        "image: $${x}",
        "image: $x",
        "a: ${}",
    ],
)
def test_what_a_shell_or_the_kubelet_expands_is_no_hole(text):
    (document,) = load_documents(SourceText("x", text))
    result = fill(document, {})
    assert result.findings == []
    assert result.names == set()
    assert result.document.value == document.value


def test_a_given_name_is_filled_inside_scripts_and_the_others_there_stay():
    found = filled("args: ['serve --model ${model} --host ${HOSTNAME}']", model="qwen")
    assert found == {"args": ["serve --model qwen --host ${HOSTNAME}"]}


@pytest.mark.parametrize("text", ["a: ${x}", "image: repo/${x}", "args: ['${x}']", "env: [{value: '${x}'}]"])
def test_a_text_kubernetes_would_take_as_it_is_is_an_open_hole(text):
    assert len(findings(text)) == 1


def test_a_value_that_is_no_yaml_says_how_it_could_be_text():
    (found,) = findings("a: ${x}\nb: ${x}", x="[ -f x ] && y")
    assert found.startswith("--set x:1:11: error: YAML syntax")


def test_a_list_cannot_stand_inside_a_text():
    assert "cannot stand inside a text" in findings("a: b${x}", x=[1])[0]


def test_filling_is_bounded():
    with pytest.raises(InputError, match="filled into holes"):
        filled("a: [" + "'${x}'," * 100 + "]", x="y" * 1_000_000)


def test_what_stands_at_an_open_hole_is_not_checked_further():
    assert len(errors(changed(("replicas: 1", "replicas: ${n}")))) == 1


def test_settings_are_read_from_the_command_line_and_from_files(tmp_path):
    file = tmp_path / "cmd"
    file.write_text("a=b\n")
    assert parse_settings(["x=1=2", "y="], [f"z={file}"]) == {"x": "1=2", "y": "", "z": "a=b"}


@pytest.mark.parametrize("settings", [["x"], ["=1"], ["a b=1"], ["x=1", "x=2"]])
def test_settings_that_name_no_hole_are_usage_errors(settings):
    with pytest.raises(UsageError):
        parse_settings(settings)
