"""What --device takes, as every command's help says it; the rule is `parser.devices.auto_device`."""

DEVICE = "auto (CUDA where there is one, else the CPU), cpu, cuda or mps."
