"""Several people's segmentations of one picture, stacked top to bottom in one PNG (BSDS500): region ids, no classes."""

from pathlib import Path

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.formats.file_pairing import paired_files
from mereo.data.label_reading import RawLabel, read_ids
from mereo.data.pictures.image_reading import read_image
from mereo.data.sample import Sample, Samples, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput


class StackedAnnotatorSamples(Samples):
    """`root/split/images/x.jpg` with `root/split/annotators/x.png`, whose height is annotators x the image's height.

    Regions have no class, so the taxonomy names one object, the region; `Sample.annotators_AHW` holds the maps.
    """

    def __init__(self, root: str | Path, *, split: str = "train") -> None:
        self.root, self.split = Path(root), split
        patterns = {"images": f"{split}/images", "annotators": f"{split}/annotators"}
        found = paired_files(self.root, patterns)
        self._names, self.files = list(found), list(found.values())
        self.taxonomy = Taxonomy(name=self.root.resolve().name, objects=LabelTable(names=("region",)))

    @property
    def names(self) -> list[str]:
        return list(self._names)

    @property
    def fingerprint(self) -> str:
        return fingerprint_of_files(path for files in self.files for path in files.values())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        files = self.files[index]
        image_HW3, stacked_HW = read_image(files["images"]), read_ids(files["annotators"])
        height, width = image_HW3.shape[:2]
        if stacked_HW.shape[1] != width or stacked_HW.shape[0] % height:
            raise BadInput(
                f"stacked annotators must have the image's width and a multiple of its height {width}x{height} "
                f"({files['images']}), but got {stacked_HW.shape[1]}x{stacked_HW.shape[0]} in {files['annotators']}; "
                "stack whole maps top to bottom."
            )
        annotators_AHW = stacked_HW.reshape(-1, height, width)
        return Sample(name=self._names[index], image_CHW=as_image(image_HW3), annotators_AHW=as_mask(annotators_AHW))

    def raw_labels(self, index: int) -> list[RawLabel]:
        """Region ids mean nothing across pictures, so there is no histogram of them."""
        return []
