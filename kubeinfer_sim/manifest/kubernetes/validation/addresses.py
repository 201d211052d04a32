"""IP addresses and ranges in fields that once took more than they should.

Since 1.36 (StrictIPCIDRValidation) leading zeros and IPv4-mapped IPv6 addresses are refused; forms that are
merely unusual are taken with a warning. Source: k8s.io/apimachinery pkg/util/validation/ip.go.
"""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_OCTETS = r"[0-9]{1,9}(?:\.[0-9]{1,9}){3}"
_BITS = r"[0-9]{1,9}"


def parse_sloppy(text: str) -> Address | None:
    """An address, leading zeros of IPv4 octets ignored; None for what is none."""
    if "%" in text or len(text) > 100:
        return None
    head, colon, tail = text.rpartition(":")
    if re.fullmatch(_OCTETS, tail):
        tail = ".".join(str(int(octet)) for octet in tail.split("."))
    try:
        return ipaddress.ip_address(f"{head}{colon}{tail}")
    except ValueError:
        return None


def _is_strict(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_mapped(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def ip_errors(text: str) -> list[str]:
    """What is wrong with an address."""
    address = parse_sloppy(text)
    if address is None:
        return ["must be an IP address (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    if not _is_strict(text):
        return ["must not have leading zeros"]
    return ["must not be an IPv4-mapped IPv6 address"] if _is_mapped(address) else []


def special_ip_errors(text: str) -> list[str]:
    """What keeps a valid address from being an endpoint's: unspecified, loopback, link-local."""
    address = parse_sloppy(text)
    if address is None:
        return []
    errors = []
    if address.is_unspecified:
        errors.append("must not be unspecified")
    if address.is_loopback:
        errors.append("must not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        errors.append("must not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if _is_link_local_multicast(address):
        errors.append("must not be in the link-local multicast range (224.0.0.0/24, ff02::/16)")
    return errors


def _is_link_local_multicast(address: Address) -> bool:
    packed = address.packed
    return (
        packed[:3] == b"\xe0\x00\x00" if address.version == 4 else packed[0] == 0xFF and packed[1] & 15 == 2
    )


def _parse_range(text: str) -> tuple[Address, int] | None:
    head, slash, bits = text.partition("/")
    address = parse_sloppy(head)
    if not slash or address is None or not re.fullmatch(_BITS, bits) or int(bits) > address.max_prefixlen:
        return None
    return address, int(bits)


def cidr_errors(text: str) -> list[str]:
    """What is wrong with a range of addresses."""
    parsed = _parse_range(text)
    if parsed is None:
        return ["must be a range of addresses (e.g. 10.9.8.0/24 or 2001:db8::/64)"]
    address, bits = parsed
    head, _, tail = text.partition("/")
    if not _is_strict(head) or tail != str(bits):
        return ["must not have leading zeros in the address or the prefix length"]
    if _is_mapped(address):
        return ["must not have an IPv4-mapped IPv6 address"]
    network = ipaddress.ip_network((address, bits), strict=False)
    if network.network_address != address:
        return [f"must not have bits set beyond the prefix length (e.g. {network})"]
    return []


def ip_warning(text: str) -> str:
    """A warning about an unusual form of a valid address, empty for none."""
    address = parse_sloppy(text)
    if address is None:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if mapped is not None or not _is_strict(text):
        return f'non-standard IP address "{text}" is invalid: use "{mapped or address}"'
    if address.version == 6 and str(address) != text:
        return f'IPv6 address "{text}" should be in RFC 5952 canonical format ("{address}")'
    return ""


def cidr_warnings(text: str) -> list[str]:
    """Warnings about an unusual form of a valid range."""
    parsed = _parse_range(text)
    if parsed is None:
        return []
    address, bits = parsed
    network = ipaddress.ip_network((address, bits), strict=False)
    warnings = []
    if network.network_address != address:
        single = f"{address}/{address.max_prefixlen}"
        warnings.append(
            f'CIDR value "{text}" is ambiguous in this context (should be "{network}" or "{single}"?)'
        )
    head, _, tail = text.partition("/")
    if not _is_strict(head) or tail != str(bits) or _is_mapped(address):
        warnings.append(f'non-standard CIDR value "{text}" is invalid: use "{network}"')
    if not warnings and address.version == 6 and str(network) != text:
        warnings.append(f'IPv6 CIDR value "{text}" should be in RFC 5952 canonical format ("{network}")')
    return warnings
