import io
import os
import sys

import pytest

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.source import MAX_SOURCE_BYTES, SourceText, decode_source, read_source


def finding(name):
    with pytest.raises(InputError) as caught:
        read_source(str(name))
    (only,) = caught.value.diagnostics
    return only


def test_a_file_is_read_under_the_name_it_was_given(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: ü\n", encoding="utf-8")
    assert read_source(str(file)) == SourceText(str(file), "a: ü\n")


def test_a_byte_order_mark_is_taken_off(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_source(str(file)).text == "a: 1\n"
    assert SourceText("x", "\ufeffa: 1").text == "a: 1"


def test_a_dash_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: 1")))
    assert read_source("-") == SourceText("-", "a: 1")


def test_endless_standard_input_is_read_up_to_the_bound(monkeypatch):
    class Endless(io.RawIOBase):
        taken = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.taken += len(buffer)
            buffer[:] = b"a" * len(buffer)
            return len(buffer)

    endless = Endless()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(endless)))
    with pytest.raises(InputError, match="longer than 8 MiB"):
        read_source("-")
    assert endless.taken < MAX_SOURCE_BYTES + 1_000_000


def test_a_missing_file_a_directory_and_an_impossible_name_are_told_apart(tmp_path):
    assert finding(tmp_path / "no.yaml").message == "no such file"
    assert finding(tmp_path).message == "is a directory, not a file"
    assert finding("a\0b").message == "this is not a file name"
    assert finding("x" * 5000).code == "unreadable"


def test_a_fifo_nobody_writes_to_is_an_error_at_once(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert finding(fifo).message.startswith("is a FIFO, not a file")


def test_a_device_is_not_read():
    assert finding("/dev/zero").message.startswith("is a device or socket, not a file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_an_error(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: 1")
    file.chmod(0)
    assert finding(file).message == "permission denied"


@pytest.mark.parametrize("error", [PermissionError(13, "x"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_read_is_an_error(monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr(os, "open", refuse)
    assert finding("a.yaml").message in ("permission denied", "Input/output error")


def test_a_file_longer_than_the_bound_is_an_error(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_bytes(b"#" * (MAX_SOURCE_BYTES + 1))
    assert finding(file).message.startswith("longer than 8 MiB")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_unicode_encodings_are_named(encoding):
    data = "\ufeffa: 1".encode(encoding) if encoding.endswith("le") else "a: 1".encode(encoding)
    with pytest.raises(InputError, match=encoding[:6].upper()):
        decode_source("x", [data])


def test_invalid_utf8_is_shown_with_its_place():
    with pytest.raises(InputError) as caught:
        decode_source("x", [b"a: 1\nbc: \xff\n"])
    (only,) = caught.value.diagnostics
    assert only.where == "x:2:5"
    assert only.message == "byte 0xff is not valid UTF-8"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_the_line_break(line_break):
    source = SourceText("x", line_break.join(["one", "two", "three"]))
    assert source.line(2) == "two"
    assert source.position(source.text.index("three") + 1) == (3, 2)
    assert source.line(0) == source.line(4) == ""
