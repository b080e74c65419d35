"""Converted checkpoints answer what transformers' own models answer, for every architecture and backbone."""

import pytest
import torch
import torch.nn.functional as F
from tiny_checkpoints import MODELS, saved
from torch import Tensor
from transformers import UperNetForSemanticSegmentation

from mereo.heads.mask_queries import MaskQueriesPrediction
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.parser.hugging_face.conversion import load_hugging_face
from mereo.parser.weights import load, save_parser

ANY_SIZE = [(64, 96), (50, 77), (33, 130)]
# ConvNeXt of transformers cuts off the pixels behind its last whole cell; Mereo pads the image, and answers for all.
WHOLE_CELLS = [(64, 96), (32, 128), (96, 32)]


@pytest.fixture(scope="module", params=MODELS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """A model of transformers, its checkpoint as a Mereo parser, the same parser from its own file."""
    folder = tmp_path_factory.mktemp("checkpoint")
    model = MODELS[request.param]()
    parser = load_hugging_face(saved(model, folder))
    again = load(save_parser(parser, folder / "parser.safetensors"))
    return request.param, model, parser, again


def random_pixels(size: tuple[int, int]) -> Tensor:
    torch.manual_seed(1)
    coarse_BCHW = torch.randint(0, 256, (2, 3, *(-(-side // 8) for side in size))).float()
    return F.interpolate(coarse_BCHW, scale_factor=8, mode="nearest")[..., : size[0], : size[1]]


@pytest.mark.parametrize("number", range(3))
def test_equal_answers(pair, number: int) -> None:  # type: ignore[no-untyped-def]
    name, model, parser, again = pair
    size = (WHOLE_CELLS if "convnext" in name else ANY_SIZE)[number]
    pixels_BCHW = random_pixels(size)
    normalised_BCHW = (pixels_BCHW - parser.mean_311) / parser.std_311
    with torch.no_grad():
        answers = [one(pixels_BCHW) for one in (parser, again)]
        if isinstance(model, UperNetForSemanticSegmentation):
            wanted_BKHW = model(normalised_BCHW).logits
            for one in answers:
                logits_BKhw = one.prediction(PixelClassesPrediction).logits_BKhw
                logits_BKHW = F.interpolate(logits_BKhw, size=size, mode="bilinear", align_corners=False)
                torch.testing.assert_close(logits_BKHW, wanted_BKHW, rtol=1e-4, atol=1e-4)
            return
        output = model(normalised_BCHW, output_auxiliary_logits=True)
    for one in answers:
        prediction = one.prediction(MaskQueriesPrediction)
        for ours, theirs in (
            (prediction.class_logits_BQK1, output.class_queries_logits),
            (prediction.mask_logits_BQhw, output.masks_queries_logits),
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
        if name.startswith("mask2former"):  # transformers' MaskFormer gives its last layer alone.
            assert len(prediction.earlier) == len(output.auxiliary_logits) == 4
        for earlier, wanted in zip(prediction.earlier, output.auxiliary_logits or ()):
            torch.testing.assert_close(earlier.class_logits_BQK1, wanted["class_queries_logits"], rtol=1e-4, atol=1e-4)


def test_answers_depend_on_the_picture(pair) -> None:  # type: ignore[no-untyped-def]
    """Or equality would say nothing."""
    _, _, parser, _ = pair
    with torch.no_grad():
        first, second = (
            parser(pixels).predictions[0] for pixels in (random_pixels((64, 96)), torch.zeros(2, 3, 64, 96))
        )
    for name, value in vars(first).items():
        if isinstance(value, Tensor):
            assert (value - getattr(second, name)).abs().max() > 1e-2


def test_classes_and_card(pair) -> None:  # type: ignore[no-untyped-def]
    _, _, _, again = pair
    assert again.taxonomy.object_names == ["sky", "road", "car"]
    assert "own licence" in again.card.terms and "own licence" in again.card.terms_notice
