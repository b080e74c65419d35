"""A temperature for a parser, fitted on labelled images that it was not trained on; and what that betters, honestly.

Not all pixels are needed: some of each image, drawn by counting, whose scores are held (at most `MAX_NUMBERS` of them,
however many images there are). A temperature that is measured on the images that it was fitted on looks better than it
is. So one is also fitted on every other image and measured on those between; the parser gets the one of all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mereo.assembly.upsampled_labels import scores_at
from mereo.counter_random import counter_generator
from mereo.data.sample import Samples
from mereo.errors import BadInput
from mereo.evaluation.evaluate import pixels_of, require_same_classes, semantic_labels
from mereo.freed_memory import image_done
from mereo.metrics.calibration import expected_calibration_error, reliability_counts
from mereo.metrics.temperature import confidence_at, fitted_temperature
from mereo.parser.asking.answering import answering, seen_size
from mereo.parser.asking.image_scores import image_scores
from mereo.parser.scene_parser import SceneParser

MAX_NUMBERS = 2**23  # 32 MB of float32.
MAX_PIXELS_AN_IMAGE = 2000
DECIMALS = 4  # More would only look exact.
SMALLEST_PROBABILITY = 1e-30


@dataclass(frozen=True, eq=False)
class ScoreSample:
    """Scores of all classes (float32) at some labelled pixels, their labels, and the number of each pixel's image."""

    logits_NK: np.ndarray
    label_N: np.ndarray
    image_N: np.ndarray

    def part(self, is_in_N: np.ndarray) -> "ScoreSample":
        return ScoreSample(self.logits_NK[is_in_N], self.label_N[is_in_N], self.image_N[is_in_N])

    def reliability(self, temperature: float) -> np.ndarray:
        """As `reliability_counts` (B 3)."""
        predicted_N = self.logits_NK.argmax(axis=1)
        confidence_N = confidence_at(self.logits_NK, temperature)
        return reliability_counts(self.label_N[None], predicted_N[None], confidence_N[None], ignore_index=None)


@dataclass(frozen=True, eq=False)
class HalvesCheck:
    """Fitted on the even images, measured on the odd ones, which that temperature has not seen."""

    temperature: float
    error_before: float
    error_after: float


@dataclass(frozen=True, eq=False)
class TemperatureFit:
    """`temperature` is fitted on all images; errors are expected calibration errors, fractions.

    `halves` is None for a single image (or a half without a label).
    """

    temperature: float
    temperature_before: float
    before_B3: np.ndarray
    after_B3: np.ndarray
    halves: HalvesCheck | None
    num_pixels: int

    @property
    def error_before(self) -> float:
        return expected_calibration_error(self.before_B3)

    @property
    def error_after(self) -> float:
        """On the images of the fit: optimistic."""
        return expected_calibration_error(self.after_B3)


def fit_temperature(
    parser: SceneParser,
    samples: Samples,
    *,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> TemperatureFit:
    """The temperature that makes the parser's confidences come true on these samples. The parser is not changed."""
    sample = sampled_scores(parser, samples, scales=scales, flip=flip, seed=seed, progress=progress)
    return fit_of(sample, temperature_before=parser.temperature)


def fit_of(sample: ScoreSample, *, temperature_before: float = 1.0) -> TemperatureFit:
    temperature = round(fitted_temperature(*_fields(sample)), DECIMALS)
    is_even_N = sample.image_N % 2 == 0
    halves = None
    if is_even_N.any() and not is_even_N.all():
        of_even = round(fitted_temperature(*_fields(sample.part(is_even_N))), DECIMALS)
        odd = sample.part(~is_even_N)
        before, after = (expected_calibration_error(odd.reliability(one)) for one in (temperature_before, of_even))
        halves = HalvesCheck(of_even, before, after)
    return TemperatureFit(
        temperature=temperature,
        temperature_before=temperature_before,
        before_B3=sample.reliability(temperature_before),
        after_B3=sample.reliability(temperature),
        halves=halves,
        num_pixels=len(sample.label_N),
    )


@torch.inference_mode()
def sampled_scores(
    parser: SceneParser,
    samples: Samples,
    *,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    seed: int = 0,
    max_numbers: int = MAX_NUMBERS,
    progress: Callable[[int, int], None] | None = None,
) -> ScoreSample:
    """Scores as the parser compares them at the images' own size; for several scales the logarithm of their mean.

    Every image gives the same number of pixels; of more images than there is room for, some are left out evenly.
    """
    require_same_classes(parser.taxonomy, samples.taxonomy)
    num_images, ignore_index = len(samples), samples.taxonomy.ignore_index
    room = max(1, max_numbers // samples.taxonomy.num_objects)
    step = -(-num_images // room)
    num_pixels = min(MAX_PIXELS_AN_IMAGE, max(1, room * step // max(1, num_images)))
    logits: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    images: list[np.ndarray] = []
    with answering(parser):
        for index in range(0, num_images, max(1, step)):
            sample = samples[index]
            label_P = semantic_labels(sample).ravel()
            labelled = torch.from_numpy(np.flatnonzero(label_P != ignore_index))
            if len(labelled):
                generator = counter_generator(seed, "temperature", index)
                pixel_N = labelled[torch.randint(len(labelled), (num_pixels,), generator=generator)]
                logits.append(_scores_at_pixels(parser, pixels_of(sample), pixel_N, scales, flip))
                labels.append(label_P[pixel_N.numpy()])
                images.append(np.full(num_pixels, index // step))
            image_done()
            if progress is not None:
                progress(index + 1, num_images)
    if not logits:
        raise BadInput(
            f"samples must hold labelled pixels to fit a temperature, but got none in {num_images} images; "
            "check folder, split and label table."
        )
    return ScoreSample(np.concatenate(logits), np.concatenate(labels), np.concatenate(images))


def _scores_at_pixels(
    parser: SceneParser, image_HWC: np.ndarray, pixel_N: torch.Tensor, scales: Sequence[float], flip: bool
) -> np.ndarray:
    size = (image_HWC.shape[0], image_HWC.shape[1])
    found = image_scores(parser, image_HWC, seen_size(parser, image_HWC), scales, flip)
    scores_NK = scores_at(found.scores_Khw, size, pixel_N // size[1], pixel_N % size[1])
    if found.are_probabilities:
        scores_NK = scores_NK.clamp(min=SMALLEST_PROBABILITY).log()
    return scores_NK.cpu().numpy()


def _fields(sample: ScoreSample) -> tuple[np.ndarray, np.ndarray]:
    return sample.logits_NK, sample.label_N
