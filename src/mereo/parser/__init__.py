"""The only place that composes: backbone, path and heads into a SceneParser, its objective, its file."""
