"""A run that takes a second: coloured rectangles in a folder, a tiny network, a few steps."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mereo.strict_yaml import dump_yaml

COLOURS = np.array([[40, 60, 200], [200, 60, 40], [60, 180, 60]], dtype=np.uint8)


def write_rectangles(folder: Path, *, count: int = 6, size: tuple[int, int] = (32, 40)) -> Path:
    """A plain folder with train and val: noisy coloured rectangles, labels 0..2, a border of ignored pixels."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / split / kind).mkdir(parents=True)
        for number in range(count):
            label_HW = np.zeros(size, dtype=np.uint8)
            for value in (1, 2):
                top, left = random.integers(0, size[0] - 12), random.integers(0, size[1] - 12)
                label_HW[top : top + 12, left : left + 12] = value
            noise_HW3 = random.integers(-20, 20, (*size, 3))
            image_HW3 = np.clip(COLOURS[label_HW].astype(int) + noise_HW3, 0, 255).astype(np.uint8)
            label_HW[:1] = 255
            Image.fromarray(image_HW3).save(folder / split / "images" / f"{number}.png")
            Image.fromarray(label_HW).save(folder / split / "labels" / f"{number}.png")
    description = {
        "name": "rectangles",
        "taxonomy": {"name": "rectangles", "objects": ["blue", "red", "green"], "ignored_ids": [255]},
        "images": "{split}/images",
        "semantic": "{split}/labels",
    }
    (folder / "mereo.yaml").write_text(dump_yaml(description))
    return folder


def small_recipe(**training: Any) -> dict[str, Any]:
    return {
        "name": "rectangles",
        "train_data": {"format": "folder", "root": "data", "split": "train"},
        "val_data": {"format": "folder", "root": "data", "split": "val"},
        "augmentation": {"crop": [32, 32], "scale": [0.8, 1.25], "colour": 0.3, "rare_class_share": 0.5},
        "parser": {
            "backbone": {"name": "test_efficientnet", "output_stride": 8},
            "path": [{"stage": "projection", "width": 8}],
            "heads": [{"head": "pixel_classes", "dropout": 0.2}],
        },
        "losses": [{"loss": "pixel_cross_entropy", "class_balance": 0.5}],
        "training": {"steps": 8, "batch_size": 4, "checkpoint_every": 3, "num_workers": 0, "device": "cpu"}
        | {"num_threads": 1}
        | training,
    }


def write_recipe(folder: Path, content: dict[str, Any]) -> Path:
    if not (folder / "data").is_dir():
        write_rectangles(folder / "data")
    path = folder / "recipe.yaml"
    path.write_text(dump_yaml(content))
    return path
