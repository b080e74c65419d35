"""Which concepts show which component of the labels: one row a component, its concepts beside it."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw

from mereo.drawing.lettering import INK, PAPER, drawable, font_of, shortened
from mereo.drawing.token_pictures import lit
from mereo.errors import BadInput
from mereo.losses.component_matching import match_components, matching_costs
from mereo.losses.concept_regions import ConceptRegions
from mereo.shapes import require_shapes

TILE_WIDTH, MAX_TILE_HEIGHT, GAP, LINE = 170, 240, 10, 20
MAX_ROWS, NUM_CONCEPTS = 8, 4


def draw_matching_with_labels(
    image_HWC: np.ndarray,
    probability_Khw: np.ndarray,
    label_HW: np.ndarray,
    *,
    class_names: Sequence[str],
    loss: ConceptRegions,
) -> np.ndarray:
    """H W 3 uint8: the components of a label map and the concepts that this loss gives them."""
    found = loss.components(torch.from_numpy(np.ascontiguousarray(label_HW)), size=probability_Khw.shape[1:])
    cost_KM = matching_costs(
        torch.from_numpy(probability_Khw), torch.from_numpy(found.mask_MHW), dice_weight=loss.dice_weight
    )
    concepts, components = match_components(cost_KM, total=loss.total)
    names = [class_names[index] for index in found.class_M]
    return draw_matching(image_HWC, probability_Khw, found.mask_MHW, concepts, components, names=names)


def draw_matching(
    image_HWC: np.ndarray,
    probability_Khw: np.ndarray,
    mask_Mhw: np.ndarray,
    concepts: np.ndarray,
    components: np.ndarray,
    *,
    names: Sequence[str],
) -> np.ndarray:
    """H W 3 uint8. `concepts[i]` was matched to `components[i]`; `names[m]` is the class of component m.

    A row: the component, the union of its concepts (what the loss compares), and the first of them. The 8 largest
    components are shown.
    """
    require_shapes(image_HWC=image_HWC, probability_Khw=probability_Khw, mask_Mhw=mask_Mhw)
    if len(names) != len(mask_Mhw):
        raise BadInput(f"names must be one a component, but got {len(names)} for {len(mask_Mhw)}; pass their classes.")
    height = min(MAX_TILE_HEIGHT, max(1, round(TILE_WIDTH * image_HWC.shape[0] / image_HWC.shape[1])))
    num_rows, columns = min(MAX_ROWS, max(1, len(mask_Mhw))), 2 + NUM_CONCEPTS
    cell_width, cell_height = TILE_WIDTH + GAP, height + LINE + GAP
    sheet = Image.new("RGB", (columns * cell_width + GAP, num_rows * cell_height + GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), font_of(14)
    if not len(mask_Mhw):
        pen.text((GAP, GAP), "no component: nothing is labelled", font=font, fill=INK)
    for m in range(min(MAX_ROWS, len(mask_Mhw))):
        mine = concepts[components == m]
        union_hw = 1 - np.prod(1 - probability_Khw[mine].astype(np.float64), axis=0)
        name = drawable(names[m], otherwise=f"component {m}")
        tiles = [(mask_Mhw[m], name), (union_hw, f"union of {len(mine)}")]
        tiles += [(probability_Khw[k], f"concept {k}") for k in mine[:NUM_CONCEPTS]]
        for column, (share_hw, words) in enumerate(tiles):
            x, y = GAP + column * cell_width, GAP + m * cell_height
            sheet.paste(lit(image_HWC, share_hw, size=(height, TILE_WIDTH)), (x, y))
            pen.text((x, y + height + 2), shortened(words, font, TILE_WIDTH), font=font, fill=INK)
    return np.asarray(sheet).copy()
