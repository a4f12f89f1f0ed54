"""Foreign models: what a bare ``.tflite`` is, found out from the file and a trial run."""
