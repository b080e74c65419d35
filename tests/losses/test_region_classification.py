"""SR-Loss: cross-entropy of hand-pooled means, the same for any order of pixels, and the whole batch over processes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mereo import processes
from mereo.errors import BadInput
from mereo.losses.region_classification import RegionClassification, region_classification_loss

IGNORED = 255


def made(
    seed: int = 0, *, size: tuple[int, int] = (4, 5), batch: int = 3
) -> tuple[torch.Tensor, torch.Tensor, nn.Linear]:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(batch, 3, *size, generator=generator, dtype=torch.float64)
    label = torch.randint(0, 5, (batch, *size), generator=generator)
    label[label == 4] = IGNORED
    torch.manual_seed(seed)
    return features, label, nn.Linear(3, 4).double()


def loop_loss(
    features: torch.Tensor, label: torch.Tensor, classifier: nn.Linear, weight: torch.Tensor | None = None
) -> torch.Tensor:
    of_images = []
    for image, label_HW in zip(features, label, strict=True):
        terms = []
        for k in sorted(set(label_HW.flatten().tolist()) - {IGNORED}):
            mean = image[:, label_HW == k].mean(dim=1)  # equation 5
            terms.append(
                F.cross_entropy(classifier(mean)[None], torch.tensor([k])) * (1 if weight is None else weight[k])
            )
        if terms:
            of_images.append(sum(terms) / len(terms))  # equation 6
    return sum(of_images) / len(of_images) if of_images else torch.zeros((), dtype=features.dtype)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("is_weighted", [False, True])
def test_against_the_loop(seed: int, is_weighted: bool) -> None:
    features, label, classifier = made(seed)
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0]).double() if is_weighted else None
    loss = region_classification_loss(features, label, classifier, class_weight=weight)
    torch.testing.assert_close(
        loss, loop_loss(features, label, classifier, weight), check_dtype=False, rtol=1e-5, atol=1e-6
    )


def test_images_without_a_label_do_not_count() -> None:
    features, label, classifier = made()
    label[1] = IGNORED
    loss = region_classification_loss(features, label, classifier)
    torch.testing.assert_close(loss, loop_loss(features[[0, 2]], label[[0, 2]], classifier))
    features.requires_grad_()
    nothing = region_classification_loss(features, torch.full_like(label, IGNORED), classifier)
    nothing.backward()
    assert nothing == 0 and not features.grad.any() and not classifier.weight.grad.any()


def test_shuffled_pixels_of_a_region_change_nothing() -> None:
    features, label, classifier = made()
    flat, flat_label = features.flatten(2).clone(), label.flatten(1)
    for image, label_P in zip(flat, flat_label, strict=True):
        for k in range(4):
            where = (label_P == k).nonzero()[:, 0]
            image[:, where] = image[:, where[torch.randperm(len(where))]]
    shuffled = region_classification_loss(flat.view_as(features), label, classifier)
    torch.testing.assert_close(shuffled, region_classification_loss(features, label, classifier))


def test_ignored_pixels_get_no_gradient() -> None:
    features, label, classifier = made()
    features.requires_grad_()
    region_classification_loss(features, label, classifier).backward()
    is_ignored = (label == IGNORED)[:, None].expand_as(features)
    assert is_ignored.any() and not features.grad[is_ignored].any() and features.grad[~is_ignored].any()


def test_an_ignored_label_may_lie_among_the_classes() -> None:
    """As 255 does for more than 255 classes."""
    features, label, classifier = made()
    label[label == IGNORED] = 1
    asked = region_classification_loss(features, label, classifier, ignore_label=1)
    torch.testing.assert_close(asked, loop_loss(features, label.masked_fill(label == 1, IGNORED), classifier))


def test_gradcheck() -> None:
    features, label, classifier = made(size=(2, 3), batch=2)
    classifier = classifier.double()

    def loss(features: torch.Tensor) -> torch.Tensor:
        return region_classification_loss(features, label, classifier)

    assert torch.autograd.gradcheck(loss, (features.requires_grad_(),))


def test_larger_labels_are_resized_to_the_nearest() -> None:
    features, label, classifier = made()
    large = label.repeat_interleave(3, dim=1).repeat_interleave(3, dim=2)
    torch.testing.assert_close(
        region_classification_loss(features, large, classifier), region_classification_loss(features, label, classifier)
    )


def test_the_module_has_its_own_classifier() -> None:
    features, label, _ = made()
    loss = RegionClassification(width=3, num_classes=4, ignore_label=IGNORED)
    torch.testing.assert_close(
        loss(features.float(), label), region_classification_loss(features.float(), label, loss.classify)
    )
    assert {name for name, _ in loss.named_parameters()} == {"classify.weight", "classify.bias"}


def test_the_module_weighs_classes() -> None:
    features, label, _ = made()
    weight_K = torch.tensor([1.0, 2.0, 0.5, 3.0])
    loss = RegionClassification(width=3, num_classes=4, class_weight_K=weight_K, ignore_label=IGNORED)
    wanted = loop_loss(features.float(), label, loss.classify, weight_K)
    torch.testing.assert_close(loss(features.float(), label), wanted)
    assert set(loss.state_dict()) == {"classify.weight", "classify.bias"}  # Weights belong to the data.


def test_another_batch_is_refused() -> None:
    features, label, classifier = made()
    with pytest.raises(BadInput, match="axis B must have one size everywhere"):
        region_classification_loss(features, label[:2], classifier)


@pytest.mark.parametrize("value", [4, 7, -1, -3, 254])
@pytest.mark.parametrize("is_everywhere", [True, False])
def test_a_label_out_of_range_is_refused(value: int, is_everywhere: bool) -> None:
    """Also where resizing would pass it by."""
    features, label, classifier = made()
    large = label.repeat_interleave(3, dim=1).repeat_interleave(3, dim=2)
    large[slice(None) if is_everywhere else 1, 0, 0] = value
    if is_everywhere:
        large[:] = value
    wanted = rf"labels must lie in 0\.\.3 or be 255, but got {value}; run `mereo data check`"
    with pytest.raises(BadInput, match=wanted):
        region_classification_loss(features, large, classifier)


@pytest.mark.parametrize("shape", [(3,), (5,), (1,), (4, 4)], ids=str)
def test_weights_of_other_classes_are_refused(shape: tuple[int, ...]) -> None:
    features, label, classifier = made()
    wanted = (
        "class_weight_K must have 1 axes" if len(shape) > 1 else "axis K must have one size everywhere, but got 4 in"
    )
    with pytest.raises(BadInput, match=wanted):
        region_classification_loss(features, label, classifier, class_weight=torch.ones(shape))


@pytest.mark.parametrize("unlabelled", [(0,), (0, 1), (0, 1, 2, 3)], ids=str)
def test_two_processes_lose_what_one_loses(unlabelled: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each divides by the mean over processes: played here with the numbers that both would have sent."""
    features, label, classifier = made(batch=4)
    label[list(unlabelled)] = IGNORED

    def loss_and_gradient(images: slice) -> tuple[torch.Tensor, torch.Tensor]:
        values = features[images].clone().requires_grad_()
        loss = region_classification_loss(values, label[images], classifier)
        loss.backward()
        return loss.detach(), values.grad

    alone, gradient = loss_and_gradient(slice(0, 4))
    halves, sent = (slice(0, 2), slice(2, 4)), []
    monkeypatch.setattr(processes, "mean_over_processes", lambda value: sent.append(value.detach()) or value)
    for half in halves:
        loss_and_gradient(half)
    monkeypatch.setattr(processes, "mean_over_processes", lambda value: sum(sent) / 2)
    losses, gradients = zip(*map(loss_and_gradient, halves))
    # What data-parallel training does with losses and gradients: their mean over processes.
    torch.testing.assert_close(sum(losses) / 2, alone)
    torch.testing.assert_close(torch.cat(gradients) / 2, gradient)
