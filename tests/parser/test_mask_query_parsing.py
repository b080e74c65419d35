"""Parsing with heads of mask queries: labels, confidence, tiles, scales, instances, temperature, files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_mask_parser import HEADS, TAXONOMY, mask_parser
from tiny_parser import random_image

from mereo.assembly.panoptic_segments import panoptic_map
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import Taxonomy
from mereo.evaluation.evaluate import evaluate
from mereo.evaluation.temperature_fit import fit_temperature
from mereo.heads.mask_queries import MaskQueriesPrediction
from mereo.parser.weights import load, save_parser


@pytest.mark.parametrize("head", HEADS)
class TestSemantic:
    def test_labels_are_the_winners_of_the_scores(self, head: str) -> None:
        parser, image_HWC = mask_parser(head), random_image(40, 56)
        parse = parser.parse(image_HWC, with_confidence=True)
        with torch.no_grad():
            prediction = parser(torch.from_numpy(image_HWC).permute(2, 0, 1)[None]).prediction(MaskQueriesPrediction)
        probability_BKHW = torch.nn.functional.interpolate(
            prediction.class_probability_BKhw, size=(40, 56), mode="bilinear", align_corners=False
        )
        chosen_HW = probability_BKHW[0].gather(0, torch.from_numpy(parse.semantic).long()[None])[0]
        assert torch.allclose(chosen_HW, probability_BKHW[0].amax(dim=0), atol=1e-6)
        assert len(parse.names_found) > 1
        assert parse.confidence is not None and parse.instances is None
        np.testing.assert_allclose(parse.confidence, probability_BKHW[0].amax(dim=0).numpy(), atol=1e-3)
        assert 1 / 3 - 1e-3 <= parse.confidence.min() <= parse.confidence.max() <= 1

    def test_scales_flip_and_tiles(self, head: str) -> None:
        parser, image_HWC = mask_parser(head), random_image(130, 200)
        for options in ({"scales": (0.5, 1.0)}, {"flip": True}, {"tile": 64}):
            parse = parser.parse(image_HWC, with_confidence=True, **options)
            assert parse.semantic.shape == (130, 200)
            assert parse.confidence is not None
            assert 0 <= parse.confidence.min() <= parse.confidence.max() <= 1

    @pytest.mark.parametrize("size", [(1, 1), (33, 129)], ids=str)
    def test_odd_sizes(self, head: str, size: tuple[int, int]) -> None:
        assert mask_parser(head).parse(random_image(*size)).semantic.shape == size

    def test_its_file_answers_the_same(self, head: str, tmp_path: Path) -> None:
        parser = mask_parser(head, answers="panoptic", least_score=0.3)
        loaded = load(save_parser(parser, tmp_path / "parser.safetensors"))
        first, second = (one.parse(random_image(40, 56)) for one in (parser, loaded))
        assert np.array_equal(first.semantic, second.semantic)
        assert first.instances is not None and second.instances is not None
        assert np.array_equal(first.instances, second.instances)

    def test_evaluation_and_temperature(self, head: str) -> None:
        parser, samples = mask_parser(head), TwoSamples()
        evaluation = evaluate(parser, samples, with_confidence=True)
        assert evaluation.confusion_KK.sum() == 2 * 40 * 56
        assert evaluation.reliability_B3 is not None
        fitted = fit_temperature(parser, samples)
        assert fitted.temperature > 0


class TwoSamples:
    taxonomy = TAXONOMY
    names = ["a", "b"]
    fingerprint = "two"

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Sample:
        label_HW = np.arange(40 * 56).reshape(40, 56) // 800
        return Sample(self.names[index], as_image(random_image(40, 56, seed=index)), semantic_HW=as_mask(label_HW))


@pytest.mark.parametrize("head", HEADS)
class TestPanoptic:
    def test_a_pixel_of_an_instance_has_its_class(self, head: str) -> None:
        parser = mask_parser(head, answers="panoptic", least_score=0.3, least_kept_share=0.2)
        parse = parser.parse(random_image(40, 56), with_confidence=True)
        assert parse.instances is not None
        assert parse.instances.max() >= 1, "the draw must show an instance"
        for number in range(1, int(parse.instances.max()) + 1):
            classes = np.unique(parse.semantic[parse.instances == number])
            assert classes.tolist() == [2]
        assert [one.name for one in parse.segments if one.instance_id] == ["car"] * int(parse.instances.max())
        assert panoptic_map(parse).segments

    def test_confidence_is_that_of_the_class_that_is_told(self, head: str) -> None:
        parser = mask_parser(head, answers="panoptic", least_score=0.3, least_kept_share=0.2)
        image_HWC = random_image(40, 56)
        for parser.temperature in (1.0, 2.0):
            parse = parser.parse(image_HWC, with_confidence=True)
            with torch.no_grad():
                answers = parser(torch.from_numpy(image_HWC).permute(2, 0, 1)[None])
            probability_1KHW = torch.nn.functional.interpolate(
                answers.prediction(MaskQueriesPrediction).class_probability_BKhw, size=(40, 56), mode="bilinear"
            )
            share_KHW = (probability_1KHW[0].log() / parser.temperature).softmax(dim=0)
            wanted_HW = share_KHW.gather(0, torch.from_numpy(parse.semantic).long()[None])[0]
            assert parse.confidence is not None
            np.testing.assert_allclose(parse.confidence, wanted_HW.numpy(), atol=2e-3)

    def test_without_things_there_are_no_instances(self, head: str) -> None:
        stuff = Taxonomy("tiny", TAXONOMY.objects)
        assert mask_parser(head, taxonomy=stuff, answers="panoptic").parse(random_image(40, 56)).instances is None

    def test_several_passes_answer_classes_alone(self, head: str) -> None:
        parser = mask_parser(head, answers="panoptic")
        assert parser.parse(random_image(40, 56), flip=True).instances is None
        # In tiles there is a plain pass a tile, which tells them apart.
        assert parser.parse(random_image(70, 80), tile=64).instances is not None
