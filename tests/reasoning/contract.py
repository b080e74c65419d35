"""What every reasoner must keep, beside what every stage must. A new one inherits all of it:

class TestMyReasoner(ReasonerContract):
    def build(self, layout: FeatureLayout) -> Stage:
        return MyReasoner(layout, ...)
    config = MyReasonerConfig(...)

Absent regions are harmless: of a picture that is all alike every region but one is empty where regions are hard (class
affinity; deep grouping's are a picture's own, and a batch holds pictures with more and with fewer). Regions of weights
(object regions, concept tokens, global reasoning) are never empty and keep the same. That an absent class is as no
class at all is said of class affinity alone: tests/reasoning/test_class_affinity_training.py.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load, save

sys.path.insert(0, str(Path(__file__).parents[1] / "features"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from stage_contract import StageContract, one_of, random_features
from tiny_parser import TAXONOMY, random_image
from tiny_sorting_parser import CENTERS, STREET
from tiny_sorting_parser import HEAD as SORTING

from mereo.data.batches import Batch
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.parser.asking.image_scores import scores_of
from mereo.parser.config import ParserConfig, StageConfig
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
# Tried on both sides at once, by one step without a parser: every pair of two necks would take minutes.
OTHER_NECKS: dict[str, dict[str, Any]] = {
    "pyramid_pooling": {"width": 8, "grid_sizes": [1, 2]},
    "dual_attention": {},
    "criss_cross_attention": {"passes": 1},
    "object_context_pooling": {},
    "adaptive_pyramid_context": {"width": 8, "grid_sizes": [1, 2]},
    "asymmetric_nonlocal": {"grid_sizes": [1, 2]},
    "concatenated_levels": {"finest_stride": 8},
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


class OneStage(StrictConfig):
    stage: StageConfig


class ReasonerContract(StageContract):
    """`config`: the stage as a recipe has it; `losses`: those that train what it leaves."""

    config: dict[str, Any]
    losses: list[dict[str, Any]] = [{"loss": "pixel_cross_entropy"}]
    head_changes: dict[str, dict[str, Any]] = {}  # By head: what it must be told of this reasoner.
    before, after = "projection", "nothing"  # A host in which all that the stage says is heard.

    def parser(
        self, before: str = "", after: str = "", *, heads: str = "pixel_classes", taxonomy: Taxonomy = TAXONOMY
    ) -> SceneParser:
        path = [*NECKS[before or self.before], self.config, *NECKS_BEHIND[after or self.after]]
        return self.parser_of(path, heads=heads, taxonomy=taxonomy)

    def parser_of(
        self, path: list[dict[str, Any]], *, heads: str = "pixel_classes", taxonomy: Taxonomy = TAXONOMY
    ) -> SceneParser:
        torch.manual_seed(0)
        content = {
            "backbone": {"name": "test_efficientnet"},
            "path": path,
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

    @pytest.mark.parametrize("neck", OTHER_NECKS)
    def test_between_two_of_every_other_neck(self, neck: str) -> None:
        torch.manual_seed(0)
        config = validated(OneStage, {"stage": {"stage": neck, **OTHER_NECKS[neck]}}, source="a test").stage
        before = config.build(self.in_layout, ()).train()
        stage = self.build(before.layout).train()
        after = config.build(stage.layout, ()).train()
        frame = self.frame((40, 56))
        found = stage(before(random_features(self.in_layout, (40, 56)), frame), frame)
        answer = after(found, frame)
        assert (answer.channels, answer.strides) == (after.layout.channels, after.layout.strides)
        assert len(answer.evidence) == 2 and all(feature_map.isfinite().all() for feature_map in answer.maps)
        sum(feature_map.square().mean() for feature_map in (*answer.maps, *self.asked_of(found))).backward()
        parameters = [p for one in (before, stage, after) for p in one.parameters()]
        assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in parameters)

    def test_twice(self) -> None:
        """One behind the other, in training: both leave their evidence, and both learn."""
        parser = self.parser_of([*NECKS[self.before], self.config, self.config, *NECKS_BEHIND[self.after]]).train()
        assert len(self.train_once(parser).evidence) == 2

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
        self.train_once(self.parser().train())

    def train_once(self, parser: SceneParser) -> SceneAnswers:
        objective = self.objective(parser)
        answers = self.answers(parser)
        losses = objective(answers, self.batch())
        assert losses.total.isfinite()
        losses.total.backward()
        trained = [*parser.path.named_parameters(), *parser.heads.named_parameters(), *objective.named_parameters()]
        assert not [name for name, parameter in trained if parameter.grad is None]
        assert all(bool(parameter.grad.isfinite().all()) for _, parameter in trained)
        return answers

    def test_a_picture_all_alike_trains_and_answers(self) -> None:
        """Where regions are hard, all but one are absent. Beside a busy picture it is answered as alone."""
        size = (40, 56)
        for alike in (0.0, 1.0):
            features = random_features(self.in_layout, size)
            for feature_map in features.maps:
                feature_map[1] = alike
            stage = self.built().eval()
            together, alone = stage(features, self.frame(size)), stage(one_of(features, 1), self.frame(size, (1,)))
            for map_together, map_alone in zip(together.maps, alone.maps):
                assert map_alone.isfinite().all()
                torch.testing.assert_close(map_together[1:], map_alone, rtol=1e-4, atol=1e-5)
            for feature_map in features.maps:
                feature_map.requires_grad_()
            answer = stage.train()(one_of(features, 1), self.frame(size, (1,)))
            sum(one.square().mean() for one in self.asked_of(answer)).backward()
            reached = [*features.maps, *stage.parameters()]
            assert all(one.grad is None or bool(one.grad.isfinite().all()) for one in reached)
            assert all(buffer.isfinite().all() for buffer in stage.buffers())

    def test_ignored_pixels_give_no_gradient(self) -> None:
        """All labels ignored: the loss is 0 and moves nothing."""
        parser = self.parser().train()
        objective = self.objective(parser)
        losses = objective(self.answers(parser), self.batch(ignored=slice(None)))
        losses.total.backward()
        assert losses.total == 0
        moved = [p for p in (*parser.parameters(), *objective.parameters()) if p.grad is not None and p.grad.any()]
        assert not moved

    def test_some_ignored_pixels_are_no_matter(self) -> None:
        """What the head says where labels are ignored moves nothing, and a picture without labels is as no picture."""
        parser = self.parser().eval()
        objective = self.objective(parser)
        batch = self.batch(ignored=slice(0, 30))  # What is left tells of the lower one of two rows of cells alone.
        label_BHW = batch.required("semantic_BHW")
        label_BHW[1] = TAXONOMY.ignore_index
        answers = self.answers(parser)
        logits_BKhw, maps = answers.predictions[0].logits_BKhw, answers.backbone_features.maps
        total = objective(answers, batch).total
        of_logits_BKhw, *of_maps = torch.autograd.grad(total, [logits_BKhw, *maps], allow_unused=True)
        # Which cells of the head have a say in a labelled pixel.
        said_BKHW = F.interpolate(logits_BKhw, size=IMAGE_SIZE, mode="bilinear", align_corners=False)
        is_labelled_B1HW = (label_BHW != TAXONOMY.ignore_index)[:, None]
        says_BKhw = torch.autograd.grad((said_BKHW * is_labelled_B1HW).sum(), logits_BKhw)[0] != 0
        assert says_BKhw[0].any() and not says_BKhw[0].all() and torch.equal(of_logits_BKhw != 0, says_BKhw)
        reached = [gradient for gradient in of_maps if gradient is not None]
        assert any(gradient[0].any() for gradient in reached) and not any(gradient[1].any() for gradient in reached)
        first = Batch(names=("a",), image_BCHW=batch.image_BCHW[:1], semantic_BHW=label_BHW[:1])
        torch.testing.assert_close(objective(self.answers(parser, slice(0, 1)), first).total, total)

    def test_saved_and_loaded_within_a_parser(self) -> None:
        parser = self.parser().eval()
        torch.manual_seed(1)
        other = self.parser().eval()
        other.load_state_dict(load(save(parser.state_dict())))
        image = torch.randint(0, 256, (1, 3, *IMAGE_SIZE), dtype=torch.uint8)
        for one, two in zip(parser(image).features.maps, other(image).features.maps):
            assert torch.equal(one, two)

    def answers(self, parser: SceneParser, images: slice = slice(None)) -> SceneAnswers:
        generator = torch.Generator().manual_seed(0)
        image_BCHW = torch.randint(0, 256, (2, 3, *IMAGE_SIZE), generator=generator).float()
        answers: SceneAnswers = parser(image_BCHW[images])
        return answers

    def batch(self, *, ignored: slice = slice(0)) -> Batch:
        label_BHW = torch.randint(0, 3, (2, *IMAGE_SIZE), generator=torch.Generator().manual_seed(1))
        label_BHW[:, ignored] = TAXONOMY.ignore_index
        image_BCHW = torch.zeros(2, 3, *IMAGE_SIZE, dtype=torch.uint8)
        return Batch(names=("a", "b"), image_BCHW=image_BCHW, semantic_BHW=label_BHW)
