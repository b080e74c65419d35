"""How many training pixels each class has, counted once and cached; and the class weights that follow from it."""

import torch
from torch import Tensor

from mereo.data.cached_counts import cached_counts
from mereo.data.joined_samples import JoinedSamples, sources_with_objects
from mereo.data.sample import Samples
from mereo.errors import BadInput


def class_histogram(samples: Samples) -> Tensor:
    """Pixels a class (int64), from the cache if these very files were counted before.

    Of joined sources those count that label objects, each with a cache of its own.
    """
    if isinstance(samples, JoinedSamples) and (sources := sources_with_objects(samples)):
        return torch.stack([class_histogram(source) for source in sources]).sum(dim=0)
    return cached_counts(samples, "histograms", (samples.taxonomy.num_objects,), lambda: count_pixels(samples))


def count_pixels(samples: Samples) -> Tensor:
    num_classes = samples.taxonomy.num_objects
    pixels_K = torch.zeros(num_classes, dtype=torch.int64)
    for index in range(len(samples)):
        semantic_HW = samples[index].semantic_HW
        if semantic_HW is None:
            raise BadInput(
                f"samples must have semantic labels, but got none in {samples[index].name}; check the folder."
            )
        labelled_P = semantic_HW[semantic_HW != samples.taxonomy.ignore_index].as_subclass(Tensor).long()
        if len(labelled_P) and not 0 <= int(labelled_P.min()) <= int(labelled_P.max()) < num_classes:
            raise BadInput(
                f"labels must be 0 to {num_classes - 1} or ignored, but got {int(labelled_P.min())} to "
                f"{int(labelled_P.max())} in {samples[index].name}; mend the reader or the taxonomy."
            )
        pixels_K += torch.bincount(labelled_P, minlength=num_classes)
    return pixels_K


def class_weights(pixels_K: Tensor, *, power: float) -> Tensor:
    """frequency ** -power, scaled so that the mean over classes that occur is 1; a class that never occurs gets 1.

    >>> class_weights(torch.tensor([100, 400, 0]), power=0.5)
    tensor([1.3333, 0.6667, 1.0000])
    """
    occurs_K = pixels_K > 0
    if not bool(occurs_K.any()):
        raise BadInput("training labels must hold at least one labelled pixel, but got none; check the ignored ids.")
    weight_K = pixels_K.double().clamp(min=1) ** -power
    weight_K = weight_K / weight_K[occurs_K].mean()
    return torch.where(occurs_K, weight_K, torch.ones_like(weight_K)).float()
