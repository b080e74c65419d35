"""Pixel cross-entropy with class weights and an ignored label."""

from torch import Tensor, nn

from mereo.losses.checked_labels import checked_labels
from mereo.losses.map_cross_entropy import map_cross_entropy
from mereo.losses.summed_loss import at_size_of
from mereo.processes import over_whole_batch
from mereo.shapes import require_shapes


def pixel_cross_entropy(
    logits_BKHW: Tensor,
    label_BHW: Tensor,
    *,
    class_weight_K: Tensor | None = None,
    ignore_label: int = 255,
    hardest_share: float = 1.0,
) -> Tensor:
    """sum_p w[y_p] * -log softmax(x_p)[y_p] / sum_p w[y_p] over pixels with a label; 0 where there is none.

    With several processes the denominator is that of the whole batch. `hardest_share` < 1 keeps, of each batch, only
    that share of labelled pixels with the largest loss (online hard pixel mining).
    """
    named = {} if class_weight_K is None else {"class_weight_K": class_weight_K}
    require_shapes(logits_BKHW=logits_BKHW, label_BHW=label_BHW, **named)
    label_BHW, is_labelled_BHW = checked_labels(label_BHW, num_classes=logits_BKHW.shape[1], ignore_label=ignore_label)
    loss_BHW = map_cross_entropy(
        logits_BKHW, label_BHW, class_weight_K=class_weight_K, ignore_label=ignore_label, reduction="none"
    )
    if class_weight_K is None:
        weight_BHW = is_labelled_BHW.to(loss_BHW.dtype)
    else:
        weight_BHW = class_weight_K.to(loss_BHW.dtype)[label_BHW.masked_fill(~is_labelled_BHW, 0)] * is_labelled_BHW
    if hardest_share < 1:
        num_kept = max(1, int(hardest_share * int(is_labelled_BHW.sum())))
        threshold = loss_BHW.detach().flatten().topk(num_kept).values[-1]
        is_hard_BHW = (loss_BHW.detach() >= threshold) & is_labelled_BHW
        loss_BHW, weight_BHW = loss_BHW * is_hard_BHW, weight_BHW * is_hard_BHW
    return over_whole_batch(loss_BHW.sum(), weight_BHW.sum())


class PixelCrossEntropy(nn.Module):
    """The function as a module; upsamples logits to the label's size first. `class_weight_K` is a buffer."""

    class_weight_K: Tensor | None

    def __init__(
        self, *, class_weight_K: Tensor | None = None, ignore_label: int = 255, hardest_share: float = 1.0
    ) -> None:
        super().__init__()
        self.register_buffer("class_weight_K", class_weight_K, persistent=False)
        self.ignore_label = ignore_label
        self.hardest_share = hardest_share

    def forward(self, logits_BKhw: Tensor, label_BHW: Tensor) -> Tensor:
        return pixel_cross_entropy(
            at_size_of(logits_BKhw, label_BHW),
            label_BHW,
            class_weight_K=self.class_weight_K,
            ignore_label=self.ignore_label,
            hardest_share=self.hardest_share,
        )
