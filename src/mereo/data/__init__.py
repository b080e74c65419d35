"""Files -> samples: taxonomies, one reader a format, drawn scenes, augmentation."""
