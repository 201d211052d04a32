"""Formats of names, labels and other short texts, as the API server checks them.

Every check returns what is wrong as a list of sentences, empty for a good value, and says all that is wrong
at once: the API server reports each as an error of its own. Lengths are counted in UTF-8 bytes, as Go does.
Sources: k8s.io/apimachinery pkg/util/validation/validation.go and pkg/api/validate/content/kube.go.
"""

from __future__ import annotations

import re
from functools import partial

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_LABEL_UNDERSCORE = r"_?[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_dns1123_label = re.compile(_LABEL).fullmatch
_dns1123_subdomain = re.compile(rf"{_LABEL}(?:\.{_LABEL})*").fullmatch
_dns1123_subdomain_underscore = partial(re.fullmatch, rf"{_LABEL_UNDERSCORE}(?:\.{_LABEL_UNDERSCORE})*")
_qualified_part = re.compile(_QUALIFIED).fullmatch
# Seldom asked for, and so compiled when they are.
_port_name_characters = partial(re.fullmatch, r"[-a-z0-9]+")
_lower_case_letter = partial(re.search, r"[a-z]")
_percent = partial(re.fullmatch, r"[0-9]+%")
_http_header_name = partial(re.fullmatch, r"[-A-Za-z0-9]+")
_printable_ascii = partial(re.fullmatch, r"[ -<>-~]*")
_config_key = partial(re.fullmatch, r"[-._a-zA-Z0-9]+")


#: Bytes of a label's value at most.
LABEL_VALUE_MAX = 63


def byte_length(text: str) -> int:
    """Length in UTF-8 bytes, which is what the API server's limits count."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _too_long(value: str, limit: int) -> list[str]:
    length = byte_length(value)
    return [f"must be no more than {limit} characters, is {length}"] if length > limit else []


def dns1123_label(value: str) -> list[str]:
    """Names of containers, volumes, namespaces: `my-name`, at most 63 characters."""
    errors = _too_long(value, 63)
    if not _dns1123_label(value):
        if _dns1123_subdomain(value):
            errors.append("must not contain dots")
        else:
            errors.append(
                "must be a DNS label: lower case letters, digits and '-', beginning and ending with a letter "
                "or digit (e.g. 'my-name', '123-abc')"
            )
    return errors


_SUBDOMAIN_ERROR = (
    "must be a DNS subdomain: lower case letters, digits, '-' and '.', each part beginning and ending with a "
    "letter or digit (e.g. 'example.com')"
)


def dns1123_subdomain(value: str) -> list[str]:
    """Names of most objects: DNS labels joined by dots, at most 253 characters."""
    errors = _too_long(value, 253)
    if not _dns1123_subdomain(value):
        errors.append(_SUBDOMAIN_ERROR)
    return errors


def dns1123_subdomain_with_underscore(value: str) -> list[str]:
    """A DNS subdomain whose labels may contain underscores (search domains of dnsConfig)."""
    errors = _too_long(value, 253)
    if not _dns1123_subdomain_underscore(value):
        errors.append(_SUBDOMAIN_ERROR.replace("'-' and '.'", "'_', '-' and '.'"))
    return errors


def qualified_name(value: str) -> list[str]:
    """A label key, annotation key or resource name: `name` or `example.com/name`."""
    errors: list[str] = []
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        return ["must be a name with at most one '/' after a DNS subdomain (e.g. 'example.com/MyName')"]
    if slash:
        if not prefix:
            errors.append("the part before '/' must not be empty")
        else:
            errors += [f"the part before '/' {message}" for message in dns1123_subdomain(prefix)]
    if not name:
        errors.append("the name part must not be empty")
    elif byte_length(name) > 63:
        errors.append(f"the name part must be no more than 63 characters, is {byte_length(name)}")
    if not _qualified_part(name):
        errors.append(
            "the name part must be letters, digits, '-', '_' and '.', beginning and ending with a letter or "
            "digit (e.g. 'MyName', 'my.name', '123-abc')"
        )
    return errors


def label_value(value: str) -> list[str]:
    """A label's value: empty, or like a name with upper case, '_' and '.', at most 63 characters."""
    errors = _too_long(value, LABEL_VALUE_MAX)
    if value and not _qualified_part(value):
        errors.append(
            "must be empty or letters, digits, '-', '_' and '.', beginning and ending with a letter or digit "
            "(e.g. 'MyValue', 'my_value', '12345')"
        )
    return errors


def port_number(value: int) -> list[str]:
    """A TCP or UDP port."""
    return [] if 1 <= value <= 65535 else ["must be between 1 and 65535, inclusive"]


def port_name(value: str) -> list[str]:
    """An IANA service name: at most 15 of `a-z`, `0-9` and '-', with at least one letter."""
    errors = _too_long(value, 15)
    if not _port_name_characters(value):
        errors.append("must contain only lower case letters (a-z), digits and hyphens")
    if not _lower_case_letter(value):
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def percent(value: str) -> list[str]:
    """A percentage: digits and a percent sign, nothing else."""
    return [] if _percent(value) else ["must be a percentage: digits followed by '%' (e.g. '1%', '93%')"]


def http_header_name(value: str) -> list[str]:
    """The name of an HTTP header."""
    if _http_header_name(value):
        return []
    return ["must be letters, digits and '-' (e.g. 'X-Header-Name')"]


def relaxed_env_var_name(value: str) -> list[str]:
    """The name of an environment variable (Kubernetes 1.32 and later): printable ASCII but '='."""
    if not value:
        return ["must not be empty"]
    return [] if _printable_ascii(value) else ["must be printable ASCII characters other than '='"]


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap or Secret."""
    errors = _too_long(value, 253)
    if not _config_key(value):
        errors.append("must be letters, digits, '-', '_' and '.' (e.g. 'key.name', 'KEY_NAME')")
    return errors + _directory_prefix(value)


def _directory_prefix(value: str) -> list[str]:
    if value in (".", ".."):
        return [f"must not be '{value}'"]
    return ["must not start with '..'"] if value.startswith("..") else []
