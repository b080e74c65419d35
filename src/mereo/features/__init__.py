"""Image -> feature maps: backbones and necks. No regions here."""
