from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.render import printable, render


def diagnostic(text="  maxSurge: 20 percent", column=13, **changes):
    values = {
        "message": '"20 percent" is wrong',
        "path": ("spec", "maxSurge"),
        "hint": "write 20%",
        **changes,
    }
    return Diagnostic("a.yaml", 12, column, text=text, **values)


def test_a_finding_shows_place_path_line_caret_and_hint():
    assert render([diagnostic()]).splitlines() == [
        'a.yaml:12:13: error: spec.maxSurge: "20 percent" is wrong',
        "   12 |   maxSurge: 20 percent",
        "      |             ^",
        "      = hint: write 20%",
    ]


def test_a_message_that_says_what_must_be_reads_on_from_the_path():
    assert diagnostic(message="must be 1, got 3").sentence == "spec.maxSurge must be 1, got 3"


def test_a_finding_about_a_whole_file_has_no_line():
    assert render([Diagnostic("a.yaml", 0, 0, "no such file")]) == "a.yaml: error: no such file"


def test_nothing_is_wider_than_the_terminal():
    long = diagnostic(text="x" * 500, column=250, message="word " * 40, hint="hint " * 40)
    for width in (40, 80, 120):
        assert max(map(len, render([long], width=width).splitlines())) <= width


def test_the_caret_stays_below_its_character_in_long_lines():
    text = "a" * 300 + "!" + "b" * 300
    _, line, caret, *_ = render([diagnostic(text=text, column=301)]).splitlines()
    assert line[caret.index("^")] == "!"
    assert line.count("…") == 2


def test_the_caret_counts_wide_characters_twice():
    _, line, caret, *_ = render([diagnostic(text="升级: x", column=5)]).splitlines()
    assert caret.index("^") == line.index("x") + 2


def test_a_caret_past_the_end_of_a_line_stands_behind_it():
    _, line, caret, *_ = render([diagnostic(text="ab", column=9)]).splitlines()
    assert caret.index("^") == len(line)


def test_control_characters_never_reach_the_terminal():
    evil = "a\x1b[31m\x07\u202eb\tc"
    shown = render([diagnostic(text=evil, message=evil, hint=evil, path=(evil,))])
    assert all(each.isprintable() for each in shown.splitlines())
    assert printable("ok") == "ok"


def test_colour_is_used_only_when_asked_for():
    warning = diagnostic(severity=Severity.WARNING)
    assert "\x1b[" not in render([warning])
    coloured = render([warning], colour=True)
    assert "\x1b[1;33mwarning:\x1b[0m" in coloured


def test_messages_stay_on_one_line_without_a_width():
    assert len(render([diagnostic(message="word " * 60, hint="")], width=None).splitlines()) == 3
