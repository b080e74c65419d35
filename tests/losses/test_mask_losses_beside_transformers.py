"""The losses of one decoder layer equal those of transformers, where every pixel is labelled.

They differ on purpose where pixels are not: transformers counts them as outside of every mask, Mereo leaves them out. A
picture without any label teaches "no object" to all queries there, and nothing here. Mask2Former's points come from the
same draws, so equal seeds give equal points.
"""

import pytest
import torch
from torch import Tensor
from transformers.models.mask2former.modeling_mask2former import Mask2FormerConfig, Mask2FormerLoss
from transformers.models.maskformer.modeling_maskformer import MaskFormerHungarianMatcher, MaskFormerLoss

from mereo.losses.mask_queries import AllPixelsMaskLoss, MaskQueriesLoss, SampledPointsMaskLoss
from mereo.losses.mask_query_matching import TermWeights
from mereo.losses.mask_targets import MaskTargets, semantic_targets

NUM_CLASSES = 5


def random_answers(seed: int) -> tuple[Tensor, Tensor, list[MaskTargets]]:
    torch.manual_seed(seed)
    label_BHW = torch.randint(0, NUM_CLASSES, (3, 4, 5)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    label_BHW[2] = 1
    targets = [semantic_targets(label_HW, num_classes=NUM_CLASSES, ignore_label=255) for label_HW in label_BHW]
    return torch.randn(3, 9, NUM_CLASSES + 1) * 2, torch.randn(3, 9, 8, 10) * 3, targets


def theirs(
    criterion: torch.nn.Module, answers: tuple[Tensor, Tensor, list[MaskTargets]], weights: TermWeights
) -> float:
    class_logits_BQK1, mask_logits_BQhw, targets = answers
    terms = criterion(
        mask_logits_BQhw,
        class_logits_BQK1,
        [target.mask_MHW.float() for target in targets],
        [target.class_M for target in targets],
    )
    of_masks = weights.of_mask * terms["loss_mask"] + weights.of_dice * terms["loss_dice"]
    return float(weights.of_class * terms["loss_cross_entropy"] + of_masks)


@pytest.mark.parametrize("seed", range(3))
def test_maskformer(seed: int) -> None:
    answers, weights = random_answers(seed), TermWeights(1.0, 20.0, 1.0)
    matcher = MaskFormerHungarianMatcher(cost_class=1.0, cost_mask=20.0, cost_dice=1.0)
    criterion = MaskFormerLoss(NUM_CLASSES, matcher, weight_dict={}, eos_coef=0.1)
    ours = MaskQueriesLoss(AllPixelsMaskLoss(), weights=weights)(*answers)
    assert float(ours) == pytest.approx(theirs(criterion, answers, weights), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_mask2former(seed: int) -> None:
    answers, weights = random_answers(seed), TermWeights(2.0, 5.0, 5.0)
    config = Mask2FormerConfig(num_labels=NUM_CLASSES, train_num_points=200)
    torch.manual_seed(seed)
    wanted = theirs(Mask2FormerLoss(config, weight_dict={}), answers, weights)
    torch.manual_seed(seed)
    ours = MaskQueriesLoss(SampledPointsMaskLoss(num_points=200), weights=weights)(*answers)
    assert float(ours) == pytest.approx(wanted, rel=1e-5)
