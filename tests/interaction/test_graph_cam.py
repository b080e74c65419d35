"""Grad-CAM on the graph: the definition by loops and differences, every backbone, planted evidence, what is refused."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image, taxonomy_of, tiny_parser

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.features.feature_maps import Frame
from mereo.interaction.class_scores import asked_class, class_score
from mereo.interaction.graph_cam import carried_down, explain_heat, node_heat
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.reasoning.deep_grouping import DeepGrouping
from mereo.strict_yaml import validated

IMAGE_HWC = random_image(61, 83)


def answers_of(parser: SceneParser, image_HWC: np.ndarray = IMAGE_HWC) -> SceneAnswers:
    with torch.no_grad():
        return parser(prepared_image(parser, image_HWC, image_HWC.shape[:2]))


def grouping_of(parser: SceneParser) -> DeepGrouping:
    return next(stage for stage in parser.path if isinstance(stage, DeepGrouping))


def won_and_lost(parser: SceneParser, image_HWC: np.ndarray = IMAGE_HWC) -> list[str]:
    """The names of the classes, the one with most pixels first."""
    logits_Khw = answers_of(parser, image_HWC).predictions[0].logits_BKhw[0]
    count_K = np.bincount(logits_Khw.argmax(dim=0).ravel().numpy(), minlength=3)
    return [parser.taxonomy.object_names[index] for index in np.argsort(-count_K, kind="stable")]


def logits_again(parser: SceneParser, answers: SceneAnswers) -> np.ndarray:
    """K h w: what the path and the head make of the same features of the backbone."""
    label_BHW = answers.evidence[-1].label_BHW
    frame = Frame(image_size=tuple(label_BHW.shape[1:]), superpixels_BHW=label_BHW)
    features = answers.backbone_features
    with torch.no_grad():
        for stage in parser.path:
            features = stage(features, frame)
        return parser.heads[0](features, frame).logits_BKhw[0].numpy()


def score_by_loops(logits_Khw: np.ndarray, index: int, where_hw: np.ndarray) -> float:
    total, count = 0.0, 0
    for row, column in np.ndindex(where_hw.shape):
        if where_hw[row, column]:
            total, count = total + logits_Khw[index, row, column], count + 1
    return total / count


@pytest.mark.slow
@pytest.mark.parametrize("is_top_down", [True, False])
@pytest.mark.parametrize("place", [0, -1], ids=["largest class", "smallest class"])
def test_heat_is_that_of_the_definition(place: int, is_top_down: bool) -> None:
    """Derivatives by differences: each number of each vertex is pushed a little as it leaves the reasoner."""
    parser, image_HWC = tiny_grouping_parser(max_regions=6, top_down=is_top_down).double(), IMAGE_HWC[:32, :40]
    name = won_and_lost(parser, image_HWC)[place]
    found = explain_heat(parser, image_HWC, f"object={name}")
    answers = answers_of(parser, image_HWC)
    hierarchy, index = answers.evidence[-1], parser.taxonomy.object_names.index(name)
    logits_Khw = answers.predictions[0].logits_BKhw[0].numpy()
    np.testing.assert_array_equal(logits_again(parser, answers), logits_Khw)
    where_hw = logits_Khw.argmax(axis=0) == index
    assert found.share == pytest.approx(where_hw.mean())
    if not where_hw.any():
        where_hw[:] = True
    assert found.score == pytest.approx(score_by_loops(logits_Khw, index, where_hw), rel=1e-5)
    stage, step = grouping_of(parser), 1e-5
    sources = [*stage.descend] if is_top_down else [None, *stage.lift]
    for level, source in enumerate(sources):
        if source is None:
            continue  # Without messages level 1 are the superpixels' means: no module gives them.
        vertices_SC = hierarchy.vertices_per_level[level][0].numpy()
        nodes, channels = vertices_SC.shape
        weight_C = np.zeros(channels)
        for node, channel in np.ndindex(nodes, channels):
            scores = []
            for sign in (1, -1):
                push = torch.zeros(1, nodes, channels, dtype=torch.float64)
                push[0, node, channel] = sign * step
                hook = source.register_forward_hook(lambda module, given, out, push=push: out + push)
                pushed_Khw = logits_again(parser, answers)
                hook.remove()
                scores.append(score_by_loops(pushed_Khw, index, where_hw))
            weight_C[channel] += (scores[0] - scores[1]) / (2 * step) / nodes
        heat_S = [max(0.0, sum(weight_C[c] * vertices_SC[n, c] for c in range(channels))) for n in range(nodes)]
        wanted_R = np.zeros(len(found.heat_per_level[0]))
        for superpixel in range(len(wanted_R)):
            shares = list(np.eye(len(wanted_R))[superpixel])  # Of each node, level by level upwards.
            for message_BRS in hierarchy.messages[:level]:
                message_RS = message_BRS[0].numpy()
                shares = np.array(
                    [sum(shares[r] * message_RS[r, s] for r in range(len(shares))) for s in range(message_RS.shape[1])]
                )
            wanted_R[superpixel] = sum(share * heat for share, heat in zip(shares, heat_S))
        scale = max(wanted_R.max(), 1e-9)
        np.testing.assert_allclose(found.heat_per_level[level] / scale, wanted_R / scale, atol=2e-4)


def test_some_level_is_hot() -> None:
    """So that the comparison above compares something."""
    parser, image_HWC = tiny_grouping_parser(max_regions=6).double(), IMAGE_HWC[:32, :40]
    names = won_and_lost(parser, image_HWC)
    heats = [explain_heat(parser, image_HWC, f"object={name}").heat_per_level for name in (names[0], names[-1])]
    assert sum(heat_R.max() > 0 for levels in heats for heat_R in levels) >= 3


@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_resnet", "test_convnext", "test_vit"])
def test_every_backbone(backbone: str) -> None:
    parser = tiny_grouping_parser(backbone=backbone, taxonomy=taxonomy_of("sky", "road", "car")).train()
    for weight in parser.parameters():
        weight.requires_grad_(False)
    found = explain_heat(parser, IMAGE_HWC, "object=road")
    assert parser.training and all(weight.grad is None for weight in parser.parameters())
    assert len(found.heat_per_level) == 4 and found.nodes_per_level[0] == found.photograph.num_superpixels
    assert found.nodes_per_level[1:] == tuple(-(-nodes // 2) for nodes in found.nodes_per_level[:-1])
    for heat_R in found.heat_per_level:
        assert heat_R.shape == (found.photograph.num_superpixels,)
        assert np.isfinite(heat_R).all() and (heat_R >= 0).all()
    assert any(
        explain_heat(parser, IMAGE_HWC, f"object={one}").heat_per_level[0].any() for one in ("sky", "road", "car")
    )


def test_a_score_that_nothing_moves_has_no_heat() -> None:
    parser = tiny_grouping_parser()
    torch.nn.init.zeros_(parser.heads[0].classify.weight)
    found = explain_heat(parser, IMAGE_HWC, "object=sky")
    assert all((heat_R == 0).all() for heat_R in found.heat_per_level)
    assert found.heat_at(3, 4) == (0.0,) * 4


def test_planted_evidence_is_found() -> None:
    """Only node 2 has the channel that the score asks for; an absent node is neither hot nor counted."""
    vertices_BSC = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [9.0, 9.0]]])
    gradient_BSC = torch.tensor([[[0.0, 0.5], [0.0, 1.0], [0.0, 1.5], [7.0, 7.0]]])
    is_present_BS = torch.tensor([[True, True, True, False]])
    assert node_heat(vertices_BSC, gradient_BSC, is_present_BS).tolist() == [[0.0, 0.0, 3.0, 0.0]]
    assert node_heat(vertices_BSC, -gradient_BSC, is_present_BS).tolist() == [[0.0] * 4], "against it is not for it"


def test_heat_is_carried_as_a_mean() -> None:
    messages = (torch.tensor([[[0.25, 0.75], [1.0, 0.0]]]), torch.tensor([[[0.5, 0.5], [0.0, 1.0]]]))
    assert carried_down(torch.tensor([[4.0, 8.0]]), messages).tolist() == [[7.5, 6.0]]
    assert carried_down(torch.tensor([[4.0, 8.0]]), ()).tolist() == [[4.0, 8.0]]
    for levels in explain_heat(tiny_grouping_parser(), IMAGE_HWC, "object=road").heat_per_level:
        assert levels.max() < np.inf


def test_heat_at_a_point() -> None:
    parser = tiny_grouping_parser()
    found = explain_heat(parser, IMAGE_HWC, f"object={won_and_lost(parser)[0]}")
    for x, y in ((0, 0), (82, 60), (40, 31)):
        for at, heat_R in zip(found.heat_at(x, y), found.heat_per_level):
            assert at == pytest.approx(heat_R[found.photograph.superpixel_hw[y, x]] / (heat_R.max() or 1))
    with pytest.raises(BadInput, match="a point must lie in the picture of 83x61, but got 83,0; choose another"):
        found.heat_at(83, 0)


def test_a_class_that_wins_nowhere_is_asked_over_all_pixels() -> None:
    parser = tiny_grouping_parser()
    with torch.no_grad():
        parser.heads[0].classify.bias[1] -= 1000
    found = explain_heat(parser, IMAGE_HWC, "object=road")
    logits_hw = answers_of(parser).predictions[0].logits_BKhw[0, 1]
    assert found.share == 0 and found.score == pytest.approx(float(logits_hw.mean()), rel=1e-5)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("road", "a question must be TASK=CLASS, but got 'road'; e.g. object=road."),
        ("object=", "a question must be TASK=CLASS, but got 'object='"),
        ("objekt=road", "the task of a question must be a known one, but got 'objekt'; did you mean 'object'\\?"),
        ("x=road", "but got 'x'; known are object, part, material, scene, texture."),
        ("scene=street", "must be one that the parser's taxonomy has, but got 'scene'; ask about object."),
        ("object=rood", "must be one of the parser's for object, but got 'rood'; did you mean 'road'\\?"),
        ("object=zebra", "but got 'zebra'; known are sky, road, car."),
    ],
)
def test_bad_questions(question: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        explain_heat(tiny_grouping_parser(), IMAGE_HWC, question)


def test_a_task_that_no_head_answers() -> None:
    taxonomy = Taxonomy("tiny", LabelTable(("sky", "road", "car")), scenes=LabelTable(("street", "room")))
    with pytest.raises(
        BadInput, match="a parser must have a head that answers scene to be asked about it, but got none"
    ):
        explain_heat(tiny_grouping_parser(taxonomy=taxonomy), IMAGE_HWC, "scene=street")


def test_long_lists_of_classes_are_cut() -> None:
    with pytest.raises(BadInput, match="known are c0, c1, c2, c3, c4, c5, c6, c7, and 12 more"):
        asked_class("object=zzzzzz", taxonomy_of(*(f"c{index}" for index in range(20))))


def test_a_task_of_the_whole_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a scene's head will answer: one number a class."""
    logits_K = torch.tensor([0.5, 2.0, -1.0])
    monkeypatch.setattr("mereo.interaction.class_scores._task_logits", lambda answers, task: logits_K)
    answers, taxonomy = answers_of(tiny_grouping_parser()), taxonomy_of("sky", "road", "car")
    found = [class_score(answers, asked_class(f"object={name}", taxonomy), taxonomy) for name in taxonomy.object_names]
    assert [float(one.score) for one in found] == [0.5, 2.0, -1.0]
    assert [one.share for one in found] == [0.0, 1.0, 0.0]


def scene_parser() -> SceneParser:
    """Its scenes hear of the graph through the mean of the highest level alone (equation 7)."""
    taxonomy = Taxonomy("tiny", LabelTable(("sky", "road", "car")), scenes=LabelTable(("street", "room")))
    content = {
        "backbone": {"name": "test_efficientnet"},
        "path": [{"stage": "feature_levels", "width": 8}, {"stage": "deep_grouping", "width": 8, "max_regions": 6}],
        "heads": [{"head": "perceptual", "width": 8}],
        "preprocessing": {"working_side": 96},
    }
    torch.manual_seed(0)
    parser = validated(ParserConfig, content, source="a test").build(taxonomy).eval().double()
    torch.nn.init.normal_(parser.heads[0].scene.weight)
    for weight in grouping_of(parser).reproject.parameters():
        torch.nn.init.zeros_(weight)
    return parser


def test_a_scene_that_hears_only_the_global_vector_is_explained_by_it() -> None:
    """The score is linear in the mean of the highest level: its derivative by every node is a row of the classifier."""
    parser, image_HWC = scene_parser(), IMAGE_HWC[:32, :40]
    hierarchy = answers_of(parser, image_HWC).evidence[-1]
    top_SC, weight_KC = hierarchy.risen_per_level[-1][0], parser.heads[0].scene.weight.detach()
    assert torch.equal(top_SC.mean(dim=0), hierarchy.global_BC[0])
    are_hot = []
    for index, name in enumerate(("street", "room")):
        heat_S = torch.relu(top_SC @ weight_KC[index] / len(top_SC))
        wanted_R = carried_down(heat_S[None], hierarchy.messages)[0].numpy()
        found = explain_heat(parser, image_HWC, f"scene={name}")
        np.testing.assert_allclose(found.heat_per_level[-1], wanted_R, rtol=1e-6, atol=1e-12)
        are_hot.append(any(heat_R.any() for heat_R in found.heat_per_level))
    assert any(are_hot)


def test_probabilities_are_asked_by_their_logarithm() -> None:
    from tiny_pyramid_parser import tiny_pyramid_parser

    parser = tiny_pyramid_parser()
    answers = answers_of(parser)
    asked = asked_class(f"object={parser.taxonomy.object_names[0]}", parser.taxonomy)
    assert float(class_score(answers, asked, parser.taxonomy).score) < 0


def test_a_parser_without_grouping() -> None:
    with pytest.raises(BadInput, match="a parser must have the stage deep_grouping on its path"):
        explain_heat(tiny_parser(), IMAGE_HWC, "object=road")
