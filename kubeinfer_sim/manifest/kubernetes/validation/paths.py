"""Paths of files and directories.

Source: pkg/apis/core/validation/validation.go (`validateLocalDescendingPath`, `ValidateLocalNonReservedPath`).
"""

from __future__ import annotations

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field


def validate_no_backsteps(path: str, at: Field, errors: Errors) -> None:
    """No part of a path may be `..`."""
    if ".." in path.split("/"):
        errors.invalid(at, path, "must not contain '..'")


def validate_descending_path(path: str, at: Field, errors: Errors) -> None:
    """A relative path that stays below where it begins."""
    if path.startswith("/"):
        errors.invalid(at, path, "must be a relative path")
    validate_no_backsteps(path, at, errors)


def validate_file_path(path: str, at: Field, errors: Errors) -> None:
    """A path of a file inside a volume: descending, and not beginning with `..`."""
    validate_descending_path(path, at, errors)
    if path.startswith("..") and not path.startswith("../"):
        errors.invalid(at, path, "must not start with '..'")


def validate_mode(mode: int | None, at: Field, errors: Errors) -> None:
    """Permission bits of a file; YAML reads 0644 as octal."""
    if mode is not None and not 0 <= mode <= 0o777:
        errors.invalid(at, mode, "must be from 0 to 0777 octal (511 decimal)")
