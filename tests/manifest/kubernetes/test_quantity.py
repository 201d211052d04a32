"""Quantities against Kubernetes' own tables and what the real parser did."""

import time
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeinfer_sim.manifest.kubernetes.quantity import Quantity, QuantityError
from kubeinfer_sim.manifest.kubernetes.scalars import json_number

INT64 = range(-(2**63), 2**63)


def number(text):
    with localcontext() as context:
        context.prec = 5000
        return Decimal(text)


def decimal(quantity):
    """The value of a quantity as a Decimal, exactly."""
    digits = tuple(int(digit) for digit in str(abs(quantity.unscaled)))
    return Decimal((int(quantity.unscaled < 0), digits, quantity.scale))


def negated(quantity):
    return Quantity(-quantity.unscaled, quantity.scale, quantity.format, "", quantity.small)


def quantity(value, format="DecimalSI", scale=0):
    """A quantity of a format from the decimal text of its value."""
    sign, digits, exponent = number(value).as_tuple()
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    return Quantity(unscaled, exponent + scale, format)


def same_unless_wrapped(found, golden, quantity):
    """Beyond int64 the server's arithmetic wraps or gives 0; there the exact number is the right one.

    Values below zero that it does not hold in an int64 it counts in billionths.
    """
    if found == int(golden) or found not in INT64:
        return True
    with localcontext() as context:
        context.prec = 5000
        return not quantity.small and quantity.sign < 0 and int(decimal(quantity) * 10**9) not in INT64


@pytest.mark.vectors("golden_quantities")
def test_a_quantity_is_what_the_real_parser_makes_of_it(case):
    if "a" in case:
        a, b = Quantity.parse(case["a"]), Quantity.parse(case["b"])
        assert a.compare(b) == case["cmp"]
        assert (a == b) == case["equal"]
        assert str(a.add(b)) == case["sum"]
        assert str(a.add(negated(b))) == case["difference"]
        return
    for key, read in (
        ("as_json_string", lambda text: Quantity.from_json(text)),
        ("as_json_number", lambda text: Quantity.parse(text.strip())),
    ):
        if key in case:
            if "error" in case[key]:
                with pytest.raises(QuantityError):
                    read(case["input"])
            else:
                assert str(read(case["input"])) == case[key]["string"]
    if not case["accepted"]:
        with pytest.raises(QuantityError):
            Quantity.parse(case["input"])
        return
    found = Quantity.parse(case["input"])
    assert str(found) == case["string"]
    assert found.canonical() == case["canonical"]
    assert found.format == case["format"]
    assert found.sign == case["sign"]
    assert decimal(found) == number(case["decimal"])
    assert same_unless_wrapped(found.value(), case["value"], found)
    assert same_unless_wrapped(found.milli_value(), case["milli_value"], found)
    rounded, exact = found.round_up(-3)
    assert str(rounded) == case["after_default_rounding"]
    assert exact == case["exact_at_milli"]
    assert found.is_integer() == case["is_integer"]


@pytest.mark.vectors("k8s_quantity_parse")
def test_the_grammar_of_quantities_is_that_of_kubernetes(case):
    if case["op"] == "parse_error":
        with pytest.raises(QuantityError):
            Quantity.parse(case["input"])
        return
    found = Quantity.parse(case["input"])
    assert decimal(found) == number(case["expect"]["value"])
    assert found.format == case["expect"]["format"]


@pytest.mark.vectors("k8s_quantity_ops")
def test_arithmetic_of_quantities_is_that_of_kubernetes(case):
    match case["op"]:
        case "canonical":
            assert Quantity.parse(case["input"]).canonical() == case["expect"]
        case "to_string":
            assert str(quantity(case["value"], case["format"])) == case["expect"]
            if case["alternate_input"]:
                assert str(Quantity.parse(case["alternate_input"])) == case["expect"]
        case "round_up":
            found, exact = quantity(case["input"]).round_up(case["scale"])
            assert decimal(found) == number(case["expect_value"])
            assert exact == case["expect_exact"]
        case "cmp":
            assert Quantity.parse(case["a"]).compare(Quantity.parse(case["b"])) == case["expect"]
        case "cmp_values":
            assert quantity(case["a"]).compare(quantity(case["b"])) == case["expect"]
        case "new_scaled":
            assert str(Quantity(case["value"], case["scale"])) == case["expect"]
        case "scaled_value":
            found = Quantity(case["value"], case["from_scale"])
            assert found.scaled_value(case["to_scale"]) == case["expect"]
        case "add" | "sub":
            a, b = quantity(case["a"], case["a_format"]), quantity(case["b"], case["b_format"])
            found = a.add(b) if case["op"] == "add" else a.add(negated(b))
            assert decimal(found) == number(case["expect"])
        case op:
            pytest.fail(f"unknown operation {op}")


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "9" * 900 + "e2147483647", "-1e-2147483648"])
def test_a_hostile_exponent_costs_nothing(text):
    begin = time.perf_counter()
    found = Quantity.parse(text)
    found.value(), found.milli_value(), found.is_integer(), str(found), hash(found)
    found.compare(Quantity.parse("1"))
    found.round_up(-3)
    assert time.perf_counter() - begin < 0.5


def test_a_quantity_of_a_million_digits_is_refused():
    with pytest.raises(QuantityError, match="at most"):
        Quantity.parse("1" * 1_000_000)


def test_equal_amounts_have_equal_hashes():
    assert hash(Quantity.parse("1000m")) == hash(Quantity.parse("1"))
    assert Quantity.parse("1024Mi") == Quantity.parse("1Gi")


def test_bare_numbers_go_through_a_double_as_in_the_server():
    assert str(Quantity.from_json(18446744073709551616)) == "18446744073709552k"
    assert json_number(0.1) == "0.1"
    assert json_number(30.0) == "30"
    assert json_number(1e21) == "1e+21"
    assert json_number(1.5e-7) == "1.5e-7"


@given(st.integers(-(10**30), 10**30), st.integers(-9, 18), st.sampled_from(["DecimalSI", "DecimalExponent"]))
def test_the_canonical_form_reads_back_as_the_same_amount(unscaled, scale, format):
    found = Quantity(unscaled, scale, format)
    if format == "DecimalSI" and abs(decimal(found)) >= number("1e21"):
        return  # beyond E the server's form loses zeros
    assert decimal(Quantity.parse(found.canonical())) == decimal(found)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("7Ei", False),  # 7 * 2**60 * 1000 wraps
        ("183.823576000000e18", False),
        ("848956604123685M", False),
        ("1E", True),  # a power without a multiplication of its own gives 0 where it overflows
        ("1000m", True),
        ("1500m", False),
    ],
)
def test_the_test_for_whole_numbers_overflows_as_the_api_servers(text, whole):
    assert Quantity.parse(text).is_integer() is whole


@pytest.mark.parametrize("text", ["Ki", "Mi", "Gi", "Ti", "m", "E", "e3"])
def test_no_digits_are_taken_for_zero_where_the_api_server_does(text):
    assert Quantity.parse(text) == Quantity.parse("0")


@pytest.mark.parametrize("text", ["Pi", "Ei", ".Pi", "-Ei", "e-10"])
def test_no_digits_are_refused_where_the_api_servers_short_cut_does_not_reach(text):
    with pytest.raises(QuantityError):
        Quantity.parse(text)
