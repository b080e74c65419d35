"""What `mereo evaluate --levels` says on the terminal."""

from typing import TYPE_CHECKING, Any

from mereo.text_lines import printable

if TYPE_CHECKING:
    from mereo.evaluation.level_measures import LevelMeasures, PyramidCounts


def print_levels(measures: "LevelMeasures", console: Any) -> None:
    """Near borders; then, of a pyramid: who answers how much and how well, by pixels and by classes."""
    from mereo.evaluation.number_text import percent_text

    console.print(
        f"mIoU {percent_text(measures.band_mean_iou)} within {measures.band_pixels} px of a border, "
        f"{percent_text(measures.mean_iou)} on all pixels",
        soft_wrap=True,
    )
    pyramid = measures.pyramid
    if pyramid is None:
        console.print("no pyramid of levels: nothing more to tell of this parser", soft_wrap=True)
        return
    console.print("mIoU of the pixels assigned to cells of one size (columns), as another level answers them (rows)")
    console.print(_levels_table(pyramid))
    console.print("IoU of each class, and how far each level alone is from it")
    console.print(_classes_table(measures.class_names, pyramid))
    cells, pixels = measures.cells_per_image or 0.0, measures.pixels_per_cell or 0.0
    console.print(
        f"{cells:.0f} cells speak for an image: {percent_text(measures.share_of_finest_cells)} % of the finest grid's, "
        f"one for {pixels:.0f} pixels",
        soft_wrap=True,
    )


def _levels_table(pyramid: "PyramidCounts") -> Any:
    """Table 2c of the paper, with how many pixels each level has the say over."""
    from rich.table import Table

    from mereo.evaluation.level_measures import plain
    from mereo.evaluation.number_text import percent_text
    from mereo.metrics.confusion import mean_over_classes

    names = [f"{size} px" for size in pyramid.cell_sizes]
    table = Table("answered by", *names, "all pixels", box=None, pad_edge=False)
    alone = plain(mean_over_classes(pyramid.level_iou_LK))
    for name, row, whole in zip(names, plain(pyramid.mean_iou_LL.T), alone):
        table.add_row(name, *map(percent_text, row), percent_text(whole))
    fused = plain(pyramid.mean_iou_LL.diagonal())
    table.add_row("fused", *map(percent_text, fused), percent_text(plain(mean_over_classes(pyramid.fused_iou_K))))
    table.add_row("share of pixels", *map(percent_text, pyramid.pixel_shares), "")
    return table


def _classes_table(class_names: tuple[str, ...], pyramid: "PyramidCounts") -> Any:
    """Figure 3 of the paper: the fused IoU of each class, the most frequent first; how far each level is from it."""
    import numpy as np
    from rich.table import Table

    from mereo.evaluation.level_measures import plain
    from mereo.evaluation.number_text import percent_text

    table = Table("class", "fused", *(f"{size} px alone" for size in pyramid.cell_sizes), box=None, pad_edge=False)
    fused_K, levels_KL = plain(pyramid.fused_iou_K), plain(pyramid.level_iou_LK.T)
    true_K = pyramid.counts_LLK3[:, 0, :, 1].sum(axis=0)
    for index in np.argsort(-true_K, kind="stable").tolist():
        table.add_row(
            printable(class_names[index]),
            percent_text(fused_K[index]),
            *(_difference(iou, fused_K[index]) for iou in levels_KL[index]),
        )
    return table


def _difference(iou: float | None, fused: float | None) -> str:
    """
    >>> _difference(0.5, 0.625), _difference(None, 0.625)
    ('-12.50', 'n/a')
    """
    return "n/a" if iou is None or fused is None else f"{100 * (iou - fused):+.2f}"
