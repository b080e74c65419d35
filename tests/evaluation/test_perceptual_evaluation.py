"""Every task over samples with some labels each: against torchmetrics, and against loops over names."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from test_token_evaluation import Samples
from tiny_parser import random_image, taxonomy_of, tiny_parser
from tiny_perceptual_parser import tiny_perceptual_parser

from mereo.assembly.parse import Parse
from mereo.data.drawn_scenes import draw_scene, drawn_taxonomy
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.evaluate import evaluate, pixels_of
from mereo.evaluation.labelled_samples import SamplesWithObjects
from mereo.evaluation.perceptual_evaluation import PerceptualCounts, evaluate_perceptual
from mereo.evaluation.perceptual_measures import ImageTask, PerceptualMeasures, PixelTask

DRAWN = drawn_taxonomy()


def drawn(index: int, **changes: Any) -> Sample:
    return replace(draw_scene(3, index, size=(40, 56)), **changes)


# As joined sources are: one has materials alone, one a texture alone, one everything but parts.
SAMPLES = Samples(
    drawn(0),
    drawn(1, semantic_HW=None, parts_HW=None, scene=None),
    drawn(2, parts_HW=None),
    drawn(3, texture=4),
    drawn(4),
    Sample(name="surface", image_CHW=as_image(random_image(30, 30)), texture=2),
    taxonomy=DRAWN,
)


def joined(maps: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([one.ravel() for one in maps]).astype(np.int64))


def parses(parser: Any) -> list[Parse]:
    return [parser.parse(pixels_of(sample)) for sample in SAMPLES.samples]


def test_objects_and_materials_are_those_of_torchmetrics() -> None:
    parser = tiny_perceptual_parser()
    seen: list[tuple[int, int]] = []
    found = evaluate_perceptual(parser, SAMPLES, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6) and found.num_images == 6
    answers = parses(parser)
    for task, label, said, number, images in (
        (found.objects, "semantic_HW", "semantic", 24, 4),
        (found.materials, "material_HW", "materials", 16, 5),
    ):
        labelled = [at for at, one in enumerate(SAMPLES.samples) if getattr(one, label) is not None]
        true_N = joined([np.asarray(getattr(SAMPLES[at], label)) for at in labelled])
        said_N = joined([getattr(answers[at], said) for at in labelled])
        options = {"num_classes": number, "ignore_index": 255}
        iou_K = MulticlassJaccardIndex(average="none", **options)(said_N, true_N)
        is_there_K = torch.zeros(number, dtype=torch.bool)
        is_there_K[true_N[true_N != 255].unique()] = is_there_K[said_N[true_N != 255].unique()] = True
        assert task is not None and task.num_images == images
        assert task.mean_iou == pytest.approx(float(iou_K[is_there_K].mean()), rel=1e-5)
        accuracy = MulticlassAccuracy(average="micro", **options)(said_N, true_N)
        assert task.pixel_accuracy == pytest.approx(float(accuracy), rel=1e-5)


def test_objects_are_those_of_the_plain_evaluation() -> None:
    parser = tiny_perceptual_parser()
    with_objects = SamplesWithObjects(SAMPLES)
    assert len(with_objects) == 4 and [with_objects[at].name for at in (1, 3)] == [SAMPLES[2].name, SAMPLES[4].name]
    plain, found = evaluate(parser, with_objects), evaluate_perceptual(parser, SAMPLES)
    assert found.objects is not None
    np.testing.assert_array_equal(found.objects.counts_K3, plain.region_counts_K3)
    assert found.objects.mean_iou == plain.mean_iou and found.objects.pixel_accuracy == plain.pixel_accuracy


def test_parts_by_a_loop_over_names() -> None:
    """A class is an object's part, or its rest; the answer needs the right object as well."""
    parser = tiny_perceptual_parser()
    found, answers = evaluate_perceptual(parser, SAMPLES).parts, parses(parser)
    counts: dict[str, list[int]] = {}
    right = total = 0
    for sample, answer in zip(SAMPLES.samples, answers):
        if sample.semantic_HW is None or sample.parts_HW is None:
            continue
        true = [np.asarray(sample.semantic_HW).ravel(), np.asarray(sample.parts_HW).ravel()]
        named = {DRAWN.object_names[k] for k, p in zip(*true) if p != 255}
        said = [answer.semantic.ravel(), answer.parts.ravel()]
        for label, word in zip(names_of(*true), names_of(*said)):
            if label is None or label.split(": ")[0] not in named:
                continue
            total, right = total + 1, right + (label == word)
            counts.setdefault(label, [0, 0, 0])[1] += 1
            if word is not None:
                counts.setdefault(word, [0, 0, 0])[2] += 1
            counts[label][0] += label == word
    ious = [inter / (truth + predicted - inter) for inter, truth, predicted in counts.values()]
    assert found is not None and found.num_images == 3 and found.pixel_accuracy == pytest.approx(right / total)
    assert found.mean_iou == pytest.approx(np.mean(ious))
    by_name = {name: counts_3.tolist() for name, counts_3 in zip(found.class_names, found.counts_K3) if counts_3.any()}
    assert by_name == counts and any(name.endswith(": rest") for name in counts)


def names_of(semantic_P: np.ndarray, parts_P: np.ndarray) -> list[str | None]:
    assert DRAWN.parts is not None
    names: list[str | None] = []
    for thing, part in zip(semantic_P, parts_P):
        owner = DRAWN.object_names[thing] if thing != 255 else ""
        if not DRAWN.parts_of(owner):
            names.append(None)
        else:
            names.append(f"{owner}: {'rest' if part == 255 else DRAWN.parts.names[part]}")
    return names


def test_scenes_and_textures_are_those_of_torchmetrics() -> None:
    """Balanced accuracy is the macro mean over the classes that are true somewhere."""
    true, said = [0, 0, 0, 1, 1, 3, 0], [0, 0, 1, 1, 0, 1, 0]
    words = LabelTable(("a", "b", "c", "d"))
    taxonomy = Taxonomy("t", LabelTable(("x",)), scenes=words, textures=words)
    counts = PerceptualCounts(taxonomy)
    image_HWC = random_image(4, 4)
    for label, word in zip(true, said):
        sample = Sample(name="s", image_CHW=as_image(image_HWC), scene=label, texture=3 - label)
        counts.add(sample, Parse(image_HWC, np.zeros((4, 4), np.int32), taxonomy, scene=word, image_texture=3 - word))
    counts.add(  # Without a label: it counts for nothing.
        Sample(name="s", image_CHW=as_image(image_HWC)), Parse(image_HWC, np.zeros((4, 4), np.int32), taxonomy, scene=2)
    )
    found = counts.measures()
    given = torch.tensor(said), torch.tensor(true)
    top_1 = float(MulticlassAccuracy(num_classes=4, average="micro")(*given))
    recall_K = MulticlassAccuracy(num_classes=4, average="none")(*given)
    assert found.scenes is not None and found.textures is not None and found.num_images == 8
    assert found.scenes.num_images == 7 and found.scenes.accuracy == pytest.approx(top_1)
    assert found.scenes.balanced_accuracy == pytest.approx(float(recall_K[[0, 1, 3]].mean()))
    assert found.scenes.majority_accuracy == pytest.approx(4 / 7)
    assert found.textures.measures == pytest.approx(found.scenes.measures)
    assert [row[0] for row in found.scenes.rows()] == ["a", "b", "d"]


def test_of_a_parser() -> None:
    parser = tiny_perceptual_parser()
    found, answers = evaluate_perceptual(parser, SAMPLES), parses(parser)
    scenes = [one.scene == answer.scene for one, answer in zip(SAMPLES.samples, answers) if one.scene is not None]
    textures = [
        one.texture == answer.image_texture for one, answer in zip(SAMPLES.samples, answers) if one.texture is not None
    ]
    assert found.scenes is not None and found.scenes.accuracy == pytest.approx(np.mean(scenes))
    assert found.textures is not None and found.textures.accuracy == pytest.approx(np.mean(textures))
    assert (found.scenes.num_images, found.textures.num_images) == (4, 2)
    headlines = [
        found.objects.mean_iou, found.parts.mean_iou, found.materials.mean_iou, found.scenes.accuracy,
        found.textures.accuracy,
    ]  # fmt: skip
    assert found.score == pytest.approx(np.mean(headlines))


def test_the_order_of_images_does_not_matter() -> None:
    parser = tiny_perceptual_parser()
    turned = Samples(*reversed(SAMPLES.samples), taxonomy=DRAWN)
    assert evaluate_perceptual(parser, turned).summary() == evaluate_perceptual(parser, SAMPLES).summary()


def test_tasks_that_nobody_labels_or_answers() -> None:
    only_objects = replace(drawn(0), parts_HW=None, material_HW=None, scene=None)
    found = evaluate_perceptual(tiny_perceptual_parser(), Samples(only_objects, taxonomy=DRAWN))
    assert list(found.tasks) == ["objects"]
    found = evaluate_perceptual(tiny_perceptual_parser(tasks=["scenes"]), SAMPLES)
    assert list(found.tasks) == ["objects", "scenes"]
    nothing = evaluate_perceptual(
        tiny_perceptual_parser(), Samples(Sample(name="n", image_CHW=as_image(random_image(9, 9))), taxonomy=DRAWN)
    )
    assert nothing.tasks == {} and nothing.score == 0.0 and nothing.summary() == {}


def test_counts_of_nothing() -> None:
    pixels, images = PixelTask(("a",), 1, np.zeros((1, 3), np.int64)), ImageTask(("a",), np.zeros((1, 2), np.int64))
    assert set({**pixels.measures, **images.measures}.values()) == {None}
    assert PerceptualMeasures(1, objects=pixels, scenes=images).score == 0.0
    assert list(pixels.rows()) == list(images.rows()) == []


def test_refusals() -> None:
    parser = tiny_perceptual_parser()
    with pytest.raises(BadInput, match="samples must hold at least one image, but got none"):
        evaluate_perceptual(parser, Samples(taxonomy=DRAWN))
    with pytest.raises(BadInput, match="parser and data must have the same classes"):
        evaluate_perceptual(parser, Samples(drawn(0), taxonomy=taxonomy_of("a")))
    fewer = replace(DRAWN, materials=LabelTable(("brick",)))
    with pytest.raises(BadInput, match="must have the same materials, but got 16 in the parser and 1 in the data"):
        evaluate_perceptual(parser, Samples(drawn(0), taxonomy=fewer))
    other = replace(DRAWN, part_owners=(("car",), *DRAWN.part_owners[1:]))
    with pytest.raises(BadInput, match="must have the same parts, but got 31 in the parser and 31 in the data, or"):
        evaluate_perceptual(parser, Samples(drawn(0), taxonomy=other))
    bad = replace(drawn(0), material_HW=as_mask(np.full((40, 56), 99)))
    with pytest.raises(BadInput, match="image room_|image street_|image field_.*: label_HW must hold ids 0 to 15"):
        evaluate_perceptual(parser, Samples(bad, taxonomy=DRAWN))


def test_a_parser_of_objects_alone_can_be_measured_so() -> None:
    found = evaluate_perceptual(tiny_parser(taxonomy=DRAWN), Samples(drawn(0), taxonomy=DRAWN))
    assert list(found.tasks) == ["objects"]
