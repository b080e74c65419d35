"""Class affinity in training: two stages with counted edges, and a class that no pixel is guessed to be."""

import pytest
import test_class_affinity
import torch
import torch.nn.functional as F
from stage_contract import random_features
from test_class_affinity import COUNTS_KK, LAYOUT, affinity_stage

from mereo.features.feature_maps import FeatureMaps, Frame
from mereo.reasoning.class_affinity import ClassAffinity
from mereo.reasoning.cooccurrence import class_affinity

FRAME = Frame(image_size=(32, 48))


def test_two_stages_with_counted_edges_learn() -> None:
    """Each from its own guess, along the same counts; the second hears of the first."""
    contract = test_class_affinity.TestClassAffinity()
    parser = contract.parser_of([{"stage": "projection", "width": 8}, contract.config, contract.config]).train()
    objective, batch = contract.objective(parser), contract.batch()
    answers = contract.answers(parser)
    f_KK = class_affinity(COUNTS_KK[:3, :3]).float()
    for evidence in answers.evidence:
        both_BKK = (evidence.is_present_BK[:, :, None] & evidence.is_present_BK[:, None]).float()
        torch.testing.assert_close(evidence.positive_BKK, f_KK * both_BKK)
        torch.testing.assert_close(evidence.negative_BKK, (1 - f_KK) * both_BKK)
        assert evidence.is_present_BK.sum(dim=1).max() > 1
    first, second = answers.evidence
    assert not torch.equal(first.features_BCHW, second.features_BCHW)
    before = {name: parameter.detach().clone() for name, parameter in parser.path.named_parameters()}
    optimizer = torch.optim.SGD([*parser.parameters(), *objective.parameters()], lr=0.05)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        total = objective(contract.answers(parser), batch).total
        total.backward()
        optimizer.step()
        losses.append(float(total.detach()))
    assert losses[-1] < losses[0]
    moved = {name for name, parameter in parser.path.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == set(before)


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("edges", ["counted", "learned"])
@pytest.mark.parametrize("is_training", [False, True])
def test_an_absent_class_is_as_no_class_at_all(is_training: bool, edges: str, shares: bool) -> None:
    """Answers, gradients and running statistics of four classes, one never guessed, are those of three."""
    counts_KK = COUNTS_KK.clone()
    counts_KK[3, 3] = 1000
    four = affinity_stage(edges=edges, shares_suppression=shares, cooccurrence_KK=counts_KK)
    settings = {"edges": edges, "shares_suppression": shares, "back_to_pixels": "sum"}
    three = ClassAffinity(LAYOUT, num_classes=3, cooccurrence_KK=COUNTS_KK[:3, :3], **settings)
    with torch.no_grad():
        four.guess.bias[3] = -1e6
    state = four.state_dict() | {"cooccurrence_KK": COUNTS_KK[:3, :3]}
    state |= {name: state[name][:3] for name in ("guess.weight", "guess.bias")}
    three.load_state_dict({name: state[name] for name in three.state_dict()})
    answers = []
    for stage in (four, three):
        last_BCHW = random_features(LAYOUT, FRAME.image_size).last.double().requires_grad_()
        answer = stage.double().train(is_training)(FeatureMaps((last_BCHW,), LAYOUT.strides), FRAME)
        loss = answer.last.square().sum() + F.cross_entropy(
            answer.evidence[-1].coarse_logits_BKHW, torch.ones(2, 8, 12, dtype=torch.long)
        )
        loss.backward()
        of_shared = [p.grad for name, p in stage.named_parameters() if not name.startswith("guess")]
        of_guess = [stage.guess.weight.grad[:3], stage.guess.bias.grad[:3]]
        assert not stage.guess.weight.grad[3:].any()
        statistics = [stage.norm.running_mean, stage.norm.running_var]
        answers.append([answer.last, last_BCHW.grad, *of_shared, *of_guess, *statistics])
    for one, other in zip(*answers, strict=True):
        torch.testing.assert_close(one, other)
