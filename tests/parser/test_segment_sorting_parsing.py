"""A parser with sorted segments: its loss in a recipe and without labels, pictures of any size, vectors, seeds."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_parser import random_image, taxonomy_of, tiny_parser
from tiny_sorting_parser import CENTERS, STREET, tiny_sorting_parser

from mereo.assembly.panoptic_segments import panoptic_map
from mereo.data.batches import Batch, collate
from mereo.data.component_instances import component_instances
from mereo.data.drawn_scenes import draw_scene, drawn_taxonomy
from mereo.errors import BadInput
from mereo.heads.instance_centers import InstanceCentersPrediction
from mereo.heads.segment_sorting import SegmentSortingPrediction
from mereo.losses.segment_sorting import segment_sorting_loss
from mereo.losses.sorting_pixels import sorting_pixels
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.objective import Objective, build_objective
from mereo.parser.scene_parser import SceneParser
from mereo.parser.terms.segment_sorting_terms import SegmentSortingLossConfig
from mereo.parser.weights import load, save_parser


@pytest.fixture(scope="module")
def batch() -> Batch:
    return collate([draw_scene(0, index, size=(48, 64), kind="street") for index in range(2)])


def objective_of(parser: SceneParser, **options: Any) -> Objective:
    return build_objective((SegmentSortingLossConfig(**options),), parser)


def labelled(semantic: int, instances: int) -> Batch:
    """A batch whose labels are the same everywhere."""
    image_BCHW = torch.from_numpy(random_image(64, 64)).permute(2, 0, 1)[None].repeat(2, 1, 1, 1)
    label_BHW = torch.full((2, 64, 64), semantic, dtype=torch.int32)
    return Batch(("a", "b"), image_BCHW, label_BHW, torch.full_like(label_BHW, instances))


@pytest.mark.slow
@pytest.mark.parametrize(("centers", "convolution"), [(None, "plain"), ({}, "deformable")])
def test_twenty_steps(batch: Batch, centers: dict[str, Any] | None, convolution: str) -> None:
    parser = tiny_sorting_parser(taxonomy=drawn_taxonomy(), centers=centers, convolution=convolution).train()
    objective = objective_of(parser)
    optimizer = torch.optim.AdamW(parser.parameters(), lr=3e-3)
    totals = []
    for step in range(20):
        torch.manual_seed(step)
        total = objective(parser(batch.image_BCHW), batch).total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert not [name for name, parameter in parser.named_parameters() if parameter.grad is None]
    assert sum(totals[-3:]) < 0.8 * sum(totals[:3]), totals
    assert not list(objective.parameters())


def test_the_loss_is_that_of_its_parts(batch: Batch) -> None:
    parser = tiny_sorting_parser(taxonomy=drawn_taxonomy()).train()
    answers = parser(batch.image_BCHW)
    prediction = answers.prediction(SegmentSortingPrediction)
    pixels = sorting_pixels(
        prediction.embedding_BDhw,
        prediction.segment_Bhw,
        batch.required("semantic_BHW"),
        batch.required("instances_BHW"),
        is_thing_K=torch.tensor(drawn_taxonomy().is_thing),
        small_pixels=200,
    )
    sorting = segment_sorting_loss(
        pixels.embedding_ND, pixels.segment_N, pixels.label_of_segment_S, concentration=7.0, reduction="mean"
    )
    prototypes = [pixels.embedding_ND[pixels.segment_N == s].sum(0) for s in range(len(pixels.class_of_segment_S))]
    logits_SK = parser.heads[0].classify(16 * F.normalize(torch.stack(prototypes), dim=1))
    classes = F.cross_entropy(logits_SK, pixels.class_of_segment_S)
    objective = objective_of(parser, concentration=7.0, small_pixels=200, sorting_weight=2, classes_weight=3)
    torch.testing.assert_close(objective(answers, batch).total, 2 * sorting + 3 * classes)


def test_which_classes_are_things_goes_to_the_device_and_into_no_checkpoint() -> None:
    objective = objective_of(tiny_sorting_parser(taxonomy=drawn_taxonomy()))
    term = objective.terms["segment_sorting"]
    assert term.is_thing_K.tolist() == list(drawn_taxonomy().is_thing) and not objective.state_dict()
    assert objective.to("meta") and term.is_thing_K.is_meta


@pytest.mark.parametrize("kind", ["no label", "no thing", "things of no instance", "one thing", "one segment"])
def test_unusual_labels_have_a_finite_loss_and_gradient(kind: str) -> None:
    semantic, instances = {
        "no label": (255, 0),
        "no thing": (1, 0),
        "things of no instance": (2, 0),
        "one thing": (2, 5),
        "one segment": (0, 0),
    }[kind]
    parser = tiny_sorting_parser(centers={}, grid=[1, 1] if kind == "one segment" else [3, 3]).train()
    batch = labelled(semantic, instances)
    loss = objective_of(parser, seeds_weight=0.0 if kind in ("no label", "things of no instance") else 1.0)
    total = loss(parser(batch.image_BCHW), batch).total
    total.backward()
    assert torch.isfinite(total)
    head = parser.heads[0]
    assert all(one.grad is not None and torch.isfinite(one.grad).all() for one in head.parameters())
    if kind in ("no label", "things of no instance"):
        assert total.item() == 0


def test_components_stand_in_for_instances(batch: Batch) -> None:
    parser = tiny_sorting_parser(taxonomy=drawn_taxonomy()).train()
    answers = parser(batch.image_BCHW)
    things = [index for index, is_thing in enumerate(drawn_taxonomy().is_thing) if is_thing]
    maps = [component_instances(one_HW.numpy(), things) for one_HW in batch.required("semantic_BHW")]
    weak = Batch(batch.names, batch.image_BCHW, batch.semantic_BHW, torch.from_numpy(np.stack(maps)))
    without = Batch(batch.names, batch.image_BCHW, batch.semantic_BHW)
    wanted = objective_of(parser)(answers, weak).total
    torch.testing.assert_close(objective_of(parser, instances="components")(answers, without).total, wanted)
    with pytest.raises(BadInput, match="this loss must have instances_BHW"):
        objective_of(parser)(answers, without)


def test_a_taxonomy_without_things_needs_no_instances() -> None:
    parser = tiny_sorting_parser(taxonomy=taxonomy_of("sky", "road")).train()
    batch = labelled(1, 0)
    assert torch.isfinite(objective_of(parser)(parser(batch.image_BCHW), Batch(("a",), *_maps(batch))).total)
    parse = parser.parse(random_image(40, 60))
    assert parse.instances is None and len(parse.vectors) == len(parse.segments)


def _maps(batch: Batch) -> tuple[torch.Tensor, torch.Tensor | None]:
    return batch.image_BCHW, batch.semantic_BHW


@pytest.mark.parametrize("size", [(1, 1), (33, 129), (31, 7), (64, 96), (5, 300)], ids=str)
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    parse = tiny_sorting_parser(centers={"lowest_score": 0.0}).parse(random_image(*size), with_confidence=True)
    assert parse.semantic.shape == parse.instances.shape == parse.confidence.shape == size
    assert ((parse.instances > 0) <= (parse.semantic == 2)).all()
    assert len(panoptic_map(parse).segments) == len(parse.segments)


def test_both_maps_and_vectors_agree() -> None:
    parser, image_HWC = tiny_sorting_parser(merge_from=0.99), random_image(96, 128, seed=3)
    parse = parser.parse(image_HWC)
    assert parse.instances.max() >= 2
    for instance in np.unique(parse.instances[parse.instances > 0]):
        assert (parse.semantic[parse.instances == instance] == 2).all()
    vectors = parse.vectors
    assert [one.class_index for one in parse.segments] == vectors.class_N.tolist()
    assert [one.instance_id for one in parse.segments] == vectors.instance_N.tolist()
    assert [list(one.box_xyxy) for one in parse.segments] == vectors.box_N4.tolist()
    assert vectors.area_N.sum() == 96 * 128
    np.testing.assert_allclose(np.linalg.norm(vectors.vector_ND, axis=1), 1, atol=1e-5)
    # The vector of an instance is the direction of the sum of its pixels' embeddings.
    with torch.no_grad():
        prediction = parser(prepared_image(parser, image_HWC, (96, 128))).prediction(SegmentSortingPrediction)
    class_hw = prediction.class_logits_BSK[0].argmax(1)[prediction.segment_Bhw[0]]
    for index in (0, 1):
        of_stuff = [one for one in range(len(vectors)) if vectors.class_N[one] == index]
        if of_stuff:
            sum_D = prediction.embedding_BDhw[0][:, class_hw == index].sum(1)
            np.testing.assert_allclose(vectors.vector_ND[of_stuff[0]], F.normalize(sum_D, dim=0).numpy(), atol=1e-4)


def test_merging_follows_its_threshold() -> None:
    image_HWC = random_image(96, 128, seed=3)
    counts = [
        tiny_sorting_parser(merge_from=threshold).parse(image_HWC).instances.max() for threshold in (-1.0, 0.9, 1.1)
    ]
    assert counts[0] == 1 < counts[2] and counts[0] <= counts[1] <= counts[2]


def test_instances_grow_from_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    parser, image_HWC = tiny_sorting_parser(centers={}, merge_from=1.1), random_image(96, 128, seed=3)
    center_N2 = [torch.zeros(0, 2)]

    def seeded(features: Any, frame: Any) -> InstanceCentersPrediction:
        return InstanceCentersPrediction({}, frame.image_size, (center_N2[0],))

    monkeypatch.setattr(parser.heads[1], "forward", seeded)
    parse = parser.parse(image_HWC)
    assert not parse.instances.any() and (parse.semantic == 2).any()
    with torch.no_grad():
        prediction = parser(prepared_image(parser, image_HWC, (96, 128))).prediction(SegmentSortingPrediction)
    is_car_hw = (prediction.class_logits_BSK[0].argmax(1) == 2)[prediction.segment_Bhw[0]]
    cells = is_car_hw.nonzero()
    center_N2[0] = (cells[:1] + 0.5) / torch.tensor(is_car_hw.shape)
    parse = parser.parse(image_HWC)
    assert parse.instances.max() == 1
    # Seeds may be left out of an answer.
    parse = tiny_sorting_parser(centers={}, merge_from=1.1, uses_seeds=False).parse(image_HWC)
    assert parse.instances.max() > 1


def test_several_passes_answer_with_classes_alone() -> None:
    parser, image_HWC = tiny_sorting_parser(), random_image(80, 96)
    for options in ({"flip": True}, {"scales": (0.5, 1.0)}, {"tile": 64}):
        parse = parser.parse(image_HWC, with_confidence=True, **options)
        # In tiles there is a plain pass a tile, which tells things apart.
        assert (parse.instances is not None) == ("tile" in options)
        assert parse.vectors is None and parse.confidence.shape == (80, 96)


def test_confidence_is_that_of_the_class_and_follows_the_temperature() -> None:
    parser, image_HWC = tiny_sorting_parser(), random_image(64, 64)
    sure = parser.parse(image_HWC, with_confidence=True)
    assert sure.confidence.min() >= 0 and sure.confidence.max() <= 1 and sure.confidence.mean() > 1 / 3
    parser.temperature = 100.0
    unsure = parser.parse(image_HWC, with_confidence=True)
    np.testing.assert_array_equal(unsure.semantic, sure.semantic)
    np.testing.assert_allclose(unsure.confidence, 1 / 3, atol=0.1)


def test_a_saved_parser_answers_the_same(tmp_path: Any) -> None:
    parser, image_HWC = tiny_sorting_parser(centers={}), random_image(64, 64)
    save_parser(parser, tmp_path / "sorting.safetensors")
    before, after = parser.parse(image_HWC), load(tmp_path / "sorting.safetensors").parse(image_HWC)
    np.testing.assert_array_equal(before.semantic, after.semantic)
    np.testing.assert_array_equal(before.instances, after.instances)
    np.testing.assert_array_equal(before.vectors.vector_ND, after.vectors.vector_ND)


def test_the_loss_needs_the_head_and_seeds_need_things() -> None:
    with pytest.raises(BadInput, match="segment_sorting must have a head of that name"):
        objective_of(tiny_parser(taxonomy=STREET))
    with pytest.raises(BadInput, match="a taxonomy must name things to have instances"):
        tiny_sorting_parser(taxonomy=taxonomy_of("sky", "road"), centers=CENTERS)
