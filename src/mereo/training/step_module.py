"""What one training step runs, as one module: data-parallel wrappers and compilers want it so."""

import torch
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.features.feature_maps import Frame
from mereo.parser.instances.instance_objective import InstanceObjective
from mereo.parser.objective import Objective
from mereo.parser.scene_parser import SceneParser


class StepModule(nn.Module):
    """Batch tensors -> the loss and its terms. Plain tensors in and out: wrappers look into nothing else."""

    def __init__(self, parser: SceneParser, objective: Objective | InstanceObjective) -> None:
        super().__init__()
        self.parser, self.objective = parser, objective

    def forward(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        batch = Batch(names=(), **tensors)
        height, width = batch.image_BCHW.shape[-2:]
        frame = Frame(image_size=(height, width), superpixels_BHW=batch.superpixels_BHW)
        losses = self.objective(self.parser(batch.image_BCHW, frame), batch)
        return {"loss": losses.total, **losses.terms}


class BufferMemory:
    """Running statistics from before a step, put back if the step turns out not to be finite."""

    def __init__(self, *modules: nn.Module) -> None:
        self.buffers = [buffer for module in modules for buffer in module.buffers()]
        self.remember()

    @torch.no_grad()
    def remember(self) -> None:
        self.values = [buffer.clone() for buffer in self.buffers]

    @torch.no_grad()
    def restore(self) -> None:
        for buffer, value in zip(self.buffers, self.values):
            buffer.copy_(value)
