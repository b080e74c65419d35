"""A perceptual head in a parse: five tasks, parts within the answered objects, scales, tiles, other heads beside."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_parser import random_image, tiny_parser
from tiny_perceptual_parser import tiny_perceptual_config, tiny_perceptual_parser

from mereo.assembly.parse import Parse
from mereo.data.drawn_scenes import drawn_taxonomy
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.heads.perceptual import PerceptualPrediction
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.parser.asking import parsing
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.asking.perceptual_parsing import has_perceptual
from mereo.parser.asking.pyramid_levels import has_levels
from mereo.parser.config import ParserConfig
from mereo.parser.weights import load, save_parser

IMAGE = random_image(45, 62)


def prediction_of(parser: torch.nn.Module, size: tuple[int, int] = (45, 62)) -> PerceptualPrediction:
    with torch.inference_mode():
        found: PerceptualPrediction = parser(prepared_image(parser, IMAGE, size)).prediction(PerceptualPrediction)
    return found


def likeliest(logits_BKhw: torch.Tensor) -> np.ndarray:
    found: np.ndarray = F.interpolate(logits_BKhw, size=(45, 62), mode="bilinear")[0].argmax(dim=0).numpy()
    return found


def require_parts_of_their_objects(parse: Parse) -> None:
    taxonomy = parse.taxonomy
    assert parse.parts is not None and taxonomy.parts is not None
    for index, name in enumerate(taxonomy.object_names):
        found = set(np.unique(parse.parts[parse.semantic == index])) - {taxonomy.parts.ignore_index}
        assert {taxonomy.parts.names[part] for part in found} <= set(taxonomy.parts_of(name))


def test_all_five_tasks() -> None:
    parser = tiny_perceptual_parser()
    parse, prediction = parser.parse(IMAGE), prediction_of(parser)
    np.testing.assert_array_equal(parse.semantic, likeliest(prediction.object_logits_BKhw))
    np.testing.assert_array_equal(parse.materials, likeliest(prediction.material_logits_BKhw))
    np.testing.assert_array_equal(parse.texture, likeliest(prediction.texture_logits_BKhw))
    assert parse.scene == int(prediction.scene_logits_BK[0].argmax()) and parse.scene_name in (
        "street",
        "room",
        "field",
    )
    require_parts_of_their_objects(parse)
    assert len(np.unique(parse.parts)) > 2 and len(np.unique(parse.semantic)) > 2


@pytest.mark.parametrize(
    "options", [{"scales": (0.5, 1.0)}, {"flip": True}, {"tile": 64}], ids=["scales", "flip", "tile"]
)
def test_more_passes_are_for_objects(options: dict) -> None:
    """The other tasks are those of one plain pass; parts follow the objects that the passes agreed on."""
    parser, image_HWC = tiny_perceptual_parser(), random_image(120, 150)
    plain, parse = parser.parse(image_HWC), parser.parse(image_HWC, **options)
    assert not np.array_equal(parse.semantic, plain.semantic)
    np.testing.assert_array_equal(parse.materials, plain.materials)
    np.testing.assert_array_equal(parse.texture, plain.texture)
    assert parse.scene == plain.scene
    require_parts_of_their_objects(parse)


def test_confidence_is_that_of_objects() -> None:
    parser = tiny_perceptual_parser()
    parse = parser.parse(IMAGE, with_confidence=True)
    probability_BKHW = F.interpolate(prediction_of(parser).object_logits_BKhw, size=(45, 62), mode="bilinear").softmax(
        1
    )
    np.testing.assert_allclose(parse.confidence, probability_BKHW[0].max(dim=0).values.numpy(), atol=2e-3)


def test_large_pictures_in_tiles_are_reduced_for_the_other_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = tiny_perceptual_parser()
    monkeypatch.setattr(parsing, "MAX_WHOLE_PIXELS", 40 * 55)
    seen: list[tuple[int, ...]] = []
    parser.heads[0].register_forward_pre_hook(lambda head, given: seen.append(given[1].image_size))
    parse = parser.parse(random_image(80, 110), tile=64)
    assert seen[-1] == (40, 55) and len(seen) > 2
    assert parse.materials is not None and parse.materials.shape == (80, 110)


def test_another_head_may_say_the_objects() -> None:
    """The first head that says classes does; parts are decided within its answer."""
    config = tiny_perceptual_config(path=[{"stage": "projection", "width": 8}])
    torch.manual_seed(0)
    both = config.model_copy(update={"heads": (*ParserConfig(backbone=config.backbone).heads, *config.heads)})
    parser = both.build(drawn_taxonomy()).eval()
    for classify in (parser.heads[0].classify, parser.heads[1].part, parser.heads[1].object):
        torch.nn.init.normal_(classify.weight)
    parse = parser.parse(IMAGE)
    with torch.inference_mode():
        first = parser(prepared_image(parser, IMAGE, (45, 62))).prediction(PixelClassesPrediction)
    assert (parse.semantic == likeliest(first.logits_BKhw)).mean() > 0.999  # Equal scores fall to either class.
    assert not np.array_equal(parse.semantic, likeliest(prediction_of(parser).object_logits_BKhw))
    require_parts_of_their_objects(parse)
    assert has_perceptual(parser) and not has_levels(parser)


def test_a_taxonomy_without_these_tasks() -> None:
    parse = tiny_perceptual_parser(taxonomy=Taxonomy("t", LabelTable(("a", "b")))).parse(IMAGE)
    assert parse.parts is parse.materials is parse.texture is parse.scene is None
    assert not has_perceptual(tiny_parser()) and tiny_parser().parse(IMAGE).materials is None


def test_a_parser_file_keeps_it(tmp_path) -> None:
    parser = tiny_perceptual_parser()
    again = load(save_parser(parser, tmp_path / "p.safetensors"))
    one, other = parser.parse(IMAGE), again.parse(IMAGE)
    for name in ("semantic", "parts", "materials", "texture"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.scene == other.scene
