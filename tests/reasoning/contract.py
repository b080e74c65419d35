"""What every reasoner must keep, beside what every stage must. A new one inherits all of it:

class TestMyReasoner(ReasonerContract):
    def build(self, layout: FeatureLayout) -> Stage:
        return MyReasoner(layout, ...)
    config = MyReasonerConfig(...)
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

sys.path.insert(0, str(Path(__file__).parents[1] / "features"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from stage_contract import StageContract, random_features
from tiny_parser import TAXONOMY, random_image
from tiny_sorting_parser import CENTERS, STREET
from tiny_sorting_parser import HEAD as SORTING

from mereo.data.batches import Batch
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.image_scores import scores_of
from mereo.parser.objective import LossConfig, Objective, build_objective
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated

NECKS: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "projection": [{"stage": "projection", "width": 8}],
    "atrous_pyramid": [{"stage": "atrous_pyramid", "width": 8}],
    "feature_pyramid": [{"stage": "feature_pyramid", "width": 8}],
    "feature_levels": [{"stage": "feature_levels", "width": 8}],
}
NECKS_BEHIND = NECKS | {"level_fusion": [{"stage": "level_fusion", "width": 8}]}
HEADS: dict[str, list[dict[str, Any]]] = {
    "pixel_classes": [{"head": "pixel_classes"}],
    "maskformer": [
        {"head": "maskformer", "width": 8, "num_queries": 5, "num_layers": 1, "num_heads": 2, "inner_width": 8}
    ],
    "mask2former": [{"head": "mask2former", "width": 8, "num_queries": 5, "num_layers": 3, "num_heads": 2}],
    "semantic_pyramid": [{"head": "semantic_pyramid", "width": 8, "key_width": 4, "unity_width": 4}],
    "perceptual": [{"head": "perceptual", "width": 8}],
    "segment_sorting": [SORTING],
    "instance_centers": [SORTING, CENTERS],
}
SCENES = replace(STREET, scenes=LabelTable(("street", "room")))
IMAGE_SIZE = (40, 56)


class Losses(StrictConfig):
    losses: tuple[LossConfig, ...]


class ReasonerContract(StageContract):
    """`config`: the stage as a recipe has it; `losses`: those that train what it leaves."""

    config: dict[str, Any]
    losses: list[dict[str, Any]] = [{"loss": "pixel_cross_entropy"}]
    head_changes: dict[str, dict[str, Any]] = {}  # By head: what it must be told of this reasoner.
    before, after = "projection", "nothing"  # A host in which all that the stage says is heard.

    def parser(
        self, before: str = "", after: str = "", *, heads: str = "pixel_classes", taxonomy: Taxonomy = TAXONOMY
    ) -> SceneParser:
        before, after = before or self.before, after or self.after
        torch.manual_seed(0)
        content = {
            "backbone": {"name": "test_efficientnet"},
            "path": [*NECKS[before], self.config, *NECKS_BEHIND[after]],
            "heads": [head | self.head_changes.get(head["head"], {}) for head in HEADS[heads]],
        }
        parser = validated(ParserConfig, content, source="a test").build(taxonomy)
        if heads == "pixel_classes":
            torch.nn.init.normal_(parser.heads[0].classify.weight)
        self.prepare(parser)
        return parser

    def prepare(self, parser: SceneParser) -> None:
        """What a recipe would give the reasoner: counts, for one."""

    def objective(self, parser: SceneParser) -> Objective:
        return build_objective(validated(Losses, {"losses": self.losses}, source="a test").losses, parser)

    @pytest.mark.parametrize("image_size", [(1, 1), (33, 129), (64, 96)], ids=str)
    def test_same_shapes_out(self, image_size: tuple[int, int]) -> None:
        features = random_features(self.in_layout, image_size)
        stage = self.built().eval()
        answer = stage(features, self.frame(image_size))
        assert [m.shape for m in answer.maps] == [m.shape for m in features.maps]
        assert answer.strides == features.strides and stage.layout == self.in_layout

    def test_it_leaves_evidence(self) -> None:
        answer = self.built().eval()(random_features(self.in_layout, (32, 32)), self.frame((32, 32)))
        assert len(answer.evidence) == 2

    @pytest.mark.parametrize("before", NECKS)
    @pytest.mark.parametrize("after", NECKS_BEHIND)
    def test_behind_every_neck_and_before_every_neck_and_head(self, before: str, after: str) -> None:
        parser = self.parser(before, after).eval()
        answers = parser(torch.randint(0, 256, (2, 3, *IMAGE_SIZE), dtype=torch.uint8))
        assert all(prediction.logits_BKhw.isfinite().all() for prediction in answers.predictions)
        parse = parser.parse(torch.zeros(*IMAGE_SIZE, 3, dtype=torch.uint8).numpy())
        assert parse.semantic.shape == IMAGE_SIZE

    @pytest.mark.parametrize("heads", HEADS)
    def test_before_every_head(self, heads: str) -> None:
        """The head answers, and what it answers depends on what the reasoner hands on."""
        parser = self.parser(heads=heads, taxonomy=SCENES).eval()
        parse = parser.parse(random_image(*IMAGE_SIZE))
        assert parse.semantic.shape == IMAGE_SIZE and parse.semantic.max() < len(STREET.object_names)
        answers = parser(torch.randint(0, 256, (2, 3, *IMAGE_SIZE), dtype=torch.uint8))
        scores = scores_of(answers).scores_Khw
        assert scores.isfinite().all()
        gradients = torch.autograd.grad(scores.square().sum(), answers.features.maps, allow_unused=True)
        heard = [gradient for gradient in gradients if gradient is not None]
        assert heard and all(gradient.isfinite().all() for gradient in heard)

    def test_training_reaches_every_parameter(self) -> None:
        parser = self.parser().train()
        objective = self.objective(parser)
        losses = objective(self.answers(parser), self.batch())
        assert losses.total.isfinite()
        losses.total.backward()
        trained = [*parser.path.named_parameters(), *parser.heads.named_parameters(), *objective.named_parameters()]
        assert not [name for name, parameter in trained if parameter.grad is None]
        assert all(bool(parameter.grad.isfinite().all()) for _, parameter in trained)

    def test_ignored_pixels_give_no_gradient(self) -> None:
        """All labels ignored: the loss is 0 and moves nothing. Some ignored: what they would have been is no matter."""
        parser = self.parser().train()
        objective = self.objective(parser)
        losses = objective(self.answers(parser), self.batch(ignored=slice(None)))
        losses.total.backward()
        assert losses.total == 0
        moved = [p for p in (*parser.parameters(), *objective.parameters()) if p.grad is not None and p.grad.any()]
        assert not moved

    def test_saved_and_loaded_within_a_parser(self) -> None:
        parser = self.parser().eval()
        torch.manual_seed(1)
        other = self.parser().eval()
        other.load_state_dict(load(save(parser.state_dict())))
        image = torch.randint(0, 256, (1, 3, *IMAGE_SIZE), dtype=torch.uint8)
        for one, two in zip(parser(image).features.maps, other(image).features.maps):
            assert torch.equal(one, two)

    def answers(self, parser: SceneParser) -> SceneAnswers:
        generator = torch.Generator().manual_seed(0)
        answers: SceneAnswers = parser(torch.randint(0, 256, (2, 3, *IMAGE_SIZE), generator=generator).float())
        return answers

    def batch(self, *, ignored: slice = slice(0)) -> Batch:
        label_BHW = torch.randint(0, 3, (2, *IMAGE_SIZE), generator=torch.Generator().manual_seed(1))
        label_BHW[:, ignored] = TAXONOMY.ignore_index
        image_BCHW = torch.zeros(2, 3, *IMAGE_SIZE, dtype=torch.uint8)
        return Batch(names=("a", "b"), image_BCHW=image_BCHW, semantic_BHW=label_BHW)
