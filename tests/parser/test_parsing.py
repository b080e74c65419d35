"""From a photograph of any size to its parse, at one scale or many, mirrored or not."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_parser import TAXONOMY, random_image, taxonomy_of, tiny_parser

from mereo.errors import BadInput
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.parser.asking.parse_photograph import parse
from mereo.parser.preprocessing import PreprocessingConfig, working_size
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import save_parser

PARSER = tiny_parser("upernet")


def by_hand(parser: SceneParser, image_HWC: np.ndarray) -> np.ndarray:
    """One plain pass: the network's logits, upsampled, argmax."""
    image_BCHW = torch.from_numpy(image_HWC.copy()).permute(2, 0, 1)[None]
    with torch.no_grad():
        logits_BKhw = parser(image_BCHW).prediction(PixelClassesPrediction).logits_BKhw
    upsampled = F.interpolate(logits_BKhw, size=image_HWC.shape[:2], mode="bilinear", align_corners=False)
    return upsampled[0].argmax(dim=0).numpy()


def share_that_differs(first: np.ndarray, second: np.ndarray) -> float:
    return float((first != second).mean())


@pytest.mark.parametrize("size", [(1, 1), (60000, 1), (1, 60000), (33, 1023), (7, 3), (64, 96)], ids=str)
def test_any_size_from_one_pixel_up(size: tuple[int, int]) -> None:
    image_HWC = random_image(*size)
    answer = PARSER.parse(image_HWC, name="it")
    assert answer.semantic.shape == size
    assert 0 <= answer.semantic.min() <= answer.semantic.max() < TAXONOMY.num_objects
    assert answer.name == "it"
    assert answer.taxonomy is PARSER.taxonomy
    assert share_that_differs(answer.semantic, by_hand(PARSER, image_HWC)) < 1e-3


@pytest.mark.parametrize("path", ["fcn", "deeplabv3", "upernet"])
@pytest.mark.parametrize("size", [(1, 1), (33, 129)], ids=str)
def test_every_parser_takes_odd_sizes_at_many_scales(path: str, size: tuple[int, int]) -> None:
    answer = tiny_parser(path).parse(random_image(*size), scales=(0.5, 1.0, 1.75), flip=True, with_confidence=True)
    assert answer.semantic.shape == size
    assert answer.confidence is not None
    assert 1 / 3 - 1e-3 <= answer.confidence.min() <= answer.confidence.max() <= 1


@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 90), width=st.integers(1, 90), seed=st.integers(0, 99), has_scales=st.booleans())
def test_a_mirrored_photograph_has_the_mirrored_parse(height: int, width: int, seed: int, has_scales: bool) -> None:
    image_HWC = random_image(height, width, seed=seed)
    scales = (0.75, 1.0, 1.5) if has_scales else (1.0,)
    plain = PARSER.parse(image_HWC, scales=scales, flip=True)
    mirrored = PARSER.parse(image_HWC[:, ::-1], scales=scales, flip=True)
    # Sums in another order may differ in the last bit, and so a pixel on a tie.
    assert (plain.semantic != mirrored.semantic[:, ::-1]).sum() <= max(1, 0.002 * height * width)


def test_in_a_mirrored_parse_left_and_right_have_changed_places() -> None:
    sided = tiny_parser(taxonomy=taxonomy_of("left wing", "body", "right wing"))
    plain, image_HWC = tiny_parser(taxonomy=taxonomy_of("a", "b", "c")), random_image(61, 83)
    with torch.no_grad():
        seen, mirrored = (
            plain(torch.from_numpy(np.ascontiguousarray(side_HWC)).permute(2, 0, 1)[None].float())
            .prediction(PixelClassesPrediction)
            .class_probability_BKhw
            for side_HWC in (image_HWC, image_HWC[:, ::-1])
        )
    mean_BKhw = seen + mirrored.flip(-1)[:, [2, 1, 0]]
    wanted_HW = F.interpolate(mean_BKhw, size=(61, 83), mode="bilinear")[0].argmax(dim=0).numpy()
    assert share_that_differs(sided.parse(image_HWC, flip=True).semantic, wanted_HW) < 1e-3
    assert share_that_differs(plain.parse(image_HWC, flip=True).semantic, wanted_HW) > 1e-2  # Else it shows nothing.


def test_without_flip_it_is_not_symmetric() -> None:
    # Else the test above would show nothing.
    image_HWC = random_image(61, 83)
    assert not np.array_equal(PARSER.parse(image_HWC).semantic, PARSER.parse(image_HWC[:, ::-1]).semantic[:, ::-1])


def test_many_scales_are_the_mean_of_probabilities() -> None:
    image_HWC = random_image(64, 96)
    image_BCHW = torch.from_numpy(image_HWC).permute(2, 0, 1)[None].float()
    answers = []
    for scale in (1.5, 0.5):
        size = (round(64 * scale), round(96 * scale))
        scaled_BCHW = F.interpolate(image_BCHW, size=size, mode="bilinear", antialias=True)
        for is_mirrored in (False, True):
            seen_BCHW = scaled_BCHW.flip(-1) if is_mirrored else scaled_BCHW
            with torch.no_grad():
                answer = PARSER(seen_BCHW).prediction(PixelClassesPrediction).class_probability_BKhw
            answer = answer.flip(-1) if is_mirrored else answer
            answers.append(F.interpolate(answer, size=(24, 36), mode="bilinear"))
    wanted_HW = F.interpolate(sum(answers), size=(64, 96), mode="bilinear")[0].argmax(dim=0).numpy()
    answer = PARSER.parse(image_HWC, scales=(0.5, 1.5), flip=True)
    assert share_that_differs(answer.semantic, wanted_HW) < 1e-3


def test_one_scale_twice_is_that_scale() -> None:
    image_HWC = random_image(40, 56)
    once, twice = PARSER.parse(image_HWC, scales=(0.75,)), PARSER.parse(image_HWC, scales=(0.75, 0.75))
    assert share_that_differs(once.semantic, twice.semantic) < 1e-3


@pytest.mark.parametrize("size", [(120, 200), (200, 120), (4000, 2)], ids=str)
def test_working_side_limits_what_the_network_sees(size: tuple[int, int]) -> None:
    seen: list[tuple[int, int]] = []
    parser = tiny_parser(preprocessing={"working_side": 64})
    hook = parser.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[-2:])))
    image_HWC = random_image(*size)
    assert parser.parse(image_HWC).semantic.shape == size
    assert parser.parse(image_HWC, working_side=32).semantic.shape == size
    assert parser.parse(image_HWC, working_side=9000).semantic.shape == size
    assert parser.parse(image_HWC, scales=(0.5,)).semantic.shape == size
    hook.remove()
    assert [max(one) for one in seen] == [64, 32, max(size), 32]
    assert seen[2] == size


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 70_000), width=st.integers(1, 70_000), side=st.integers(1, 5000))
def test_working_size_keeps_shape_and_limit(height: int, width: int, side: int) -> None:
    answer = working_size((height, width), side)
    assert all(1 <= after <= before for after, before in zip(answer, (height, width)))
    assert max(answer) == min(side, max(height, width))
    scale = max(answer) / max(height, width)
    assert abs(answer[0] - height * scale) <= 1 and abs(answer[1] - width * scale) <= 1
    assert working_size((height, width), None) == (height, width)


def test_arrays_that_are_read_only_or_views() -> None:
    image_HWC = random_image(40, 56)
    wanted = PARSER.parse(image_HWC).semantic
    read_only = image_HWC.copy()
    read_only.setflags(write=False)
    upside_down = np.ascontiguousarray(image_HWC[::-1])[::-1]
    padded = np.zeros((60, 80, 4), dtype=np.uint8)
    padded[10:50, 12:68, :3] = image_HWC
    for same in (read_only, upside_down, np.asfortranarray(image_HWC), padded[10:50, 12:68, :3]):
        np.testing.assert_array_equal(PARSER.parse(same).semantic, wanted)
    np.testing.assert_array_equal(read_only, image_HWC)


@pytest.mark.parametrize(
    ("image", "got"),
    [
        (np.zeros((4, 4), np.uint8), r"\(4, 4\) uint8"),
        (np.zeros((4, 4, 4), np.uint8), r"\(4, 4, 4\) uint8"),
        (np.zeros((4, 4, 3), np.float32), r"\(4, 4, 3\) float32"),
        (np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\) uint8"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"\(1, 4, 4, 3\) uint8"),
        (torch.zeros(4, 4, 3, dtype=torch.uint8), "Tensor"),
        (None, "NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_images(image: object, got: str) -> None:
    match = f"an image must be an array H x W x 3 uint8 with pixels in it, but got {got} in x.jpg; convert it to RGB"
    with pytest.raises(BadInput, match=match):
        PARSER.parse(image, name="x.jpg")


@pytest.mark.parametrize(
    "scales", [(), (0.0,), (-1.0,), (1.0, float("nan")), (9.0,), (float("inf"),), 1.0, None], ids=str
)
def test_bad_scales(scales: object) -> None:
    with pytest.raises(BadInput, match=r"scales must be one or more numbers in \(0, 8\], but got"):
        PARSER.parse(random_image(8, 8), scales=scales)


@pytest.mark.parametrize("working_side", [0, -5])
def test_bad_working_side(working_side: int) -> None:
    with pytest.raises(BadInput, match=f"working_side must be at least 1 pixel, but got {working_side}; e.g. 480"):
        PARSER.parse(random_image(8, 8), working_side=working_side)


def test_tiny_scales_see_at_least_one_pixel() -> None:
    assert PARSER.parse(random_image(5, 3), scales=(0.01, 1.0), flip=True).semantic.shape == (5, 3)


def test_it_leaves_the_parser_as_it_was() -> None:
    parser = tiny_parser().train()
    before = {key: value.clone() for key, value in parser.state_dict().items()}
    parser.parse(random_image(40, 40))
    assert parser.training
    assert all(torch.equal(value, before[key]) for key, value in parser.state_dict().items())
    with pytest.raises(BadInput, match="scales"):
        parser.parse(random_image(40, 40), scales=())
    assert parser.training


def test_the_ignore_index_never_shows() -> None:
    # Even where every score is equal, or not a number.
    parser = tiny_parser()
    torch.nn.init.zeros_(parser.heads[0].classify.weight)
    assert np.unique(parser.parse(random_image(40, 40)).semantic).tolist() == [0]
    torch.nn.init.constant_(parser.heads[0].classify.bias, torch.nan)
    assert set(np.unique(parser.parse(random_image(40, 40)).semantic)) <= {0, 1, 2}


def test_parse_of_a_file_an_array_and_by_every_kind_of_parser(tmp_path: Path) -> None:
    image_HWC = random_image(33, 47)
    file = tmp_path / "my photograph.png"
    Image.fromarray(image_HWC).save(file)
    saved = save_parser(PARSER, tmp_path / "parser.safetensors")
    wanted = PARSER.parse(image_HWC).semantic
    for image in (file, str(file), image_HWC):
        for parser in (PARSER, saved, str(saved)):
            answer = parse(image, parser)
            np.testing.assert_array_equal(answer.semantic, wanted)
            assert answer.name == ("image" if isinstance(image, np.ndarray) else "my photograph")
    with pytest.raises(BadInput, match="absent.jpg"):
        parse(tmp_path / "absent.jpg", PARSER)


def test_preprocessing_must_make_sense() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        PreprocessingConfig(std=(0.0, 0.1, 0.1))
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        PreprocessingConfig(working_side=0)
