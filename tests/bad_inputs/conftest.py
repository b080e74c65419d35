"""A small parser on disk, and the command line as a user calls it."""

import sys
import warnings
from pathlib import Path

import pytest
from ran_command import Mereo, Ran

for folder in ("parser", "training"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))


@pytest.fixture
def mereo(capfd: pytest.CaptureFixture[str]) -> Mereo:
    """Runs a command line in this process. File descriptors are captured, so what C libraries say is seen too; and
    warnings, which a user's terminal would show, are failures.
    """
    from mereo.commands.main import run

    def call(*arguments: object) -> Ran:
        capfd.readouterr()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for unseen in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
                warnings.simplefilter("ignore", unseen)
            code = run([str(argument) for argument in arguments])
        assert not [str(one.message) for one in caught]
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err and "bug in Mereo" not in err, err
        return Ran(code, out, err)

    return call


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_parser import tiny_parser

    from mereo.parser.weights import save_parser

    return save_parser(tiny_parser(), tmp_path_factory.mktemp("tiny") / "tiny.safetensors")
