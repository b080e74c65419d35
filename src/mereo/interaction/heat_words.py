"""The answer to "why this class?" as one sentence."""

from mereo.drawing.legend import percent
from mereo.interaction.graph_cam import GraphHeat


def answer_in_words(found: GraphHeat) -> str:
    task, name, score = found.asked.task, found.asked.name, f"{found.score:.2f}"
    if found.share == 0:
        return f"{name} is not the answer anywhere ({task}): its score, {score}, is the mean over the whole picture."
    return f"{name} is the answer in {percent(found.share)} of the picture ({task}), with a mean score of {score}."
