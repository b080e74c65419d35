"""Who can mend it decides the exit code."""

from mereo.errors import BadEnvironment, BadInput, MereoError


def test_exit_codes_and_parents() -> None:
    assert (BadInput("x").exit_code, BadEnvironment("x").exit_code) == (2, 3)
    assert issubclass(BadInput, MereoError) and issubclass(BadInput, ValueError)
    assert issubclass(BadEnvironment, MereoError) and issubclass(BadEnvironment, RuntimeError)
