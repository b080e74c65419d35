"""ModelCard: where weights come from, what they may be used for, how good they are. Travels inside the parser file."""

import re

from pydantic import model_validator

from mereo.strict import StrictConfig

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
UNKNOWN_TERMS = ("", "unknown")
NON_COMMERCIAL = "trained on research data: for non-commercial research only"


# How names of measures end whose values are fractions of one; others (another tool's) are told as they stand.
FRACTIONS = ("mean_iou", "boundary_iou", "accuracy", "calibration_error")


class ModelCard(StrictConfig):
    title: str = ""
    summary: str = ""
    data: str = ""
    terms: str = "unknown"
    terms_notice: str = ""
    measured: dict[str, float] = {}
    measured_on: str = ""
    trained_with: str = ""

    @model_validator(mode="after")
    def _check(self) -> "ModelCard":
        """Cards are printed, and files come from others: what moves the cursor of a terminal is refused."""
        for key, text in self:
            if isinstance(text, str) and _CONTROL.search(text):
                raise ValueError(f"{key} must be printable, but got {text!r:.80}; write it without control characters")
        return self

    @property
    def has_terms(self) -> bool:
        return self.terms.strip().lower() not in UNKNOWN_TERMS

    def bound_by(self, source: "ModelCard | None") -> "ModelCard":
        """What grew out of other weights stands under their terms, unless this card says its own."""
        if source is None or self.has_terms:
            return self
        return self.model_copy(update={"terms": source.terms, "terms_notice": source.terms_notice})


def measured_in_words(measured: dict[str, float]) -> list[tuple[str, str]]:
    """Names and values as a reader says them.

    >>> measured_in_words({"parts_mean_iou": 0.2194, "calibration_error": 0.0123, "mIoU": 51.234})
    [('parts mean IoU', '21.9 %'), ('calibration error', '1.2 %'), ('mIoU', '51.23')]
    """
    return [
        (name.replace("_", " ").replace("iou", "IoU"), f"{100 * value:.1f} %")
        if name.endswith(FRACTIONS)
        else (name, f"{value:.4g}")
        for name, value in measured.items()
    ]
