"""Who can mend it decides the exit code."""

from mereo.commands.main import explained
from mereo.errors import BadEnvironment, BadInput, ExitCode, MereoError, dead_worker, exit_code_of, is_dead_worker


def test_exit_codes_and_parents() -> None:
    assert (BadInput("x").exit_code, BadEnvironment("x").exit_code) == (2, 3)
    assert issubclass(BadInput, MereoError) and issubclass(BadInput, ValueError)
    assert issubclass(BadEnvironment, MereoError) and issubclass(BadEnvironment, RuntimeError)


def test_a_worker_that_the_system_ended_is_the_machines_fault_whenever_it_is_told() -> None:
    told = RuntimeError("DataLoader worker (pid 12) is killed by signal: Killed. ")
    assert exit_code_of(told) == ExitCode.BAD_ENVIRONMENT
    assert explained(told).startswith("a worker that reads training data must stay alive, but got: DataLoader")
    assert not is_dead_worker(dead_worker(told)) and exit_code_of(RuntimeError("DataLoader is odd")) == ExitCode.BUG
