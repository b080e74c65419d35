"""What every stage on a parser's path must keep. A new neck or reasoner inherits all of it:

class TestMyStage(StageContract):
    def build(self, layout: FeatureLayout) -> Stage:
        return MyStage(layout, width=6)
"""

import pytest
import torch
from safetensors.torch import load, save

from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import Stage

ODD_SIZES = [(1, 1), (33, 129), (31, 7), (64, 96)]


def random_features(
    layout: FeatureLayout, image_size: tuple[int, int], *, batch_size: int = 2, seed: int = 0
) -> FeatureMaps:
    """Maps as a backbone gives them: ceil(image / stride) pixels each."""
    generator = torch.Generator().manual_seed(seed)
    height, width = image_size
    sizes = [(-(-height // stride), -(-width // stride)) for stride in layout.strides]
    maps = [torch.randn(batch_size, c, *size, generator=generator) for c, size in zip(layout.channels, sizes)]
    return FeatureMaps(tuple(maps), layout.strides, evidence=("from before",))


def one_of(features: FeatureMaps, index: int) -> FeatureMaps:
    return FeatureMaps(tuple(m[index : index + 1] for m in features.maps), features.strides, features.evidence)


def with_random_statistics(stage: Stage) -> Stage:
    """Running statistics as after training: fresh ones (0 and 1) would hide a norm that is left out."""
    generator = torch.Generator().manual_seed(1)
    for name, buffer in stage.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=generator) / 4)
        elif name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return stage


class StageContract:
    in_layout = FeatureLayout(channels=(5, 6, 7, 9), strides=(4, 8, 16, 16))

    def build(self, layout: FeatureLayout) -> Stage:
        raise NotImplementedError

    def frame(self, image_size: tuple[int, int], images: tuple[int, ...] = (0, 1)) -> Frame:
        """What the stage may know of these pictures of the batch; one that wants superpixels overrides it."""
        return Frame(image_size=image_size)

    def asked_of(self, answer: FeatureMaps) -> list[torch.Tensor]:
        """What training asks of the stage: its maps; a reasoner adds its evidence."""
        return list(answer.maps)

    def built(self) -> Stage:
        torch.manual_seed(0)
        return with_random_statistics(self.build(self.in_layout))

    @pytest.mark.parametrize("image_size", ODD_SIZES, ids=str)
    def test_the_declared_layout_is_the_output(self, image_size: tuple[int, int]) -> None:
        stage = self.built().eval()
        answer = stage(random_features(self.in_layout, image_size), self.frame(image_size))
        assert (answer.channels, answer.strides) == (stage.layout.channels, stage.layout.strides)
        wanted = [tuple(-(-side // stride) for side in image_size) for stride in stage.layout.strides]
        assert [tuple(feature_map.shape[-2:]) for feature_map in answer.maps] == wanted
        assert all(feature_map.shape[0] == 2 and feature_map.isfinite().all() for feature_map in answer.maps)

    @pytest.mark.parametrize("image_size", ODD_SIZES, ids=str)
    def test_a_batch_of_two_is_two_batches_of_one(self, image_size: tuple[int, int]) -> None:
        stage = self.built().eval()
        features = random_features(self.in_layout, image_size)
        together = stage(features, self.frame(image_size))
        for index in range(2):
            alone = stage(one_of(features, index), self.frame(image_size, (index,)))
            for map_together, map_alone in zip(together.maps, alone.maps):
                torch.testing.assert_close(map_together[index : index + 1], map_alone, rtol=1e-4, atol=1e-5)

    def test_every_parameter_has_a_finite_gradient(self) -> None:
        stage = self.built().train()
        answer = stage(random_features(self.in_layout, (64, 96)), self.frame((64, 96)))
        sum(feature_map.square().mean() for feature_map in self.asked_of(answer)).backward()
        without = [name for name, parameter in stage.named_parameters() if parameter.grad is None]
        assert not without
        assert all(parameter.grad.isfinite().all() for parameter in stage.parameters())
        assert any(parameter.grad.abs().max() > 0 for parameter in stage.parameters())

    def test_saved_and_loaded_weights_answer_the_same(self) -> None:
        stage, frame = self.built().eval(), self.frame((33, 65))
        torch.manual_seed(99)
        other = self.build(self.in_layout).eval()
        other.load_state_dict(load(save(stage.state_dict())))
        features = random_features(self.in_layout, (33, 65))
        for first, second in zip(stage(features, frame).maps, other(features, frame).maps):
            assert torch.equal(first, second)

    def test_evidence_from_before_is_kept(self) -> None:
        answer = self.built().eval()(random_features(self.in_layout, (32, 32)), self.frame((32, 32)))
        assert answer.evidence[0] == "from before"

    def test_what_comes_in_is_left_as_it_is(self) -> None:
        features = random_features(self.in_layout, (33, 65))
        before = [feature_map.clone() for feature_map in features.maps]
        self.built().train()(features, self.frame((33, 65)))
        assert all(torch.equal(a, b) for a, b in zip(before, features.maps))

    @pytest.mark.parametrize("image_size", [(1, 1), (16, 16), (40, 56)], ids=str)
    def test_it_trains_on_a_batch_of_one(self, image_size: tuple[int, int]) -> None:
        stage = self.built().train()
        answer = stage(random_features(self.in_layout, image_size, batch_size=1), self.frame(image_size, (0,)))
        sum(feature_map.sum() for feature_map in self.asked_of(answer)).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in stage.parameters())
        assert all(buffer.isfinite().all() for buffer in stage.buffers())

    def test_it_runs_in_mixed_precision(self) -> None:
        stage = self.built().eval()
        with torch.autocast("cpu", torch.bfloat16):
            answer = stage(random_features(self.in_layout, (32, 48)), self.frame((32, 48)))
        assert all(feature_map.isfinite().all() for feature_map in answer.maps)
