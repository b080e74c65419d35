"""Asked for answers, a parser is in evaluation mode, and afterwards as it was."""

import pytest
from torch import nn

from mereo.parser.answering import answering


@pytest.mark.parametrize("is_training", [True, False])
def test_the_mode_comes_back_even_after_an_error(is_training: bool) -> None:
    network = nn.Sequential(nn.BatchNorm2d(1)).train(is_training)
    with pytest.raises(RuntimeError, match="stopped"), answering(network):
        assert not network.training and not network[0].training
        raise RuntimeError("stopped")
    assert network.training is network[0].training is is_training
