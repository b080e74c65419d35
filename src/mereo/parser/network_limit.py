"""A parser file says which network its weights belong to; one that the file cannot hold is not built."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from mereo.errors import BadInput

# timm builds classifiers and whole stages that are cut off again, and replaces convolutions by dilated ones.
SPARE_NUMBERS = 1 << 26


@contextmanager
def no_larger_than(path: Path, *others: Path) -> Iterator[None]:
    """Whatever is built inside must have about as many weights as the file (or all of them) has bytes, at most.

    Parameters are counted where they are made, before anything is written into them, so that a file of a kilobyte
    cannot take gigabytes.
    """
    most = sum(one.stat().st_size for one in (path, *others)) + SPARE_NUMBERS
    thread, counted = threading.get_ident(), 0

    def refusal() -> BadInput:
        return BadInput(
            f"a parser file must hold the weights of its network, but got a network of more than {most:,} numbers "
            f"in {path}; save it anew."
        )

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal counted
        if parameter is not None and threading.get_ident() == thread:
            counted += parameter.numel()
            if counted > most:
                raise refusal()

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    except RuntimeError as error:  # torch's word for memory that it does not get.
        if "alloc" in str(error):
            raise refusal() from error
        raise
    finally:
        hook.remove()
