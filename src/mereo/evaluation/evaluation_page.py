"""index.html beside evaluation.json: the numbers, the pictures, and the images that a parser did worst on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mereo.assembly.parse import UNSURE_BELOW
from mereo.atomic_files import write_bytes
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.confusion_picture import draw_confusion
from mereo.drawing.legend import percent
from mereo.drawing.page_parts import PageTemplate, colour_rules, escaped, relative_link
from mereo.drawing.reliability_picture import ReliabilityCurve, draw_reliability
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.number_text import percent_text
from mereo.evaluation.worst_images import WorstImage
from mereo.metrics.calibration import below_threshold
from mereo.version import VERSION

PAGE = PageTemplate(__file__)
PAGE_FILE, CONFUSION_FILE, RELIABILITY_FILE, WORST_FOLDER = "index.html", "confusion.png", "reliability.png", "worst"
MAX_OPEN_CLASSES = 40  # A longer table is folded away at first.
MAX_LEGEND = 60
PICTURE_NAMES = ("photograph", "truth", "answer", "mistakes")


def write_evaluation_page(
    evaluation: Evaluation,
    folder: str | Path,
    *,
    taxonomy: Taxonomy,
    worst: Sequence[WorstImage] = (),
    before: ReliabilityCurve | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """The page and its pictures; `before` is the curve that a new temperature bettered, notes are for the foot."""
    folder = Path(folder)
    confusion_HWC = draw_confusion(evaluation.confusion_KK, evaluation.class_names)
    write_bytes(folder / CONFUSION_FILE, picture_bytes(confusion_HWC, "PNG"))
    for rank, image in enumerate(worst, start=1):
        for name in PICTURE_NAMES:
            write_bytes(folder / _picture_file(rank, name), getattr(image.pictures, name))
    return PAGE.write(
        folder / PAGE_FILE,
        title=f"Evaluation of {evaluation.conditions.get('parser', 'a parser')}",
        summary=_summary(evaluation),
        notes=(*notes, f"Made with Mereo {VERSION}."),
        rules=colour_rules(range(taxonomy.num_objects), taxonomy.objects.colours_K3.tolist()),
        headline=_headline(evaluation),
        num_classes=str(len(evaluation.class_names)),
        is_open=" open" if len(evaluation.class_names) <= MAX_OPEN_CLASSES else "",
        classes="\n".join(_class_row(evaluation, index) for index in evaluation.classes_by_frequency),
        confusion=_figure(CONFUSION_FILE, confusion_HWC, "The confusion matrix, whose main mistakes the table names."),
        reliability=_reliability(evaluation, folder, before),
        worst=_worst(evaluation, worst),
    )


def mistaken_for(evaluation: Evaluation, index: int, *, most: int = 2) -> list[tuple[str, float]]:
    """The classes that a class was most often taken for, with the share of its pixels (at least 0.1 %)."""
    row_K = evaluation.confusion_KK[index].astype(np.float64)
    total = row_K.sum()
    row_K[index] = 0
    order = np.argsort(-row_K, kind="stable")[:most]
    return [
        (evaluation.class_names[other], float(row_K[other] / total)) for other in order if row_K[other] > 0.001 * total
    ]


def unsure_in_words(evaluation: Evaluation) -> str:
    """What a reader may expect of the mask `Parse.unsure()`; empty without confidences."""
    if evaluation.reliability_B3 is None:
        return ""
    share, right = below_threshold(evaluation.reliability_B3, UNSURE_BELOW)
    if not share > 0:
        return f"No pixel has a confidence below {UNSURE_BELOW:g}."
    return (
        f"{percent(share)} of the pixels have a confidence below {UNSURE_BELOW:g} (unsure); "
        f"{percent(right)} of these are right."
    )


def _picture_file(rank: int, name: str) -> str:
    return f"{WORST_FOLDER}/{rank:03d}-{name}.jpg"


def _summary(evaluation: Evaluation) -> str:
    scales = ", ".join(f"{scale:g}" for scale in evaluation.scales)
    facts = [
        f"{evaluation.num_images} image{'s' if evaluation.num_images != 1 else ''}",
        *([f"split {split}"] if (split := evaluation.conditions.get("split")) else []),
        *([f"scales {scales}"] if evaluation.scales != (1.0,) else []),
        *(["with the mirrored image"] if evaluation.flip else []),
    ]
    links = '<a href="./evaluation.json">evaluation.json</a> · <a href="./per_image.csv">per_image.csv</a>'
    return f"{escaped(' · '.join(facts))} · {links}"


def _headline(evaluation: Evaluation) -> str:
    measures = [
        ("mean IoU", evaluation.mean_iou),
        ("frequency-weighted IoU", evaluation.frequency_weighted_iou),
        ("pixel accuracy", evaluation.pixel_accuracy),
        ("boundary IoU", evaluation.boundary_iou),
    ]
    if evaluation.reliability_B3 is not None:
        measures.append(("calibration error", evaluation.expected_calibration_error))
    return "".join(
        f"<div><dt>{name}</dt><dd>{percent_text(value)}{'' if value is None else ' <small>%</small>'}</dd></div>"
        for name, value in measures
    )


def _class_row(evaluation: Evaluation, index: int) -> str:
    row = evaluation.per_class[index]
    taken_for = ", ".join(f"{escaped(name)} {percent(share)}" for name, share in mistaken_for(evaluation, index))
    bar = (
        f'<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * (row.iou or 0):.2f}" height="4"/></svg>'
    )
    return (
        f'<tr><th scope="row"><span class="name"><span class="swatch k{index}"></span>{escaped(row.name)}</span></th>'
        f'<td class="number">{percent_text(row.share or None)}</td>'
        f'<td><div class="iou"><span>{percent_text(row.iou)}</span>{bar}</div></td>'
        f'<td class="number">{percent_text(row.boundary_iou)}</td><td class="wide quiet">{taken_for}</td></tr>'
    )


def _figure(file: str, picture_HWC: np.ndarray, words: str, caption: str = "") -> str:
    height, width = picture_HWC.shape[:2]
    below = f"<figcaption>{escaped(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><a href="./{file}"><img src="./{file}" width="{width}" height="{height}" alt="{words}"></a>'
        f"{below}</figure>"
    )


def _reliability(evaluation: Evaluation, folder: Path, before: ReliabilityCurve | None) -> str:
    if evaluation.reliability_B3 is None:
        return ""
    now = ReliabilityCurve(f"temperature {evaluation.conditions.get('temperature', 1):g}", evaluation.reliability_B3)
    picture_HWC = draw_reliability([now, before] if before else [now])
    write_bytes(folder / RELIABILITY_FILE, picture_bytes(picture_HWC, "PNG"))
    return _figure(
        RELIABILITY_FILE, picture_HWC, "How often the parser is right, by its confidence.", unsure_in_words(evaluation)
    )


def _worst(evaluation: Evaluation, worst: Sequence[WorstImage]) -> str:
    if not worst:
        return ""
    present = {index for image in worst for index in image.present}
    legend = "".join(
        f'<li><span class="swatch k{index}"></span>{escaped(evaluation.class_names[index])}</li>'
        for index in [index for index in evaluation.classes_by_frequency if index in present][:MAX_LEGEND]
    )
    cards = "\n".join(_card(evaluation, rank, image) for rank, image in enumerate(worst, start=1))
    return (
        '<section id="worst" aria-labelledby="worst-title"><h2 id="worst-title">Where it does worst</h2>'
        '<p class="quiet">The images with the lowest mean IoU of their own, and how many points of it the '
        "costliest classes took. In the pictures of mistakes: "
        '<span class="key"><span class="swatch mistake"></span>wrong,</span> '
        '<span class="key"><span class="swatch unlabelled"></span>without a label,</span> pale: right.</p>'
        f'<ul id="legend">{legend}</ul><ol>{cards}</ol></section>'
    )


def _card(evaluation: Evaluation, rank: int, image: WorstImage) -> str:
    name = escaped(image.name)
    costs = "".join(
        f'<span><span class="swatch k{cost.class_index}"></span>'
        f"{escaped(evaluation.class_names[cost.class_index])} &minus;{100 * cost.cost:.1f} "
        f'<span class="quiet">IoU {percent_text(cost.iou)}{"" if cost.is_in_truth else ", not in the truth"}</span>'
        "</span>"
        for cost in image.costs
    )
    width, height = image.pictures.size
    links = {what: relative_link(_picture_file(rank, what)) for what in PICTURE_NAMES}
    pictures = "".join(
        f'<a href="{link}"><img src="{link}" loading="lazy" decoding="async" width="{width}" height="{height}" '
        f'alt="{what} of {name}"><span>{what}</span></a>'
        for what, link in links.items()
    )
    return (
        f"<li><h3>{name} <span>mean IoU {percent_text(image.mean_iou)}</span></h3>"
        f'<p class="costs">{costs}</p><div class="four">{pictures}</div></li>'
    )
