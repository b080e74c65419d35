"""Region classification (SR-Loss): the mean features of every true region must say its class.

Ding et al. 2021, "Interaction via bi-directional graph of semantic region affinity for scene parsing", section 3.3.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mereo.losses.checked_labels import checked_labels
from mereo.processes import over_whole_batch
from mereo.regions.hard_regions import mean_over_regions, membership
from mereo.shapes import require_shapes


def region_classification_loss(
    features_BCHW: Tensor,
    label_BHW: Tensor,
    classifier: Callable[[Tensor], Tensor],
    *,
    class_weight: Tensor | None = None,
    ignore_label: int = 255,
) -> Tensor:
    """Mean over images of (1 / K) sum_k w_k CE(classifier(mean features of class k), k), K classes in the image.

    Images without a labelled pixel do not count; 0 if there is none. `classifier` maps C features to class logits.
    Labels of another size are resized to the features' (nearest).
    """
    require_shapes(features_BCHW=features_BCHW, label_Bhw=label_BHW)
    logits_1K = classifier(features_BCHW.new_zeros(1, features_BCHW.shape[1]))
    if class_weight is not None:
        require_shapes(logits_1K=logits_1K, class_weight_K=class_weight)
    num_classes = logits_1K.shape[1]
    label_BHW, is_labelled_BHW = checked_labels(label_BHW, num_classes=num_classes, ignore_label=ignore_label)
    label_BHW = label_BHW.masked_fill(~is_labelled_BHW, -1)  # Of no region, also where the ignored label is a class's.
    if label_BHW.shape[-2:] != features_BCHW.shape[-2:]:
        resized = F.interpolate(label_BHW[:, None].float(), size=features_BCHW.shape[-2:], mode="nearest-exact")
        label_BHW = resized[:, 0].long()
    belongs_BKP = membership(label_BHW, num_classes)
    means_BKC, count_BK = mean_over_regions(features_BCHW, belongs_BKP)  # equation 5
    is_present_BK = count_BK > 0
    logits_BKK = classifier(means_BKC.to(features_BCHW.dtype)).to(means_BKC.dtype)  # float32 at least
    target_BK = torch.arange(num_classes, device=label_BHW.device).expand(len(label_BHW), -1)
    loss_BK = F.cross_entropy(logits_BKK.transpose(1, 2), target_BK, reduction="none")
    if class_weight is not None:
        loss_BK = loss_BK * class_weight.to(loss_BK.dtype)
    num_present_B = is_present_BK.sum(dim=1)
    of_image_B = (loss_BK * is_present_BK).sum(dim=1) / num_present_B.clamp(min=1)  # equation 6
    num_images = (num_present_B > 0).sum().to(of_image_B.dtype)
    return over_whole_batch(of_image_B.sum(), num_images)


class RegionClassification(nn.Module):
    """The loss with its classifier, which only training needs. `class_weight_K` is a buffer."""

    class_weight_K: Tensor | None

    def __init__(
        self, *, width: int, num_classes: int, class_weight_K: Tensor | None = None, ignore_label: int = 255
    ) -> None:
        super().__init__()
        self.register_buffer("class_weight_K", class_weight_K, persistent=False)
        self.classify = nn.Linear(width, num_classes)
        self.ignore_label = ignore_label

    def forward(self, features_BCHW: Tensor, label_BHW: Tensor) -> Tensor:
        return region_classification_loss(
            features_BCHW,
            label_BHW,
            self.classify,
            class_weight=self.class_weight_K,
            ignore_label=self.ignore_label,
        )
