"""A parser as one ONNX file that runs without torch."""
