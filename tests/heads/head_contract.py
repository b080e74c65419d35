"""What every head of mask queries must keep. A new one inherits all of it:

class TestMyHead(MaskHeadContract):
    config = {"head": "my_head", ...}
"""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1] / "features"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from stage_contract import one_of, random_features
from tiny_parser import TAXONOMY

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, Frame
from mereo.heads.mask_queries import MaskQueriesHead, MaskQueriesPrediction
from mereo.parser.config import HeadConfig
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated

LAYOUTS = {
    "stride 32": FeatureLayout((6, 7, 8, 9), (4, 8, 16, 32)),
    "stride 16": FeatureLayout((5, 6, 7, 8, 9), (2, 4, 8, 16, 16)),  # A MobileNet; its stride 2 is not used.
    "one map": FeatureLayout((8,), (4,)),
    "plain": FeatureLayout((8, 8, 8), (16, 16, 16)),
}
ODD_SIZES = [(1, 1), (33, 129), (31, 7), (64, 96)]


class Heads(StrictConfig):
    head: HeadConfig


def built_head(content: dict[str, Any], layout: FeatureLayout) -> MaskQueriesHead:
    torch.manual_seed(0)
    return validated(Heads, {"head": content}, source="a test").head.build(layout, TAXONOMY)


def tensors_of(prediction: MaskQueriesPrediction) -> list[Tensor]:
    everything = (*prediction.earlier, prediction)
    return [one for part in everything for one in (part.class_logits_BQK1, part.mask_logits_BQhw)]


class MaskHeadContract:
    config: dict[str, Any] = {}
    num_earlier = 0

    def built(self, layout: str = "stride 16", **others: Any) -> MaskQueriesHead:
        return built_head(self.config | others, LAYOUTS[layout])

    def answer(self, head: MaskQueriesHead, image_size: tuple[int, int], layout: str = "stride 16") -> Any:
        return head(random_features(LAYOUTS[layout], image_size), Frame(image_size))

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("image_size", ODD_SIZES, ids=str)
    def test_sizes(self, layout: str, image_size: tuple[int, int]) -> None:
        prediction = self.answer(self.built(layout).eval(), image_size, layout)
        finest = next(stride for stride in LAYOUTS[layout].strides if stride >= 4)
        grid = [-(-side // finest) for side in image_size]
        assert prediction.class_logits_BQK1.shape == (2, self.config["num_queries"], len(TAXONOMY.objects) + 1)
        assert prediction.mask_logits_BQhw.shape == (2, self.config["num_queries"], *grid)
        assert len(prediction.earlier) == self.num_earlier
        assert all(one.isfinite().all() for one in tensors_of(prediction))

    @pytest.mark.parametrize("image_size", ODD_SIZES, ids=str)
    def test_a_batch_of_two_is_two_batches_of_one(self, image_size: tuple[int, int]) -> None:
        head, features = self.built().eval(), random_features(LAYOUTS["stride 16"], image_size)
        together = tensors_of(head(features, Frame(image_size)))
        for index in range(2):
            for one, both in zip(tensors_of(head(one_of(features, index), Frame(image_size))), together):
                torch.testing.assert_close(both[index : index + 1], one, rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_every_parameter_has_a_finite_gradient(self, layout: str) -> None:
        head = self.built(layout).train()
        prediction = self.answer(head, (64, 96), layout)
        sum(one.square().mean() for one in tensors_of(prediction)).backward()
        without = [name for name, parameter in head.named_parameters() if parameter.grad is None]
        assert not without
        assert all(parameter.grad.isfinite().all() for parameter in head.parameters())

    def test_saved_and_loaded_weights_answer_the_same(self) -> None:
        head = self.built().eval()
        other = self.built().eval()
        for parameter in other.parameters():
            torch.nn.init.normal_(parameter)
        other.load_state_dict(load(save(head.state_dict())))
        for first, second in zip(
            tensors_of(self.answer(head, (33, 65))), tensors_of(self.answer(other, (33, 65))), strict=True
        ):
            assert torch.equal(first, second)

    def test_it_runs_in_mixed_precision(self) -> None:
        head = self.built().train()
        with torch.autocast("cpu", torch.bfloat16):
            prediction = self.answer(head, (64, 96))
            sum(one.float().square().mean() for one in tensors_of(prediction)).backward()
        assert all(one.isfinite().all() for one in tensors_of(prediction))
        assert all(parameter.grad.isfinite().all() for parameter in head.parameters())
        assert prediction.class_probability_BKhw.dtype == torch.float32

    def test_what_comes_in_is_left_as_it_is(self) -> None:
        features = random_features(LAYOUTS["stride 16"], (33, 65))
        before = [one.clone() for one in features.maps]
        self.built().train()(features, Frame((33, 65)))
        assert all(torch.equal(a, b) for a, b in zip(before, features.maps))

    def test_scores_and_probabilities(self) -> None:
        prediction = self.answer(self.built().eval(), (33, 65))
        probability_BKhw = prediction.class_probability_BKhw
        torch.testing.assert_close(probability_BKhw.sum(dim=1), torch.ones_like(probability_BKhw[:, 0]))
        assert torch.equal(probability_BKhw.argmax(dim=1), prediction.class_scores_BKhw.argmax(dim=1))

    def test_the_rule_of_segments_is_kept_only_for_panoptic_answers(self) -> None:
        assert self.built().segment_rule is None
        rule = self.built(answers="panoptic", least_score=0.5, least_kept_share=0.7).segment_rule
        assert rule is not None
        assert (rule.least_score, rule.least_kept_share) == (0.5, 0.7)

    def test_maps_that_are_all_too_fine(self) -> None:
        with pytest.raises(BadInput, match="a feature map must have stride 4 or coarser, but got strides"):
            built_head(self.config, FeatureLayout((4, 4), (1, 2)))

    def test_heads_that_do_not_divide_the_width(self) -> None:
        with pytest.raises(BadInput, match="width must be a multiple of its 5 heads, but got 16"):
            self.built(num_heads=5)
