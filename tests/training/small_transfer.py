"""A transfer that takes two seconds: big coloured things in a folder, a tiny network, a few steps."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mereo.strict_yaml import dump_yaml

COLOURS = np.array([[40, 60, 200], [200, 60, 40], [60, 180, 60]], dtype=np.uint8)


def write_things(folder: Path, *, count: int = 6, size: tuple[int, int] = (48, 64)) -> Path:
    """A red and a green rectangle on noisy blue in every picture, each a thing."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for kind in ("images", "labels", "instances"):
            (folder / split / kind).mkdir(parents=True)
        for number in range(count):
            label_HW = np.zeros(size, dtype=np.uint8)
            for value in (1, 2):
                top, left = random.integers(0, size[0] - 24), random.integers(0, size[1] - 24)
                label_HW[top : top + 24, left : left + 24] = value
            noise_HW3 = random.integers(-20, 20, (*size, 3))
            image_HW3 = np.clip(COLOURS[label_HW].astype(int) + noise_HW3, 0, 255).astype(np.uint8)
            Image.fromarray(image_HW3).save(folder / split / "images" / f"{number}.png")
            Image.fromarray(label_HW).save(folder / split / "labels" / f"{number}.png")
            Image.fromarray(label_HW * 7).save(folder / split / "instances" / f"{number}.png")
    things = [{"name": name, "thing": True} for name in ("red", "green")]
    description = {
        "name": "things",
        "taxonomy": {"name": "things", "objects": [{"name": "blue"}, *things]},
        "images": "{split}/images",
        "semantic": "{split}/labels",
        "instances": "{split}/instances",
    }
    (folder / "mereo.yaml").write_text(dump_yaml(description))
    return folder


def small_transfer(**training: Any) -> dict[str, Any]:
    return {
        "name": "things",
        "train_data": {"format": "folder", "root": "data", "split": "train"},
        "val_data": {"format": "folder", "root": "data", "split": "val"},
        "augmentation": {"crop": [48, 64], "working_side": 64, "scale": [0.9, 1.1], "colour": 0.2},
        "transfer": {"backbone": {"name": "test_efficientnet", "output_stride": 16}, "frozen_norms": False},
        "detector": {"width": 16, "anchor_scale": 2, "box_width": 32, "mask_width": 8, "rois_per_image": 16}
        | {"answers_per_image": 10},
        "training": {"steps": 4, "batch_size": 2, "checkpoint_every": 2, "num_workers": 0, "device": "cpu"}
        | {"optimizer": {"learning_rate": 0.02, "clip_norm": 10}, "num_threads": 1}
        | training,
    }


def write_transfer(folder: Path, content: dict[str, Any]) -> Path:
    if not (folder / "data").is_dir():
        write_things(folder / "data")
    path = folder / "transfer.yaml"
    path.write_text(dump_yaml(content))
    return path
