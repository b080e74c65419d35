"""ModelCard: where weights come from, what they may be used for, how good they are. Travels inside the parser file."""

from mereo.strict import StrictConfig

NON_COMMERCIAL = "trained on research data: for non-commercial research only"


class ModelCard(StrictConfig):
    title: str = ""
    summary: str = ""
    data: str = ""
    terms: str = "unknown"
    terms_notice: str = ""
    measured: dict[str, float] = {}
    measured_on: str = ""
    trained_with: str = ""
