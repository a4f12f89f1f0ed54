"""From pixels to detections: interpreters, preprocessing, the engine, decoding."""
