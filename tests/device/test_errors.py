from __future__ import annotations

import inspect

import pytest

from device import errors
from device.errors import LiteberryError

ALL = [item for _, item in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_is_below_the_root_and_drawn_in_the_tree(error):
    assert issubclass(error, LiteberryError)
    assert f"── {error.__name__} (" in errors.__doc__ or error is LiteberryError


@pytest.mark.parametrize("error", [item for item in ALL if item is not LiteberryError])
def test_every_error_can_be_caught_as_the_builtin_that_the_tree_names(error):
    builtin = error.__mro__[2]
    assert builtin.__module__ == "builtins"
    assert f"{error.__name__} ({builtin.__name__})" in errors.__doc__
