"""Canvas: one call paints the image and every label map. What lies in the maps is what was painted last."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from mereo.data.drawn.labels import INSTANCE_SHIFT, Label, drawn_taxonomy, label_code

GROUND_OBJECTS = ("road", "pavement", "grass", "floor")


@dataclass(frozen=True)
class LabelMaps:
    """Class indices (int32), the ignore index where a table says nothing of a pixel. Instances: 1, 2, ... (0: none)."""

    semantic_HW: np.ndarray
    instances_HW: np.ndarray
    parts_HW: np.ndarray
    material_HW: np.ndarray
    texture_HW: np.ndarray


class Canvas:
    """Painter's order with soft edges: a pixel gets the label of a patch that covers at least half of it."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.image_HW3 = np.zeros((height, width, 3), dtype=np.float32)
        self.code_HW = np.zeros((height, width), dtype=np.int64)

    def paint(
        self,
        left: int,
        top: int,
        alpha_HW: np.ndarray,
        rgb_HW3: np.ndarray,
        label: Label,
        material: str | None,
        texture: str,
    ) -> None:
        """`alpha_HW` says how much of each pixel the patch covers; its corner lies at (`left`, `top`)."""
        rows = slice(top, top + alpha_HW.shape[0])
        columns = slice(left, left + alpha_HW.shape[1])
        image_HW3 = self.image_HW3[rows, columns]
        image_HW3 += alpha_HW[..., None] * (rgb_HW3.astype(np.float32, copy=False) - image_HW3)
        self.code_HW[rows, columns][alpha_HW >= 0.5] = label_code(label, material, texture)

    def paint_pixels(
        self,
        row_P: np.ndarray,
        column_P: np.ndarray,
        alpha_P: np.ndarray,
        rgb_P3: np.ndarray,
        label: Label,
        material: str | None,
        texture: str,
    ) -> None:
        """The same for some pixels, each named once."""
        pixel_P = row_P * self.width + column_P
        image_P3 = self.image_HW3.reshape(-1, 3)
        below_P3 = image_P3.take(pixel_P, axis=0)
        image_P3[pixel_P] = below_P3 + alpha_P[:, None] * (rgb_P3.astype(np.float32, copy=False) - below_P3)
        self.code_HW.reshape(-1)[pixel_P[alpha_P >= 0.5]] = label_code(label, material, texture)

    def fill(self, rgb: np.ndarray, label: Label, material: str | None, texture: str) -> None:
        self.image_HW3[:] = rgb
        self.code_HW[:] = label_code(label, material, texture)

    def shade_ground(self, polygon_N2: np.ndarray, *, strength: float, softness_pixels: float) -> None:
        """A soft shadow: darkens ground inside the polygon and changes no label."""
        margin = int(3 * softness_pixels) + 1
        found = self.coverage(polygon_N2, margin=margin)
        if found is None:
            return
        left, top, alpha_HW = found
        if softness_pixels >= 0.3:
            soft = Image.fromarray(np.rint(alpha_HW * 255).astype(np.uint8)).filter(
                ImageFilter.GaussianBlur(softness_pixels)
            )
            alpha_HW = np.asarray(soft, dtype=np.float32) / 255
        rows, columns = slice(top, top + alpha_HW.shape[0]), slice(left, left + alpha_HW.shape[1])
        is_ground_HW = _ground_lookup()[self.code_HW[rows, columns] & 255]
        darkening_HW = 1 - strength * alpha_HW * is_ground_HW
        # Shadows outdoors are lit by the blue sky, so red fades most.
        self.image_HW3[rows, columns] *= darkening_HW[..., None] ** np.array([1.08, 1.0, 0.9], dtype=np.float32)

    def coverage(self, polygon_N2: np.ndarray, *, margin: int = 0) -> tuple[int, int, np.ndarray] | None:
        """How much of each pixel lies inside a polygon in pixels: (left, top, alpha_HW), None if it is not in view."""
        low, high = polygon_N2.min(axis=0), polygon_N2.max(axis=0)
        left, top = max(int(np.floor(low[0])) - margin, 0), max(int(np.floor(low[1])) - margin, 0)
        right = min(int(np.ceil(high[0])) + margin, self.width)
        bottom = min(int(np.ceil(high[1])) + margin, self.height)
        if right <= left or bottom <= top:
            return None
        width, height = right - left, bottom - top
        fine = 4 if width * height < 20_000 else 2
        mask = Image.new("L", (width * fine, height * fine))
        # Pillow also paints the pixels on the outline, so shapes come out about a tenth of a pixel larger on each side,
        # which closes the seams between neighbours. Half a fine pixel keeps them centred.
        corners = (polygon_N2 - (left, top)) * fine - 0.5
        ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in corners], fill=255)
        return left, top, np.asarray(mask.reduce(fine), dtype=np.float32) / np.float32(255)

    def label_maps(self) -> LabelMaps:
        taxonomy = drawn_taxonomy()

        def minus_one(shift: int, ignore_index: int) -> np.ndarray:
            index_HW = ((self.code_HW >> shift) & 255).astype(np.int32) - 1
            return np.where(index_HW < 0, np.int32(ignore_index), index_HW)

        # Things that ended up hidden leave no gap in the numbers.
        thing_HW = (self.code_HW >> INSTANCE_SHIFT).astype(np.int32)
        is_visible = np.zeros(int(thing_HW.max()) + 1, dtype=bool)
        is_visible[thing_HW] = True
        is_visible[0] = False
        number = np.where(is_visible, np.cumsum(is_visible), 0).astype(np.int32)
        return LabelMaps(
            semantic_HW=(self.code_HW & 255).astype(np.int32),
            instances_HW=number[thing_HW],
            parts_HW=minus_one(8, taxonomy.parts.ignore_index if taxonomy.parts else 255),
            material_HW=minus_one(16, taxonomy.materials.ignore_index if taxonomy.materials else 255),
            texture_HW=((self.code_HW >> 24) & 255).astype(np.int32),
        )


def _ground_lookup() -> np.ndarray:
    lookup = np.zeros(256, dtype=np.float32)
    lookup[[drawn_taxonomy().object_names.index(name) for name in GROUND_OBJECTS]] = 1
    return lookup
