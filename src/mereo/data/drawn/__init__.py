"""What draws the scenes of `data/drawn_scenes.py`: a camera, a canvas that paints image and labels at once."""
